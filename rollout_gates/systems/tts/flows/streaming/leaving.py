"""A listener who goes away in the middle of a stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids
from rollout_gates.systems.tts.flows.matrix.bench import bench, meanwhile
from rollout_gates.systems.tts.flows.speaking import newest_task, refuse_unready
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.flows.streaming.held import LAST_DELTA, heard_by
from rollout_gates.systems.tts.flows.streaming.kept import settled_left
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session

_LABEL = "the listener leaves after the first piece"


@dataclass(frozen=True)
class LeftStream:
    """A stream whose listener left, and what was *left* of it after a while."""

    hearing: Hearing
    left: Aftermath


@flow("stream_left")
async def stream_left(context: Context) -> LeftStream:
    """Leave a stream after its first piece: in a playground, where the last one is held back meanwhile, or as user A.

    Raises `OutOfBudget`, or `CouldNotJudge` when the user cannot pay, or nothing was streamed that could be left.
    """
    if context.sandbox_url is None:
        return await _on_a_deployment(context)
    async with bench(context) as place:
        said, first = spoken(context.run_id, "Left", 60), asyncio.Event()
        manner = Manner(_LABEL, leave_after=1, on_first=first.set)
        await place.hold(LAST_DELTA)
        async with meanwhile(lambda: hear(place.ground.context, place.user, place.voice_id, said, manner)) as hearing:
            if await heard_by(first):
                await hearing  # gone, before the provider has said the last of it
            await place.release(LAST_DELTA)
            heard: Hearing = await hearing
        ids = await place.newest()
        return LeftStream(heard, await settled_left(place.ground.context, place.user, ids))


async def _on_a_deployment(context: Context) -> LeftStream:
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await context.after("stream", "speech", "cancel")
    user = await session.user_a()
    async with user.busy:
        await context.budget.spend("generate", KEY)
        manner = Manner(_LABEL, leave_after=1)
        hearing = await hear(context, user, voice.voice_id, spoken(context.run_id, "Left"), manner)
        refuse_unready(user, hearing.reply, hearing.said)
        if hearing.reply.status != 200 or hearing.generation_id is None:
            raise CouldNotJudge(
                Reason.SOURCE_ABSENT, f"no stream could be left: it was answered {hearing.reply.status}"
            )
        task_id = hearing.task_id or await newest_task(user.client, "generate")
        return LeftStream(hearing, await settled_left(context, user, Ids(task_id, hearing.generation_id)))
