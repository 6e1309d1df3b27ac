"""A stream whose last piece the provider holds back: what the listener has by then, and what else is let in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, meanwhile
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.flows.streaming.kept import settled_left
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.samples import spoken, utf16_units

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply

LAST_DELTA = ("dashscope", "realtime_last_delta")
# What has not come by then, with nothing in its way, does not come before the end.
_PATIENCE_S = 5.0


@dataclass(frozen=True)
class HeldStream:
    """*early*: bytes were heard while the provider still had some to give; *during* is the generation's row then.

    *task* and *again* are answers to a generate and to another stream at that time. *asked* is the provider's record of
    the session, *voice* the row of the voice. *price* is what the text costs, in credits.
    """

    early: bool
    during: Mapping[str, Any]
    task: Reply
    again: Reply
    hearing: Hearing
    left: Aftermath
    price: int
    voice: Mapping[str, Any]
    asked: Mapping[str, Any]


@flow("stream_held")
async def stream_held(context: Context) -> HeldStream:
    """Hold the last piece of a stream back for a while, in a playground."""
    async with bench(context) as place:
        said = spoken(context.run_id, "Held", 60)
        first = asyncio.Event()
        manner = Manner("the provider holds the last piece back for a while", on_first=first.set)
        await place.hold(LAST_DELTA)
        async with meanwhile(lambda: hear(place.ground.context, place.user, place.voice_id, said, manner)) as hearing:
            await place.until_held(LAST_DELTA)
            early = await heard_by(first)
            newest = await place.newest()
            during = await place.row("generations", newest.generation_id)
            task, again = await _beside(place, "A task beside"), await _beside(place, "A stream beside", STREAM)
            await place.release(LAST_DELTA)
            heard: Hearing = await hearing
        left = await settled_left(place.ground.context, place.user, Ids(newest.task_id, newest.generation_id))
        (asked,) = (await place.ground.providers.requests("dashscope", "realtime"))[:1] or ({},)
        voice = await place.row("voices", place.voice_id)
        return HeldStream(early, during, task, again, heard, left, max(1, utf16_units(said)), voice, asked)


async def heard_by(first: asyncio.Event) -> bool:
    """Wait for the first piece, but not for ever; return whether it came."""
    try:
        await asyncio.wait_for(first.wait(), _PATIENCE_S)
    except TimeoutError:
        return False
    return True


async def _beside(place: Bench, what: str, path: str = "/generate") -> Reply:
    body = {"voice_id": place.voice_id, "text": spoken(place.ground.context.run_id, what), "language": "Auto"}
    return await place.client.raw("POST", path, json=body)
