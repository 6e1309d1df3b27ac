"""Several generates of one user at the same moment, and several cancels of the one that was let in."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Row, aftermath
from rollout_gates.systems.tts.flows.settling import all_settled, refuse_poverty
from rollout_gates.systems.tts.flows.speaking import Start, submit
from rollout_gates.systems.tts.names import KEY, TIER_1
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

SUBMITS = 4
CANCELS = 4
# Long enough to be at work when its cancels arrive, and cheap enough for a new user's 100 credits.
_LENGTH = 24
# What our own waiting may keep calls apart that are to arrive together; a window of the rate limit is far longer.
_TOGETHER_S = 5.0


@dataclass(frozen=True)
class Crowd:
    """*starts* are the answers to parallel generates; *cancels* those to parallel cancels of the first one accepted.

    *left* is what each accepted one left behind, after the cancels.
    """

    starts: tuple[Start, ...]
    cancels: tuple[Reply, ...]
    left: tuple[Aftermath, ...]

    @property
    def accepted(self) -> tuple[Start, ...]:
        """Those that were let in."""
        return tuple(start for start in self.starts if start.reply.status == 200)

    @property
    def outrun(self) -> bool:
        """Whether the one accepted was completed before its first cancel counted: then nothing was cancelled."""
        won = any(reply.status == 200 for reply in self.cancels)
        return bool(self.cancels) and not won and self.left[0].status == "completed"

    @property
    def in_turn(self) -> bool:
        """Whether several were accepted and each began after the one before had ended, by the times in their rows."""
        spans = sorted(filter(None, (_span(each.task) for each in self.left)))
        apart = all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))
        return len(self.accepted) > 1 and len(spans) == len(self.accepted) and apart


def _span(task: Row | None) -> tuple[datetime, datetime] | None:
    """Return when the task was made and when it ended; nothing where a row does not say."""
    begun, ended = ((task or {}).get(name) for name in ("created_at", "completed_at"))
    if not isinstance(begun, str) or not isinstance(ended, str):
        return None
    return datetime.fromisoformat(begun), datetime.fromisoformat(ended)


@flow("crowd")
async def crowd(context: Context) -> Crowd:
    """Send generates together, as user A while user A does nothing else, then cancel what was begun.

    A second try is made where the first was completed before it could be cancelled, if it may be paid for. Raises
    `OutOfBudget`, or `CouldNotJudge` when user A cannot pay or is not free.
    """
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await all_settled(context, "speech", "cancel")
    user = await session.user_a()
    async with user.busy:
        found = await _crowded(context, user, voice)
        if found.outrun and context.budget.left() > 0 and _room(context, user) >= SUBMITS:
            found = await _crowded(context, user, voice)
    return found


def _room(context: Context, user: Identity) -> int:
    """Return how many calls of tier 1 the user has left in this window, as far as that is known."""
    room = context.pace.room(user.name, TIER_1) if context.pace is not None else None
    return SUBMITS if room is None else room


async def _crowded(context: Context, user: Identity, voice: Voice) -> Crowd:
    room = _room(context, user)
    if room < SUBMITS:
        told = f"{user.name} has {room} calls left in this window of the rate limit, too few for {SUBMITS} at once"
        raise CouldNotJudge(Reason.OUT_OF_BUDGET, told)
    await context.budget.spend("generate", KEY)
    sent = time.monotonic()
    starts = await asyncio.gather(*(_begin(context, user, voice.voice_id, number) for number in range(SUBMITS)))
    apart_s = time.monotonic() - sent - max(start.reply.elapsed_s for start in starts)
    found = await _stopped(user, tuple(starts))
    if apart_s > _TOGETHER_S:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"the rate limit kept generates {apart_s:.0f} s apart")
    return found


async def _begin(context: Context, user: Identity, voice_id: str, number: int) -> Start:
    started = await submit(context, user, voice_id, spoken(context.run_id, f"Crowd {number}", _LENGTH))
    refuse_poverty(started.reply, user.name, f"{_LENGTH} characters of speech")
    return started


async def _stopped(user: Identity, starts: tuple[Start, ...]) -> Crowd:
    accepted = [start for start in starts if start.task_id is not None and start.reply.status == 200]
    if not accepted and not user.fresh:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} is busy with something of before this run")
    cancels: tuple[Reply, ...] = ()
    if accepted:
        first = accepted[0].task_id or ""
        cancels = tuple(await asyncio.gather(*(user.client.cancel_task(first) for _ in range(CANCELS))))
        await asyncio.gather(*(user.client.cancel_task(start.task_id or "") for start in accepted[1:]))
    left = await asyncio.gather(*(aftermath(user, start) for start in accepted))
    return Crowd(starts, cancels, tuple(left))
