"""Storage that refuses writes, and a generation whose row cannot be written when its audio is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.wire import Reply

Act = Callable[[], Awaitable[None]]
# Reads of a task that stays at work: enough to see that it stays so.
READS = 4
_MENDED_S = 10.0


@dataclass(frozen=True)
class Broken:
    """A generate that could not be kept: answers to reads *while* it was broken, and what was left then.

    *mended* is what became of it once everything worked again.
    """

    reads: tuple[Reply, ...]
    left: Aftermath
    mended: Aftermath


@flow("storage_broken")
async def storage_broken(context: Context) -> Broken:
    """Refuse every write to storage while a generate is finished, in a playground; then allow them again."""
    async with bench(context) as place:
        return await _broken(place, "storage_write:generations")


@flow("row_broken")
async def row_broken(context: Context) -> Broken:
    """Refuse every change of a generation while a generate is finished, in a playground; then allow them again."""
    async with bench(context) as place:
        return await _broken(place, "update:generations")


async def _broken(place: Bench, what: str) -> Broken:
    last = calls(place.ground.settings)["last"]
    qwen = place.ground.settings.is_qwen
    if qwen:
        await place.hold(last)
    started = await place.begin("Broken")
    if qwen:
        await place.until_held(last)
    await place.ground.break_(what)
    await place.release(last)
    reads = await _reads(place, started)
    left = await place.left(started)
    await place.ground.mend(what)
    await place.end(started, patience_s=_MENDED_S)
    return Broken(reads, left, await place.left(started))


async def _reads(place: Bench, started: Start) -> tuple[Reply, ...]:
    """Read until it has ended, but no longer than it takes to see that it does not."""
    if place.ground.settings.is_qwen:
        return (await place.end(started)).samples
    return tuple([await place.client.task(started.task_id or "") for _ in range(READS)])
