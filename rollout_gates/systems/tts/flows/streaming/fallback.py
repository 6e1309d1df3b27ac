"""The way back to tasks: while streams fail, and while they are switched off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench
from rollout_gates.systems.tts.flows.speaking import Start
from rollout_gates.systems.tts.flows.streaming.failing import MISHAPS, FailedStream, broken
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply

# How an operator switches streams off is not named in the contract; this is the stand-in's way.
_OFF = {"QWEN_STREAM_ENABLED": "false"}


@dataclass(frozen=True)
class WayBack:
    """A generate, *when* in words, and what was left of it."""

    when: str
    started: Start
    left: Aftermath | None


@dataclass(frozen=True)
class Fallback:
    """A stream that broke, the answer to one while they were switched off, and a generate after each."""

    broken: FailedStream
    off: Reply
    ways: tuple[WayBack, ...]


@flow("stream_fallback")
async def stream_fallback(context: Context) -> Fallback:
    """Break a stream, then switch streams off, in a playground; have a task do the work each time."""
    async with bench(context) as place:
        how, mishap = next(iter(MISHAPS.items()))
        failed = await broken(place, how, mishap)
        first = await _way_back(place, "after a stream that broke")
        await place.ground.set_variables(**_OFF)
        body = {"voice_id": place.voice_id, "text": spoken(context.run_id, "Off"), "language": "Auto"}
        off = await place.client.raw("POST", STREAM, json=body)
        second = await _way_back(place, "while streams are switched off")
        return Fallback(failed, off, (first, second))


async def _way_back(place: Bench, when: str) -> WayBack:
    started = await place.begin(when.capitalize())
    if started.task_id is None or started.reply.status != 200:
        return WayBack(when, started, None)
    await place.end(started)
    return WayBack(when, started, await place.left(started))
