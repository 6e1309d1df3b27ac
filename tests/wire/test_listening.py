"""Streams as they come: when each part came, how it ended, and that none of them holds a run up or fills its memory."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import time

import pytest

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.wire import End, Listening, TargetUnreachable, TimedOut
from rollout_gates.wire.listening import Heard
from tests.wire.scene import asynchronous, raw_server, request_head, saying, scene

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SHORT = Listening(idle_s=0.3, total_s=2.0)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def speaking(*steps: bytes | float, then: str = "stay"):
    """Answer one request: bytes are written, numbers waited; at the end close, reset, or stay."""

    async def talk(reader, writer):
        await request_head(reader)
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            else:
                await asyncio.sleep(step)
        if then == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif then == "close":
            writer.write_eof()
        await reader.read()

    return talk


def endless(piece: bytes, pause_s: float = 0.0, head: bytes = CHUNKED):
    async def talk(reader, writer):
        await request_head(reader)
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return talk


async def heard(tmp_path, talk, listening=SHORT, **options):
    async with raw_server(talk) as url, scene(tmp_path) as it:
        started = time.perf_counter()
        reply = await it.wire.send("POST", url, listening=listening, **options)
        took_s = time.perf_counter() - started
        assert reply.arrivals is not None
        return reply, reply.arrivals, it.line(), took_s


@asynchronous
async def test_each_chunk_has_its_time_and_its_size(tmp_path):
    talk = speaking(CHUNKED, 0.1, chunk(b"one"), 0.1, chunk(b"four") + chunk(b"fifth"), 0.1, b"0\r\n\r\n")
    reply, arrivals, line, _ = await heard(tmp_path, talk)

    assert (reply.status, reply.body, reply.fault) == (200, b"onefourfifth", None)
    assert [each.size_bytes for each in arrivals.chunks] == [3, 4, 5]
    assert arrivals.end is End.COMPLETE
    first, second, third = (each.at_s for each in arrivals.chunks)
    assert arrivals.headers_s < 0.1 <= first
    assert second - first >= 0.08
    assert third - second < 0.08
    assert arrivals.ended_s - third >= 0.08
    assert (line["arrivals"]["end"], len(line["arrivals"]["chunks"])) == ("complete", 3)
    assert line["arrivals"]["chunks"][0] == [round(first, 6), 3]


@asynchronous
async def test_headers_that_come_late_are_told_apart_from_the_body(tmp_path):
    _, arrivals, _, _ = await heard(tmp_path, speaking(0.2, CHUNKED + chunk(b"all") + b"0\r\n\r\n"))

    assert arrivals.headers_s >= 0.18
    assert arrivals.first_s is not None
    assert arrivals.first_s - arrivals.headers_s < 0.1


@pytest.mark.parametrize(
    ("head", "body", "then"),
    [
        (HEAD + b"Content-Length: 6\r\n\r\n", b"sounds", "stay"),
        (HEAD.replace(b"1.1", b"1.0") + b"\r\n", b"sounds", "close"),
        (HEAD + b"Connection: close\r\n\r\n", b"sounds", "close"),
        (HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n", gzip.compress(b"sounds"), "close"),
    ],
    ids=["content-length", "http-1.0", "close-framed", "gzip"],
)
@asynchronous
async def test_every_framing_has_its_end(tmp_path, head, body, then):
    reply, arrivals, _, _ = await heard(tmp_path, speaking(head, body[:3], 0.05, body[3:], then=then))

    assert (reply.body, reply.fault, arrivals.end) == (b"sounds", None, End.COMPLETE)
    assert arrivals.size_bytes == len(body)
    assert len(arrivals.chunks) == 2


@asynchronous
async def test_an_answer_without_a_body_has_no_chunks(tmp_path):
    reply, arrivals, _, _ = await heard(tmp_path, saying(b"HTTP/1.1 204 No Content\r\n\r\n"))

    assert (reply.status, arrivals.chunks, arrivals.first_s, arrivals.end) == (204, (), None, End.COMPLETE)


@asynchronous
async def test_a_stream_that_stalls_ends_at_the_idle_limit(tmp_path):
    reply, arrivals, line, took_s = await heard(tmp_path, speaking(CHUNKED, chunk(b"sound")))

    assert (reply.body, arrivals.end) == (b"sound", End.IDLE)
    assert reply.fault == "body stalled: nothing for 0.3 s after 5 bytes"
    assert took_s < 1.5
    assert (line["fault"], line["arrivals"]["end"]) == (reply.fault, "idle")


@asynchronous
async def test_a_stream_that_drips_for_ever_ends_at_the_total_limit(tmp_path):
    reply, arrivals, _, took_s = await heard(tmp_path, endless(chunk(b"."), 0.01), Listening(idle_s=0.5, total_s=0.8))

    assert arrivals.end is End.OVERTIME
    assert "did not end within 0.8 s" in (reply.fault or "")
    assert took_s < 2.5
    assert len(arrivals.chunks) > 10


@asynchronous
async def test_a_stream_without_end_is_cut_at_its_size(tmp_path):
    reply, arrivals, line, _ = await heard(tmp_path, endless(chunk(b"\xff" * 4096)), max_bytes=100_000)

    assert (len(reply.body), arrivals.end) == (100_000, End.TOO_LARGE)
    assert reply.fault == "body is longer than 100000 bytes"
    assert line["response_body"]["bytes"] == 100_000


@pytest.mark.parametrize("then", ["reset", "close"])
@asynchronous
async def test_a_connection_that_is_lost_is_a_broken_stream(tmp_path, then):
    reply, arrivals, _, _ = await heard(tmp_path, speaking(CHUNKED, chunk(b"sound"), 0.05, then=then))

    assert (reply.body, arrivals.end) == (b"sound", End.BROKEN)
    assert (reply.fault or "").startswith("body broke off after 5 bytes (")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ((CHUNKED + chunk(b"sound"), 0.05, b"zz\r\n"), "the chunked encoding"),
        ((HEAD + b"Content-Length: 9\r\n\r\nsound",), "fewer bytes than its content-length"),
        ((HEAD + b"Content-Encoding: br\r\nContent-Length: 5\r\n\r\nsound",), "'br' was not asked for"),
        ((HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nsound",), "not valid gzip"),
    ],
    ids=["bad chunk size", "short", "unasked encoding", "no gzip"],
)
@asynchronous
async def test_a_body_that_breaks_its_framing_is_broken(tmp_path, said, fault):
    reply, arrivals, _, took_s = await heard(tmp_path, speaking(*said, then="close"))

    assert arrivals.end is End.BROKEN
    assert fault in (reply.fault or "")
    assert took_s < 1.5


@asynchronous
async def test_a_client_may_leave_after_the_first_part(tmp_path):
    gone = asyncio.Event()

    async def talk(reader, writer):
        await request_head(reader)
        writer.write(CHUNKED + chunk(b"first"))
        await writer.drain()
        await reader.read()
        gone.set()

    async with raw_server(talk) as url, scene(tmp_path) as it:
        heard = []
        listening = Listening(idle_s=2, total_s=2, leave_after=1, on_first=lambda: heard.append(1))
        reply = await it.wire.send("POST", url, listening=listening)
        await asyncio.wait_for(gone.wait(), 2)

    assert (reply.body, reply.arrivals.end, reply.fault) == (b"first", End.LEFT, "left on purpose after 5 bytes")
    assert heard == [1]


@asynchronous
async def test_who_says_nothing_at_all_could_not_be_judged(tmp_path):
    with pytest.raises(TimedOut, match=r"no answer within 0\.3 s"):
        await heard(tmp_path, speaking(then="stay"))
    with pytest.raises(TargetUnreachable):
        await heard(tmp_path / "2", speaking(then="reset"))


@asynchronous
async def test_audio_is_kept_out_of_the_transcript_and_secrets_too(tmp_path):
    sound = b"\xff\xf3\x44\xc4" + bytes(5000)
    _, _, line, _ = await heard(
        tmp_path,
        saying(CHUNKED + chunk(sound) + b"0\r\n\r\n"),
        headers={"authorization": "Bearer s3cr3t-t0k3n-value-0"},
    )

    assert set(line["response_body"]) == {"bytes", "sha256"}
    assert "s3cr3t" not in str(line)


def test_a_million_parts_take_bounded_memory():
    heard = Heard()
    for number in range(1_000_000):
        heard.took(number / 1000, 1)

    arrivals = heard.arrivals(0.0, 1000.0)
    assert len(arrivals.chunks) <= 16_384
    assert arrivals.size_bytes == 1_000_000
    assert (arrivals.first_s, arrivals.last_s) == (0.0, 999.999)
    assert Redactor().finds(str(arrivals.told())) is False
    assert len(arrivals.told()["chunks"]) <= 2000
