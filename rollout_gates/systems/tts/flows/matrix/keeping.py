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
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls, meanwhile

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.watching import Watch
    from rollout_gates.wire import Reply

POLLS = 4
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
    empty_samples: tuple[Reply, ...]
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
    """A generate that the provider refused under a *request_id*, its rows, and the lines in the log since."""

    request_id: str | None
    reply: Reply
    left: Aftermath
    log: tuple[Row, ...]


@flow("kept")
async def kept(context: Context) -> Kept:
    """Have known bytes spoken, and then none at all, in a playground."""
    async with bench(context) as place:
        last, providers = calls(place.ground.settings)["last"], place.ground.providers
        given = tone()
        body = {"base64": base64.b64encode(given).decode()}
        scripted = last[0] != "dashscope"
        if scripted:
            await providers.script(*last, status=200, body=body, headers={"Content-Type": "audio/wav"})
        started = await place.begin("Kept")
        seen = await place.end(started)
        left = await place.left(started)
        if scripted:
            await providers.script(*last, status=404, body="gone", times=0)
        late = await place.left(started)
        await providers.unscript()
        empty_samples, empty = await _empty(place, last) if scripted else ((), late)
        return Kept(given if scripted else b"", seen, left, late, empty_samples, empty)


async def _empty(place: Bench, last: tuple[str, str]) -> tuple[tuple[Reply, ...], Aftermath]:
    await place.ground.providers.script(*last, status=200, body={"base64": ""}, times=0)
    started = await place.begin("Empty")
    seen = await place.end(started, patience_s=2)
    return seen.samples, await place.left(started)


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
                await place.ground.providers.until_asked("modal", "status", POLLS)
            await place.until_held(last)
            await place.release(last)
        polls = tuple(reading.result())
        await place.end(started)
        first = await place.left(started)
        again = await together()
        fetches = len(await place.ground.providers.requests(*last)) if last[0] != "dashscope" else 1
        return KeptOnce(polls, tuple(again), fetches, first, await place.left(started))


@flow("kept_trace")
async def kept_trace(context: Context) -> KeptTrace:
    """Have the provider refuse a text under a known request id, in a playground."""
    async with bench(context) as place:
        ground, qwen = place.ground, place.ground.settings.is_qwen
        refusal: dict[str, Any] = {"request_id": REQUEST_ID, "code": "InvalidParameter", "message": "Not this text."}
        call = _first(place)
        await ground.providers.script(*call, status=400 if qwen else 500, body=refusal if qwen else "no room", times=0)
        known = len(await ground.log())
        started = await place.begin("Trace")
        if qwen:
            await place.end(started)
        log = tuple((await ground.log())[known:])
        left = await place.left(await place.newest())
        return KeptTrace(REQUEST_ID if qwen else None, started.reply, left, log)


@flow("failed_then_cancelled")
async def failed_then_cancelled(context: Context) -> LateCancel:
    """Have a generate fail, then cancel it, in a playground."""
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
    settings = place.ground.settings
    if not settings.is_qwen:
        return ("modal", "submit")
    return ("dashscope", "realtime") if settings.lane == "realtime" else ("dashscope", "synthesis")


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
