"""Providers that misbehave over the WebSocket: each comes to one clear ending, in time, in bounded memory."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from rollout_gates.environment import Secret
from rollout_gates.systems.tts.provider import realtime
from rollout_gates.systems.tts.provider.frames import CREATED, Asked, Dialogue, Ending, Kind
from rollout_gates.systems.tts.provider.realtime import Limits, Line, talking
from rollout_gates.wire import CouldNotJudge, TargetUnreachable, TimedOut, TlsFailed
from tests.wire.scene import asynchronous, raw_server, request_head, saying, scene

KEY = "sk-planted-provider-key-71c0"
ASKED = Asked("a-model", "a-voice", texts=("Hello.",))
QUICK = Limits(idle_s=0.4, total_s=4.0, open_s=1.0, finish_s=0.4)
Script = Callable[[ServerConnection], Awaitable[None]]


def event(kind: str, **fields: object) -> str:
    return json.dumps({"event_id": f"event_{kind}", "type": kind, **fields})


def delta(size_bytes: int) -> str:
    return event("response.audio.delta", delta=base64.b64encode(bytes(size_bytes)).decode())


@contextlib.asynccontextmanager
async def provider(script: Script, **options) -> AsyncIterator[str]:
    """Serve *script* on every session; yield its URL."""

    async def handler(socket: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            await script(socket)

    async with serve(handler, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None, **options) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'wss' if options.get('ssl') else 'ws'}://127.0.0.1:{port}/realtime"
        server.close(close_connections=True)


async def dialogue(folder, url: str, *, limits: Limits = QUICK, key: str | None = KEY, tls=None) -> Dialogue:
    """Greet, ask, and hear all that comes."""
    async with scene(folder) as stage:
        line = Line(stage.wire, url, Secret(key) if key else None, limits, tls)
        async with talking(line, "hostile", ASKED) as talk:
            await talk.until(CREATED)
            await talk.say("session.update", session=ASKED.session)
            await talk.to_the_end()
        return talk.dialogue


def saying_frames(*frames: str | bytes, then: Script | None = None) -> Script:
    async def script(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
        await (then or forever)(socket)

    return script


async def forever(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def closes(socket: ServerConnection) -> None:
    await socket.close(1011, "broken")


async def listens_first(socket: ServerConnection) -> None:
    await socket.recv()
    await saying_frames(delta(6), event("session.finished"), then=closes)(socket)


async def vanishes(socket: ServerConnection) -> None:
    socket.transport.abort()


async def many(socket: ServerConnection) -> None:
    small = delta(2)
    for _ in range(1_000_000):
        await socket.send(small)


async def without_end(socket: ServerConnection) -> None:
    large = delta(3 * 2**20)
    for _ in range(100):
        await socket.send(large)


async def drips(socket: ServerConnection) -> None:
    while True:
        await socket.send(event("response.mood"))
        await asyncio.sleep(0.1)


async def invalid_utf8(socket: ServerConnection) -> None:
    await socket.send(event(CREATED))
    frame = WireFrame(Opcode.TEXT, b'{"type": "\xff\xfe"}')
    socket.transport.write(frame.serialize(mask=False))
    await forever(socket)


async def reserved_bits(socket: ServerConnection) -> None:
    socket.transport.write(b"\xf1\x00")
    await forever(socket)


GREETED = event(CREATED)
ENDINGS = {
    "never says a word": (saying_frames(), Ending.IDLE),
    "greets and falls silent": (saying_frames(GREETED), Ending.IDLE),
    "closes at once": (saying_frames(then=closes), Ending.SERVER_CLOSED),
    "closes after its greeting": (saying_frames(GREETED, then=closes), Ending.SERVER_CLOSED),
    "vanishes": (saying_frames(GREETED, then=vanishes), Ending.LOST),
    "sends binary frames": (saying_frames(GREETED, b"\x00" * 50, then=closes), Ending.SERVER_CLOSED),
    "sends no JSON": (saying_frames(GREETED, "this is no JSON", then=closes), Ending.SERVER_CLOSED),
    "sends an array": (saying_frames(GREETED, "[1, 2]", then=closes), Ending.SERVER_CLOSED),
    "nests without end": (saying_frames(GREETED, "[" * 100_000, then=closes), Ending.SERVER_CLOSED),
    "sends an event without a type": (saying_frames('{"a": 1}', then=closes), Ending.SERVER_CLOSED),
    "sends invalid UTF-8": (invalid_utf8, Ending.BROKEN),
    "breaks the framing": (reserved_bits, Ending.BROKEN),
    "sends a delta of 5 MB": (saying_frames(GREETED, delta(5 * 2**20 * 3 // 4), then=closes), Ending.SERVER_CLOSED),
    "sends a frame of 9 MB": (saying_frames(GREETED, event("x", y="z" * 9 * 2**20)), Ending.TOO_LARGE),
    "sends audio without end": (saying_frames(GREETED, then=without_end), Ending.TOO_LARGE),
    "sends a million deltas": (saying_frames(GREETED, then=many), Ending.TOO_MANY),
    "drips without end": (saying_frames(GREETED, then=drips), Ending.OVERTIME),
    "finishes and stays": (saying_frames(GREETED, event("session.finished")), Ending.CLIENT_CLOSED),
}
PATIENT = {"sends a million deltas", "sends audio without end", "sends a frame of 9 MB", "sends a delta of 5 MB"}


@pytest.mark.parametrize("name", ENDINGS)
def test_whatever_a_provider_does_comes_to_one_ending(tmp_path, name):
    script, expected = ENDINGS[name]
    limits = Limits(idle_s=5, total_s=30, open_s=5, finish_s=1) if name in PATIENT else QUICK

    async def act() -> Dialogue:
        async with provider(script) as url, asyncio.timeout(40):
            return await dialogue(tmp_path, url, limits=limits)

    heard = asyncio.run(act())

    assert heard.ending is expected
    assert heard.ending.value in heard.told()
    assert len(heard.frames) <= realtime.MOST_FRAMES
    lines = [
        json.loads(line) for path in (tmp_path / "transcripts").glob("*") for line in path.read_text().splitlines()
    ]
    assert lines[0]["note"] == f"realtime session 'hostile': {heard.told()}"
    assert all(KEY not in path.read_text() for path in (tmp_path / "transcripts").glob("*"))


KINDS = {
    "sends binary frames": Kind.BINARY,
    "sends no JSON": Kind.NO_JSON,
    "sends an array": Kind.NO_OBJECT,
    "nests without end": Kind.NO_JSON,
    "sends an event without a type": Kind.UNTYPED,
    "sends invalid UTF-8": Kind.NO_TEXT,
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_event_is_kept_as_what_it_is(tmp_path, name):
    async def act() -> Dialogue:
        async with provider(ENDINGS[name][0]) as url:
            return await dialogue(tmp_path, url)

    heard = asyncio.run(act())

    assert KINDS[name] in {frame.kind for _, frame in heard.heard}


@asynchronous
async def test_memory_stays_bounded_whatever_comes(tmp_path):
    async with provider(saying_frames(GREETED, then=without_end)) as url:
        tracemalloc.start()
        try:
            heard = await dialogue(tmp_path, url, limits=Limits(idle_s=5, total_s=60))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert heard.ending is Ending.TOO_LARGE
    assert most < 3 * realtime.MOST_AUDIO_BYTES


@asynchronous
async def test_what_was_said_and_heard_is_recorded_with_times(tmp_path):
    async with provider(saying_frames(GREETED, then=listens_first)) as url:
        heard = await dialogue(tmp_path, url)
    (line,) = [json.loads(row) for row in (tmp_path / "transcripts" / "main.jsonl").read_text().splitlines()]
    frames = [json.loads(row) for row in line["response_body"].splitlines()]

    assert line["id"] == heard.exchange_id
    assert (line["method"], line["status"], line["actor"]) == ("GET", 101, "provider_key")
    assert ["authorization", "Bearer [redacted:provider_key]"] in [[k.lower(), v] for k, v in line["request_headers"]]
    assert {frame["from"] for frame in frames} == {"client", "server"}
    assert [frame["t"] for frame in frames] == sorted(frame["t"] for frame in frames)
    audio = next(frame["audio"] for frame in frames if "audio" in frame)
    assert audio["bytes"] == 6
    assert len(audio["sha256"]) == 64
    assert "delta" not in json.dumps([frame.get("event", {}).get("delta") for frame in frames if "event" in frame])


# Nobody who speaks the protocol


@asynchronous
async def test_a_refused_handshake_is_an_ending_with_its_status(tmp_path):
    body = b'{"code": "InvalidApiKey", "message": "no"}'
    head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with raw_server(saying(head + body)) as base:
        heard = await dialogue(tmp_path, base.replace("http", "ws"))

    assert (heard.ending, heard.status) == (Ending.REFUSED, 401)
    assert "InvalidApiKey" in heard.frames[0].shown


@asynchronous
async def test_a_redirect_is_not_followed_with_the_key(tmp_path):
    asked = []

    async def elsewhere(reader, writer):
        asked.append(await request_head(reader))

    async with raw_server(elsewhere) as other:
        there = other.replace("http", "ws").encode()
        answer = b"HTTP/1.1 302 Found\r\nLocation: " + there + b"/realtime\r\nContent-Length: 0\r\n\r\n"
        async with raw_server(saying(answer)) as base:
            heard = await dialogue(tmp_path, base.replace("http", "ws"))

    assert (heard.ending, heard.status, asked) == (Ending.REFUSED, 302, [])


async def silence(reader, writer):
    await reader.read()


UNREACHABLE = {
    "silent": (silence, TimedOut, "no answer to the handshake within"),
    "no HTTP": (saying(b"SSH-2.0-OpenSSH\r\n\r\n"), TargetUnreachable, "the answer is no WebSocket handshake"),
    "gone": (saying(b""), TargetUnreachable, "the answer is no WebSocket handshake"),
    "a wrong accept": (
        saying(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: AAAA\r\n\r\n"
        ),
        TargetUnreachable,
        "the answer is no WebSocket handshake",
    ),
}


@pytest.mark.parametrize("name", UNREACHABLE)
def test_a_target_that_does_not_speak_the_protocol_cannot_be_judged(tmp_path, name):
    talk, kind, says = UNREACHABLE[name]

    async def act():
        async with raw_server(talk) as base:
            await dialogue(tmp_path, base.replace("http", "ws"))

    with pytest.raises(kind, match=says):
        asyncio.run(act())


@asynchronous
async def test_nobody_listening_cannot_be_judged(tmp_path):
    with pytest.raises(TargetUnreachable, match="no connection"):
        await dialogue(tmp_path, "ws://127.0.0.1:9/realtime")


@asynchronous
async def test_a_certificate_that_nobody_knows_is_not_accepted(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with provider(saying_frames(GREETED), ssl=context) as url:
        with pytest.raises(TlsFailed, match="the TLS handshake failed"):
            await dialogue(tmp_path, url)


@asynchronous
async def test_a_certificate_that_is_known_is_accepted(tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    known = ssl.create_default_context()
    authority.configure_trust(known)
    async with provider(saying_frames(GREETED, then=closes), ssl=context) as url:
        heard = await dialogue(tmp_path, url, tls=known)

    assert heard.ending is Ending.SERVER_CLOSED


@asynchronous
async def test_a_proxy_of_the_environment_is_not_asked(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with provider(saying_frames(GREETED, then=closes)) as url:
        heard = await dialogue(tmp_path, url)

    assert heard.heard[0][1].type == CREATED


@asynchronous
async def test_a_transcript_that_cannot_be_written_judges_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(realtime, "record", lambda *_args, **_how: (_ for _ in ()).throw(OSError(28, "no space")))
    async with provider(saying_frames(GREETED, then=closes)) as url:
        with pytest.raises(CouldNotJudge, match="could not be recorded"):
            await dialogue(tmp_path, url)
