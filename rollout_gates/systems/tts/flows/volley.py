"""Filling a bucket of the rate limiter: so many calls as it holds and one more, within one window of the target."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.names import KEY
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# A burst is over in a second or two; a window that ends sooner than this is let go by.
_ROOM_S = 8.0
_AFTER_THE_TURN_S = 1.0
# So many calls must be let in, or that later ones are not would prove nothing.
_LEAST_LET_IN = 2
_AT_ONCE = 32


@dataclass(frozen=True)
class Bucket:
    """What is filled: the bucket of *actor* in *tier*, which holds *limit* calls a window.

    *call* makes the call with the given number, one that is refused for what it asks and costs nothing. It asks
    nobody's leave: it is meant to be too many. *shared*: others have called from it, so the first 429 is the end.
    """

    title: str
    actor: str
    tier: str
    limit: int
    call: Callable[[int], Awaitable[Reply]]
    shared: bool = False


@dataclass(frozen=True)
class Burst:
    """*limit* calls as good as at the same time, then one more: *last*; of a shared bucket those up to the first 429.

    *spent* is what the run itself had used up of the same bucket before; 0 for a user of the burst's own.
    *windows* are the numbers of the target's window at the first and at the last answer, by its own clock.
    """

    limit: int
    window_s: int
    spent: int
    answers: tuple[Reply, ...]
    last: Reply
    windows: tuple[int, int]
    title: str = "tier 1"

    @property
    def in_one_window(self) -> bool:
        """Whether all calls were counted together."""
        return self.windows[0] == self.windows[1]

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of all answers, the last one last."""
        return (*(reply.status for reply in self.answers), self.last.status)

    @property
    def let_in(self) -> int:
        """How many calls were not refused with 429."""
        return sum(status != 429 for status in self.statuses)

    @property
    def was_refused(self) -> bool:
        """Whether the last call was refused."""
        return self.last.status == 429


async def fill(context: Context, bucket: Bucket) -> Burst:
    """Send one call more than the limit; once more if the window turned in between.

    Raises `OutOfBudget`, or `CouldNotJudge` when the window turned both times.
    """
    room = context.pace.room(bucket.actor, bucket.tier) if context.pace else None
    drained = not bucket.shared and room is not None and room < _LEAST_LET_IN
    for late in (drained, False):
        seen = await _once(context, bucket, drained=late)
        if seen.in_one_window or seen.was_refused:
            return seen
    raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "the rate window turned in the middle of the burst, twice")


async def _once(context: Context, bucket: Bucket, *, drained: bool) -> Burst:
    session: Session = context.session
    window_s, most = session.settings.rate_limits.window_s, bucket.limit + 1
    await context.budget.allow("burst", KEY, amount=most)
    await _wait_for_room(context, session, drained=drained)
    spent = context.pace.used(bucket.actor, bucket.tier) if context.pace else 0
    answers, points = await _send(bucket)
    if context.pace:
        context.pace.count(bucket.actor, bucket.tier, len(answers))
    context.record(
        "burst_observed",
        system=KEY,
        title=bucket.title,
        limit=bucket.limit,
        window_s=window_s,
        points=points,
        started=time.time(),
    )
    first_s, last_s = min(map(clock, answers)), clock(answers[-1])
    windows = (int(first_s // window_s), int(last_s // window_s))
    return Burst(bucket.limit, window_s, spent, tuple(answers[:-1]), answers[-1], windows, bucket.title)


async def _send(bucket: Bucket) -> tuple[list[Reply], list[tuple[float, int]]]:
    """Return the answers in order of their sending, and when each came: seconds since the first was sent, status."""
    began = time.monotonic()
    points: list[tuple[float, int]] = []

    async def one(number: int) -> Reply:
        reply = await bucket.call(number)
        points.append((round(time.monotonic() - began, 3), reply.status))
        return reply

    answers: list[Reply] = []
    for start in range(0, bucket.limit, _AT_ONCE):
        answers += await asyncio.gather(*(one(number) for number in range(start, min(start + _AT_ONCE, bucket.limit))))
        if bucket.shared and any(reply.status == 429 for reply in answers):
            return sorted(answers, key=lambda reply: reply.status == 429), sorted(points)
    return [*answers, await one(bucket.limit)], sorted(points)


async def again(context: Context, calls: Sequence[Callable[[], Awaitable[Reply]]]) -> tuple[Reply, ...]:
    """Make a few more calls, one after the other. Raises `OutOfBudget`."""
    await context.budget.allow("calls after a burst", KEY, amount=len(calls))
    return tuple([await call() for call in calls])


async def _wait_for_room(context: Context, session: Session, *, drained: bool) -> None:
    """Wait for the next window of the target when the present one is nearly over, or *drained* by the run itself.

    Windows are aligned to the epoch (section 4).
    """
    window_s = session.settings.rate_limits.window_s
    asked = time.time()
    ahead_s = clock(await session.anon.health()) - asked
    left_s = window_s - (time.time() + ahead_s) % window_s
    if left_s < (window_s if drained else min(_ROOM_S, window_s / 3)):
        context.note(f"waiting {left_s:.0f} s: a burst must lie in one rate window of the target, and find room in it")
        await asyncio.sleep(left_s + _AFTER_THE_TURN_S)


def clock(reply: Reply) -> float:
    """Return the target's time at *reply*, in seconds of the epoch; ours where it does not say."""
    try:
        return email.utils.parsedate_to_datetime(reply.header("date")).timestamp()
    except (ValueError, TypeError):
        return time.time()
