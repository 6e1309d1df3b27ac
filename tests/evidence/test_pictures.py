"""The pictures of streams: drawn from the folder alone, safe from what stands in it, and never too large."""

from __future__ import annotations

import base64
import json
import math
import re
from array import array
from pathlib import Path
from typing import Any

import lameenc
import pytest

from rollout_gates.evidence import pictures as drawing
from rollout_gates.evidence.pictures import course_of, pictures
from rollout_gates.evidence.render import render
from rollout_gates.evidence.text import size
from rollout_gates.evidence.verify import verify
from tests.evidence import story
from tests.evidence.test_html import ATTACK, Page


def mp3(seconds: float = 2.0, loud: int = 9000, kbit: int = 48) -> bytes:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(kbit)
    encoder.set_in_sample_rate(24_000)
    encoder.set_channels(1)
    wave = array("h", (int(loud * math.sin(n / 9)) for n in range(int(24_000 * seconds))))
    return bytes(encoder.encode(wave.tobytes()) + encoder.flush())


CHUNKS = [[0.5, 4000], [0.6, 2000], [1.8, 5000], [2.0, 1000]]


def event(**changes: Any) -> dict[str, Any]:
    plain = {
        "system": "shop",
        "cell": "invoice express",
        "flow": "stream",
        "label": "a text, heard to its end",
        "exchange": {"transcript": "transcripts/order.jsonl", "id": "main-7"},
        "text_units": 40,
        "status": 200,
        "media_type": "audio/mpeg",
        "arrivals": {"headers_s": 0.4, "chunks": CHUNKS, "ended_s": 2.1, "end": "complete"},
        "sound": {"codec": "mp3", "seconds": 2.0, "rate_hz": 24_000, "channels": 1, "peak": 9000},
        "audio_file": "audio/one.mp3",
    }
    return plain | changes


def arrivals(**changes: Any) -> dict[str, Any]:
    return event()["arrivals"] | changes


def told(directory: Path, *events: dict[str, Any], audio: bytes | None = None) -> Page:
    """Render a run with these streams; *audio* is the file that the plain event names."""
    if audio is not None:
        (directory / "audio").mkdir(exist_ok=True)
        (directory / "audio" / "one.mp3").write_bytes(audio)
    run = story.Story(directory).begin().collect()
    for each in events:
        run.log.append("stream_observed", **each)
    render(run.check_rest().end())
    return Page(directory)


def section(page: Page) -> str:
    return page.source.split('<section id="streams"')[1].split("</section>")[0]


def text_in(page: Page) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", section(page)).split())


def test_a_stream_is_drawn_heard_and_played(tmp_path):
    audio = mp3()
    page = told(tmp_path, event(), audio=audio)

    said = text_in(page)
    assert "a text, heard to its end invoice express complete" in said
    assert "shop stream · status 200 · audio/mpeg · text of 40 units · main-7" in said
    assert "4 parts, 12.0 kB, the largest of 5.0 kB" in said
    for mark in ("headers 400 ms", "first byte 500 ms", "end 2.1 s", "longest pause 1.2 s , after 600 ms"):
        assert mark in said
    assert "What was heard 2.1 s, 24000 Hz" in said
    (player,) = page.of("audio")
    assert player["src"] == f"data:audio/mpeg;base64,{base64.b64encode(audio).decode()}"
    assert "controls" in player


def test_the_pictures_tell_a_reader_who_does_not_see_them(tmp_path):
    page = told(tmp_path, event(), audio=mp3())

    drawn = [
        row for row in page.of("svg") if row.get("role") == "img" and "stream" in (row.get("aria-labelledby") or "")
    ]
    ids = {row.get("id") for _, row in page.elements}
    assert len(drawn) == 2
    assert all(name in ids for row in drawn for name in (row["aria-labelledby"] or "").split())
    assert (
        "4 parts, 12.0 kB, over 2.1 s. Headers at 400 ms. First byte at 500 ms. End at 2.1 s. "
        "Longest pause 1.2 s, after 600 ms." in text_in(page)
    )


def test_the_axis_is_in_seconds_and_the_line_ends_with_all_bytes():
    drawn = course_of(event())

    assert drawn is not None
    assert [tick["label"] for tick in drawn.ticks][:3] == ["0 s", "0.5 s", "1 s"]
    assert drawn.line.startswith("M0 100H")
    assert drawn.line.endswith("V0.0H1000")
    assert [bar.tall for bar in drawn.bars] == [80.0, 40.0, 100.0, 20.0]
    assert (drawn.pause.at_s, round(drawn.pause.long_s, 3), drawn.pause.labelled) == (0.6, 1.2, True)


def test_the_same_folder_gives_the_same_page(tmp_path):
    first = section(told(tmp_path, event(), event(label="another", audio_file=None), audio=mp3()))

    render(tmp_path)

    assert section(Page(tmp_path)) == first
    assert verify(tmp_path).whole


def test_a_run_without_streams_has_no_such_section(evidence):
    assert 'id="streams"' not in Page(evidence("go")).source


@pytest.mark.parametrize(
    ("end", "words"),
    [("idle", "given up: idle"), ("broken", "connection broke"), ("left", "left on purpose"), (None, "end unknown")],
)
def test_how_it_ended_is_said(tmp_path, end, words):
    assert words in text_in(told(tmp_path, event(arrivals=arrivals(end=end), audio_file=None)))


def test_silence_is_called_silence(tmp_path):
    assert "What was heard 2.1 s, 24000 Hz, silence" in text_in(told(tmp_path, event(), audio=mp3(loud=0)))


# --- what may stand in a folder


def test_what_a_target_says_never_becomes_markup(tmp_path):
    hostile = event(label=ATTACK, flow=ATTACK, cell=ATTACK, media_type=ATTACK, system=ATTACK, audio_file=ATTACK)
    hostile["exchange"] = {"transcript": ATTACK, "id": ATTACK}

    page = told(tmp_path, hostile, audio=mp3())

    assert page.of("img") == [{"src": ""}]
    assert page.of("audio") == []
    assert len(page.of("script")) == 3
    assert not [row for _, row in page.elements if any(name.startswith("on") for name in row)]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        arrivals(headers_s=None, ended_s=None, chunks=[]),
        arrivals(headers_s=1e308, ended_s=1e308, end="a lie"),
        arrivals(headers_s=-5, ended_s=-1, chunks=[[-3, 10], [-2, 10]]),
        arrivals(chunks=[[5, 10], [1, 10], [3, 10]]),
        arrivals(chunks=[[0.5, -1], [0.6, 10**30], ["x", "y"], [1], 7, None, [0.7, 3.5], [None, 4]]),
        arrivals(chunks="many"),
        arrivals(ended_s=0, headers_s=0, chunks=[[0, 0]]),
        arrivals(ended_s=1e-12, headers_s=0, chunks=[[1e-13, 1]]),
        arrivals(ended_s=2e6, chunks=[[0.1, 5], [2e6, 10**11]]),
    ],
    ids=repr,
)
def test_numbers_that_mean_nothing_are_survived(tmp_path, broken):
    page = told(tmp_path, event(arrivals=broken, audio_file=None))

    assert "a text, heard to its end" in text_in(page)
    assert not re.search(r"\b(nan|inf|None|e\+)", section(page))
    places = [float(value) for value in re.findall(r'x\d?="([-\d.]+)%"', section(page))]
    assert all(0 <= place <= 100 for place in places)


def test_a_million_parts_are_drawn_as_what_an_eye_can_tell_apart(tmp_path):
    chunks = [[number / 1e5, 7] for number in range(1_000_000)]

    drawn = course_of(event(arrivals=arrivals(chunks=chunks, ended_s=10.0)))

    assert drawn is not None
    assert (drawn.parts, drawn.size_bytes) == (1_000_000, 7_000_000)
    assert len(drawn.bars) <= 601
    assert len(drawn.line) < 10_000


def outside(directory: Path) -> str:
    (directory.parent / "secret.mp3").write_bytes(mp3())
    return "../secret.mp3"


def linked(directory: Path) -> str:
    (directory / "audio").mkdir()
    (directory.parent / "far.mp3").write_bytes(mp3())
    (directory / "audio" / "link.mp3").symlink_to(directory.parent / "far.mp3")
    return "audio/link.mp3"


def folder(directory: Path) -> str:
    (directory / "audio" / "a.mp3").mkdir(parents=True)
    return "audio/a.mp3"


def large(directory: Path) -> str:
    (directory / "audio").mkdir()
    (directory / "audio" / "large.mp3").write_bytes(mp3() * 20)
    return "audio/large.mp3"


def page_file(directory: Path) -> str:
    (directory / "audio").mkdir()
    (directory / "audio" / "page.mp3").write_bytes(b"<html><script>alert(1)</script></html>" * 20)
    return "audio/page.mp3"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _: "audio/gone.mp3", "its file is missing: audio/gone.mp3"),
        (lambda _: "/etc/hostname", "leads out of the evidence"),
        (lambda _: "audio/../events.jsonl", "leads out of the evidence"),
        (lambda _: "events.jsonl", "leads out of the evidence"),
        (lambda _: "audio/" + "x" * 5000, "cannot be read"),
        (lambda _: "audio/\0", "its file is missing"),
        (outside, "leads out of the evidence"),
        (linked, "leads out of the evidence"),
        (folder, "its file is missing"),
        (large, "larger than 200 kB"),
        (page_file, "no MPEG audio"),
        (lambda _: None, "no sound was kept"),
    ],
)
def test_a_sound_that_cannot_be_played_is_told_of(tmp_path, make, why):
    directory = tmp_path / "evidence"
    directory.mkdir()

    shown = pictures([{"event": "stream_observed", **event()}], [event(audio_file=make(directory))], directory)

    assert shown[0].sound is None
    assert shown[0].wave is None
    assert why in shown[0].why_not


def test_sounds_share_one_budget_and_what_is_left_out_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "SOUND_BUDGET", 2 * len(mp3()))

    page = told(tmp_path, event(), event(), event(label="the third"), audio=mp3())

    assert len(page.of("audio")) == 2
    assert "the report would grow too large; it is in audio/one.mp3" in text_in(page)
    assert len([row for row in page.of("svg") if row.get("class") == "wave"]) == 3


def test_very_many_streams_are_drawn_in_part_and_counted(tmp_path):
    page = told(tmp_path, *(event(label=f"number {number}", audio_file=None) for number in range(60)))

    assert text_in(page).count("number ") == drawing.MOST_STREAMS
    assert "… and 12 more in evidence.json and events.jsonl." in text_in(page)


def test_the_largest_page_of_streams_can_be_opened(tmp_path):
    chunks = [[number / 200, 100 + number] for number in range(2000)]
    audio = mp3(seconds=31)
    assert 180_000 < len(audio) < 200_000

    told(tmp_path, *(event(arrivals=arrivals(chunks=chunks, ended_s=10.0)) for _ in range(60)), audio=audio)

    assert (tmp_path / "index.html").stat().st_size < 10_000_000


def test_the_document_has_the_times_of_each_stream(tmp_path):
    told(tmp_path, event(), audio=mp3())

    row = json.loads((tmp_path / "evidence.json").read_text())["streams"][0]
    assert (row["headers_s"], row["first_byte_s"], row["last_byte_s"], row["ended_s"]) == (0.4, 0.5, 2.0, 2.1)


@pytest.mark.parametrize(
    ("number", "shown"), [(1, "1 byte"), (812, "812 bytes"), (24_300, "24.3 kB"), (1.2e6, "1.2 MB")]
)
def test_sizes_are_read_by_people(number, shown):
    assert size(number) == shown
