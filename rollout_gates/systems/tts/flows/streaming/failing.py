"""Streams that fail when something was heard of them already: at the provider, in storage, in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, meanwhile
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.flows.streaming.held import LAST_DELTA
from rollout_gates.systems.tts.flows.streaming.kept import settled_left
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from rollout_gates.conductor import Context

# What the provider does when two pieces were sent, by how it is told of.
MISHAPS: Mapping[str, Mapping[str, Any]] = {
    "the provider reports an error": {"do": "error", "code": "InternalError"},
    "the provider closes the session": {"do": "close"},
    "the connection to the provider is cut": {"do": "drop"},
}
_LENGTH = 60


@dataclass(frozen=True)
class FailedStream:
    """A stream that could not come to its good end, *how* in words, and what was *left* of it."""

    how: str
    hearing: Hearing
    left: Aftermath


@flow("stream_broken")
async def stream_broken(context: Context) -> tuple[FailedStream, ...]:
    """Let the provider fail in the middle of a stream, in each way, in a playground."""
    async with bench(context) as place:
        return tuple([await broken(place, how, mishap) for how, mishap in MISHAPS.items()])


@flow("stream_unstored")
async def stream_unstored(context: Context) -> FailedStream:
    """Refuse every write to storage during a stream, in a playground."""
    async with bench(context) as place:
        await place.ground.break_("storage_write:generations")
        hearing = await _heard(place, "storage takes nothing")
        return await _failed(place, "storage takes nothing", hearing)


@flow("stream_unwritten")
async def stream_unwritten(context: Context) -> FailedStream:
    """Refuse every change of a generation from before the end of a stream on, in a playground."""
    how = "the generation cannot be written"
    async with bench(context) as place:
        await place.hold(LAST_DELTA)
        async with meanwhile(lambda: _heard(place, how)) as hearing:
            await place.until_held(LAST_DELTA)
            ids = await place.newest()
            await place.ground.break_("update:generations")
            await place.release(LAST_DELTA)
            heard: Hearing = await hearing
        # The generation cannot be ended while it cannot be written.
        left = await settled_left(place.ground.context, place.user, ids, table="tasks")
        await place.ground.mend("update:generations")
        return FailedStream(how, heard, left)


async def broken(place: Bench, how: str, mishap: Mapping[str, Any]) -> FailedStream:
    """Have a text streamed in which *mishap* comes to pass when two pieces were sent."""
    body = {**mishap, "at": "response.audio.delta", "after": 2}
    await place.ground.providers.script("dashscope", "realtime_session", body=body)
    return await _failed(place, how, await _heard(place, how))


async def _heard(place: Bench, how: str) -> Hearing:
    said = spoken(place.ground.context.run_id, how.capitalize(), _LENGTH)
    return await hear(place.ground.context, place.user, place.voice_id, said, Manner(how))


async def _failed(place: Bench, how: str, hearing: Hearing) -> FailedStream:
    ids = Ids(hearing.task_id, hearing.generation_id)
    if ids.generation_id is None:
        ids = await place.newest()
    return FailedStream(how, hearing, await settled_left(place.ground.context, place.user, ids))
