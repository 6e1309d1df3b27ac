"""Cancelling at work: generate, cancel at once, look at both rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.replies import detail, json_object, row_of, value
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge, OutOfBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Lengths of the texts of the three tries, in characters: a longer text keeps the provider busy for longer.
_TRIES = (24, 48, 96)


@dataclass(frozen=True)
class Cancel:
    """The try that decided: a cancel of a task that was at work (or the refusal to begin one).

    *lost* are the answers to cancels that came too late, of earlier tries.
    """

    started: Start
    cancel: Reply | None = None
    task: Reply | None = None
    listing: Reply | None = None
    lost: tuple[Reply, ...] = ()

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The generation as it is listed after the cancel."""
        return row_of(self.listing, "generations", self.started.generation_id)


@flow("cancel")
async def cancel(context: Context) -> Cancel:
    """Cancel a task at work, as user A, after the speech: a user may have one at a time.

    Raises `CouldNotJudge` when every task had ended before its cancel arrived.
    """
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    speech: Speech | None = await settled(context, "speech")
    user = await session.user_a()
    lost: list[Reply] = []
    async with user.busy:
        if speech is not None and speech.watch is not None and speech.watch.terminal is None:
            # Patience ran out on this one. It would block a second one, and it is at work, which is what is wanted.
            return await _stopped(user, speech.started)
        for length in _TRIES:
            try:
                seen = await _once(context, user, voice.voice_id, length, tuple(lost))
            except OutOfBudget:
                if not lost:
                    raise
                break
            if seen.cancel is None or not came_too_late(seen.cancel):
                return seen
            lost.append(seen.cancel)
    said = "; ".join(detail(reply) or str(reply.status) for reply in lost)
    raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"no task could be caught at work in {len(lost)} tries: {said}")


async def _once(context: Context, user: Identity, voice_id: str, length: int, lost: tuple[Reply, ...]) -> Cancel:
    said = spoken(context.run_id, "Cancel", await _affordable(user, length) if lost else length)
    return await _stopped(user, await start(context, user, voice_id, said), lost)


async def _stopped(user: Identity, started: Start, lost: tuple[Reply, ...] = ()) -> Cancel:
    if started.task_id is None:
        return Cancel(started, lost=lost)
    cancelled = await user.client.cancel_task(started.task_id)
    if came_too_late(cancelled):
        return Cancel(started, cancelled, lost=lost)
    task, listing = await asyncio.gather(user.client.task(started.task_id), user.client.generations(per_page=100))
    return Cancel(started, cancelled, task, listing, lost)


async def _affordable(user: Identity, length: int) -> int:
    """Return *length*, or less where the balance after a lost try does not reach that far."""
    balance = value(json_object(await user.client.credits_usage()), "balance")
    return min(length, balance) if isinstance(balance, int) and balance > 0 else length


def came_too_late(reply: Reply) -> bool:
    """Whether the task had ended by itself: 409, or 400 naming a terminal status (section 2.18)."""
    said = (detail(reply) or reply.text).lower()
    return reply.status == 409 or (reply.status == 400 and ("completed" in said or "failed" in said))
