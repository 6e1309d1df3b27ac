"""What is kept of a stream: its times, its sound, and a file to listen to, unless it must not be kept."""

from __future__ import annotations

import asyncio
import math
from array import array

import lameenc
import pytest

from rollout_gates.conductor import Context
from rollout_gates.evidence.document import build_document, schema_problems
from rollout_gates.evidence.events import EventLog, Events, read_events
from rollout_gates.evidence.files import EvidenceNotWritten, manifest
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.streams import MOST_BYTES, observed, stream_times, streams
from rollout_gates.reasons import Reason
from rollout_gates.wire import Arrivals, Chunk, CouldNotJudge, End, Reply, Sent
from rollout_gates.wire.headers import Headers


def mp3(seconds: float = 0.5) -> bytes:
    """A tone."""
    work = lameenc.Encoder()
    work.set_bit_rate(48)
    work.set_in_sample_rate(24_000)
    work.set_channels(1)
    work.silence()
    wave = array("h", (int(9000 * math.sin(n / 9)) for n in range(int(24_000 * seconds))))
    return bytes(work.encode(wave.tobytes()) + work.flush())


def reply(body: bytes, *, status: int = 200, end: End = End.COMPLETE, times=(0.5, 1.0)) -> Reply:
    half = len(body) // 2
    arrivals = Arrivals((Chunk(times[0], half), Chunk(times[1], len(body) - half)), 0.4, times[1] + 0.1, end)
    return Reply(
        status=status,
        headers=Headers([("content-type", "audio/mpeg")]),
        body=body,
        elapsed_s=1.1,
        first_byte_s=0.4,
        request=Sent("POST", "http://127.0.0.1/stream", ()),
        exchange_id="main-7",
        actor="user",
        transcript="shop@one.stream",
        arrivals=arrivals,
    )


def kept(folder, body, **options):
    return observed(reply(body), label="a text", text_units=12, folder=folder, redactor=Redactor(), **options)


def test_a_stream_is_told_in_structured_fields_and_its_audio_kept(tmp_path):
    body = mp3()

    told, sound = kept(tmp_path, body)

    assert told["exchange"] == {"transcript": "transcripts/shop-one.stream.jsonl", "id": "main-7"}
    assert (told["label"], told["text_units"], told["status"], told["media_type"]) == ("a text", 12, 200, "audio/mpeg")
    assert told["arrivals"]["chunks"] == [[0.5, len(body) // 2], [1.0, len(body) - len(body) // 2]]
    assert told["sound"]["codec"] == "mp3"
    assert (told["sound"]["rate_hz"], told["sound"]["channels"]) == (24_000, 1)
    assert told["sound"]["seconds"] == pytest.approx(0.55, abs=0.1)
    assert sound is not None
    assert (tmp_path / told["audio_file"]).read_bytes() == body
    assert told["audio_file"] == "audio/shop-one.stream-main-7.mp3"
    assert f'"{told["audio_file"]}"' in manifest(tmp_path)


@pytest.mark.parametrize("body", [b"", b"<html>no sound</html>", bytes(4000), b"//NExAAA" * 500])
def test_what_is_no_audio_is_never_kept_as_a_file(tmp_path, body):
    told, sound = kept(tmp_path, body)

    assert (told["sound"], told["audio_file"], sound) == (None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_long_audio_is_told_but_not_kept(tmp_path):
    told, _ = kept(tmp_path, mp3() * (1 + MOST_BYTES // len(mp3())))

    assert told["sound"] is not None
    assert told["audio_file"] is None


def test_audio_with_a_secret_in_it_is_not_kept(tmp_path):
    redactor = Redactor()
    redactor.register("s3cr3t-t0k3n", "token")
    body = b"ID3\x03\x00\x00\x00\x00\x00\x0cs3cr3t-t0k3n" + mp3()

    told, sound = observed(reply(body), label="x", text_units=None, folder=tmp_path, redactor=redactor)

    assert sound is not None
    assert told["audio_file"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "audio").write_text("in the way")

    with pytest.raises(EvidenceNotWritten):
        kept(tmp_path, mp3())


def context_in(folder, log):
    wire = type("Wire", (), {"recorder": type("Recorder", (), {"redactor": Redactor()})})
    return Context("shop", None, None, wire, None, None, None, "r", cell="one", folder=folder, record=log.append)


def test_the_document_lists_the_streams_and_how_long_they_took(tmp_path):
    body = mp3()
    with EventLog(tmp_path / "events.jsonl") as log:
        context = context_in(tmp_path, log)
        for number in range(1, 21):
            asyncio.run(context.heard(reply(body, times=(number / 10, number)), f"text {number}", 3))
        asyncio.run(context.heard(reply(body, end=End.BROKEN, times=(9.0, 99.0)), "one that broke"))
        asyncio.run(context.heard(reply(b"", status=500), "none"))
    events = read_events(tmp_path / "events.jsonl")

    document = build_document(events, tmp_path)

    assert list(schema_problems(document)) == []
    rows = document["streams"]
    assert [row["label"] for row in rows][-3:] == ["text 20", "one that broke", "none"]
    assert (rows[0]["first_byte_s"], rows[0]["last_byte_s"], rows[0]["size_bytes"]) == (0.1, 1, len(body))
    assert (rows[0]["system"], rows[0]["cell"], rows[0]["end"], rows[20]["end"]) == (
        "shop",
        "one",
        "complete",
        "broken",
    )
    (times,) = document["stream_times"]
    assert times["first_byte_s"] == {"count": 20, "min": 0.1, "median": 1.0, "p95": 1.9, "max": 2.0}
    assert times["last_byte_s"] == {"count": 20, "min": 1, "median": 10, "p95": 19, "max": 20}
    assert rows[0]["audio_file"] in document["files"]


def test_a_run_without_streams_has_no_times():
    events = Events([], [])

    assert (streams(events), stream_times([])) == ([], [])


def test_a_flow_whose_stream_cannot_be_kept_judges_nothing(tmp_path):
    (tmp_path / "audio").write_text("in the way")

    with EventLog(tmp_path / "events.jsonl") as log, pytest.raises(CouldNotJudge) as problem:
        asyncio.run(context_in(tmp_path, log).heard(reply(mp3()), "x"))

    assert problem.value.reason is Reason.CHECK_ERRORED
