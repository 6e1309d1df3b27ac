"""What is kept of a generate: the provider's very bytes, stored once; and of a failed one, what it is known by."""

from __future__ import annotations

import asyncio
import base64
import io
import math
import struct
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Row
from rollout_gates.systems.tts.flows.matrix.belongings import LateCancel
from rollout_gates.systems.tts.flows.matrix.bench import PATIENCE_S, Bench, bench, calls, meanwhile

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.in_vain import InVain
    from rollout_gates.systems.tts.watching import Watch
    from rollout_gates.wire import Reply

POLLS = 4
# Reads of a modal task that nothing can finish.
_READS = 4
_DELTA, _MOST_DELTAS = "response.audio.delta", 100
REQUEST_ID = "5d0c6a52-9a3e-4f0e-8a7b-rollout00gate"


@dataclass(frozen=True)
class Kept:
    """*given* are the bytes that the provider gave; *empty* is a generate for which it gave none.

    After *late* the provider's URL was good for nothing any more, and the audio was asked for again.
    """

    given: bytes
    watch: Watch
    left: Aftermath
    late: Aftermath
    empty: Aftermath


@dataclass(frozen=True)
class KeptOnce:
    """One generate that was read *polls* times at the same moment when it was ready, and then again.

    *fetches* is how often its audio was fetched from the provider, in the end.
    """

    polls: tuple[Reply, ...]
    again: tuple[Reply, ...]
    fetches: int
    first: Aftermath
    left: Aftermath


@dataclass(frozen=True)
class KeptTrace:
    """A generate that the provider refused, its rows, and the lines of the log about it.

    *request_id* is the provider's where it is known, else ``None``; with *anonymous* there was one that nobody knows.
    *ours* are the request ids of our own calls about it. *log* is ``None`` where nobody said how to read it.
    """

    request_id: str | None
    reply: Reply
    left: Aftermath
    log: tuple[Row, ...] | None
    anonymous: bool = False
    ours: frozenset[str] = frozenset()


@flow("kept")
async def kept(context: Context) -> Kept:
    """Have known bytes spoken, and then none at all, in a playground."""
    async with bench(context) as place:
        last, providers = calls(place.ground.settings)["last"], place.ground.providers
        given = silence() if _live(place) else tone()
        await _give(place, given, times=0)
        started = await place.begin("Kept")
        seen = await place.end(started)
        left = await place.left(started)
        await providers.unscript()
        if not _live(place):
            await providers.script(*last, status=404, body="gone", times=0)
        late = await place.left(started)
        await providers.unscript()
        await _give(place, b"", times=0)
        started = await place.begin("Empty")
        if place.ground.settings.is_qwen:
            await place.end(started)
        else:
            for _ in range(_READS):
                await place.client.task(started.task_id or "")
        return Kept(given, seen, left, late, await place.left(started))


async def _give(place: Bench, data: bytes, *, times: int) -> None:
    """Have the provider's next audio be *data*."""
    body = base64.b64encode(data).decode()
    providers = place.ground.providers
    if not _live(place):
        last = calls(place.ground.settings)["last"]
        headers = {"Content-Type": "audio/wav"}
        await providers.script(*last, status=200, body={"base64": body}, headers=headers, times=times)
        return
    delta = {"event_id": "event_given", "type": _DELTA, "delta": body}
    said = [{"at": _DELTA, "do": "event", "event": delta}] if data else []
    unsaid = [{"at": _DELTA, "do": "skip", "after": number} for number in range(_MOST_DELTAS)]
    await providers.script("dashscope", "realtime_session", body=[*said, *unsaid], times=times)


def _live(place: Bench) -> bool:
    """Whether audio comes over a connection that stays open, not as one download."""
    settings = place.ground.settings
    return settings.is_qwen and settings.lane == "realtime"


@flow("kept_once")
async def kept_once(context: Context) -> KeptOnce:
    """Read a task several times at once when its audio is ready, in a playground."""
    async with bench(context) as place:
        last, settings = calls(place.ground.settings)["last"], place.ground.settings
        await place.ground.providers.hold(*last)
        started = await place.begin("Once")
        task_id = started.task_id or ""

        async def together() -> list[Reply]:
            return list(await asyncio.gather(*(place.client.task(task_id) for _ in range(POLLS))))

        async with meanwhile(together) as reading:
            if not settings.is_qwen:
                await place.ground.providers.until_asked("modal", "status", POLLS, patience_s=PATIENCE_S)
            await place.until_held(last)
            await place.release(last)
        polls = tuple(reading.result())
        await place.end(started)
        fetches = await _fetches(place, last)
        first = await place.left(started)
        listened = await _fetches(place, last)
        again = await together()
        fetches += await _fetches(place, last) - listened
        return KeptOnce(polls, tuple(again), fetches, first, await place.left(started))


async def _fetches(place: Bench, last: tuple[str, str]) -> int:
    """Return how often audio was fetched so far; over a connection that stays open, how often one was opened."""
    call = ("dashscope", "realtime") if _live(place) else last
    return len(await place.ground.providers.requests(*call))


@flow("kept_trace")
async def kept_trace(context: Context) -> KeptTrace:
    """Have the provider refuse a text: in a playground under a known request id, elsewhere for want of the voice."""
    if context.sandbox_url is None:
        vain: InVain = await context.observe("in_vain")
        ours = frozenset({vain.started.reply.request_id, vain.reply.request_id})
        return KeptTrace(None, vain.reply, vain.left, vain.log, anonymous=context.settings.is_qwen, ours=ours)
    async with bench(context) as place:
        ground, qwen = place.ground, place.ground.settings.is_qwen
        refusal: dict[str, Any] = {"request_id": REQUEST_ID, "code": "InvalidParameter", "message": "Not this text."}
        call = _first(place)
        how = {"status": 400, "body": refusal, "headers": {"X-Request-Id": REQUEST_ID}} if qwen else {"status": 500}
        await ground.providers.script(*call, times=0, **how)
        known = len(await ground.log())
        started = await place.begin("Trace")
        if qwen:
            await place.end(started)
        log = tuple((await ground.log())[known:])
        left = await place.left(await place.newest())
        return KeptTrace(REQUEST_ID if qwen else None, started.reply, left, log)


@flow("failed_then_cancelled")
async def failed_then_cancelled(context: Context) -> LateCancel:
    """Have a generate fail, then cancel it."""
    if context.sandbox_url is None:
        vain: InVain = await context.observe("in_vain")
        return LateCancel(vain.left.status or "", vain.cancel, vain.left, vain.at_last)
    async with bench(context) as place:
        await place.ground.providers.script(*_first(place), status=500, body="no", times=0)
        started = await place.begin("Failed")
        if place.ground.settings.is_qwen:
            await place.end(started)
        failed = await place.newest()
        before = await place.left(failed)
        reply = await place.client.cancel_task(failed.task_id or "")
        return LateCancel(before.status or "", reply, before, await place.left(failed))


def _first(place: Bench) -> tuple[str, str]:
    if not place.ground.settings.is_qwen:
        return ("modal", "submit")
    return ("dashscope", "realtime") if _live(place) else ("dashscope", "synthesis")


def tone(seconds: float = 0.5, rate: int = 24_000) -> bytes:
    """Return a WAV file of a plain tone: nothing that a stand-in would make by itself."""
    samples = (int(9000 * math.sin(2 * math.pi * 523.25 * n / rate)) for n in range(int(seconds * rate)))
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return written.getvalue()


def silence(frames: int = 20) -> bytes:
    """Return an MP3 file without a sound in it: MPEG-2 layer III, 24 kHz, mono, 32 kbit/s, 96 bytes a frame."""
    return (b"\xff\xf3\x44\xc4" + bytes(92)) * frames
