"""One burst over the tier-1 limit, within one window of the target, by calls that cost nothing."""

from __future__ import annotations

import asyncio
import email.utils
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.names import KEY, TIER_1
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# A burst is over in a second or two; a window that ends sooner than this is let go by.
_ROOM_S = 8.0
_AFTER_THE_TURN_S = 1.0
# So many calls must be let in, or that later ones are not would prove nothing.
_LEAST_LET_IN = 2


@dataclass(frozen=True)
class Burst:
    """*limit* calls at the same time, then one more: *last*.

    *spent* is what the run itself had used up of the same bucket before; 0 for a user of the burst's own.
    *windows* are the numbers of the target's window at the first and at the last answer, by its own clock.
    """

    limit: int
    window_s: int
    spent: int
    answers: tuple[Reply, ...]
    last: Reply
    windows: tuple[int, int]

    @property
    def in_one_window(self) -> bool:
        """Whether all calls were counted together."""
        return self.windows[0] == self.windows[1]

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of all answers, the last one last."""
        return (*(reply.status for reply in self.answers), self.last.status)


@flow("burst", last=True)
async def burst(context: Context) -> Burst:
    """Send one call more than the limit; once more if the window turned in between.

    Raises `OutOfBudget`, or `CouldNotJudge` when the window turned both times.
    """
    return await drive(context, await context.session.identities.get("burst"), _call)


async def drive(context: Context, user: Identity, call: Callable[[Identity], Awaitable[Reply]]) -> Burst:
    """Have *user* make *call* once more than the limit; once more if the window turned in between.

    Raises `OutOfBudget`, or `CouldNotJudge` when the window turned both times.
    """
    room = context.pace.room(user.name, TIER_1) if context.pace is not None else None
    drained = room is not None and room < _LEAST_LET_IN
    for late in (drained, False):
        seen = await _once(context, user, call, drained=late)
        if seen.in_one_window or seen.last.status == 429:
            return seen
    raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "the rate window turned in the middle of the burst, twice")


async def _once(
    context: Context, user: Identity, call: Callable[[Identity], Awaitable[Reply]], *, drained: bool
) -> Burst:
    session: Session = context.session
    limits = session.settings.rate_limits
    await context.budget.spend("burst", KEY, amount=limits.tier1_user + 1, key="burst_requests")
    await _wait_for_room(context, session, drained=drained)
    spent = context.pace.used(user.name, TIER_1) if context.pace is not None else 0
    if context.pace is not None:
        context.pace.count(user.name, TIER_1, limits.tier1_user + 1)
    answers = await asyncio.gather(*(call(user) for _ in range(limits.tier1_user)))
    last = await call(user)
    first_s, last_s = min(map(_clock, answers)), _clock(last)
    windows = (int(first_s // limits.window_s), int(last_s // limits.window_s))
    return Burst(limits.tier1_user, limits.window_s, spent, tuple(answers), last, windows)


async def _call(user: Identity) -> Reply:
    """A call that is refused for its body, if it gets that far. It asks nobody's leave: it is meant to be too many."""
    return await user.client.raw("POST", "/clone/upload-url", json={}, tier=None, on_429="return")


async def _wait_for_room(context: Context, session: Session, *, drained: bool) -> None:
    """Wait for the next window of the target when the present one is nearly over, or *drained* by the run itself.

    Windows are aligned to the epoch (section 4).
    """
    window_s = session.settings.rate_limits.window_s
    asked = time.time()
    ahead_s = _clock(await session.anon.health()) - asked
    left_s = window_s - (time.time() + ahead_s) % window_s
    if left_s < (window_s if drained else min(_ROOM_S, window_s / 3)):
        context.note(f"waiting {left_s:.0f} s: a burst must lie in one rate window of the target, and find room in it")
        await asyncio.sleep(left_s + _AFTER_THE_TURN_S)


def _clock(reply: Reply) -> float:
    """Return the target's time at *reply*, in seconds of the epoch; ours where it does not say."""
    try:
        return email.utils.parsedate_to_datetime(reply.header("date")).timestamp()
    except (ValueError, TypeError):
        return time.time()
