"""Windows of a deployment: what its sources keep of the past, and what is seen of it live, with probes of our own."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from typing import TYPE_CHECKING, Final

from rollout_gates.slo.abort import Fired
from rollout_gates.slo.windows import Window, back_to_back, clock_time
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.flows.slo.exposure import Exposure, exposure
from rollout_gates.systems.tts.flows.slo.objectives import FRACTIONS, streams
from rollout_gates.systems.tts.flows.slo.probing import Prober, refused_kindly, turns
from rollout_gates.systems.tts.flows.slo.watched import Watched, two_windows, watched
from rollout_gates.systems.tts.flows.slo.watching import WINDOWS, Watch, new_course, written_down
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session

HALF_HOUR_S: Final = 1800.0
_TOLD_EVERY_S: Final = 60.0
_CREDITS_A_PROBE: Final = 30
_FOR_FAILURES: Final = 1


async def of_a_deployment(context: Context) -> Watched:
    """Look back at what the sources keep; with a window to watch, watch it and probe meanwhile."""
    seconds = context.window_s or HALF_HOUR_S
    watching = context.as_of is None and context.window_s is not None
    prober = await _prober_of(context) if watching else None
    now = context.as_of or time.time()
    watch = Watch(context, new_course(context), logs=context.settings.logs is not None)
    for window in back_to_back(now, seconds, WINDOWS - 1 if watching else WINDOWS):
        watch.course.begin(window)
    async with written_down(watch):
        await watch.look(len(watch.course.windows) - 1, now)
        for number, _ in enumerate(watch.course.windows):
            watch.tell(number, 1.0)
        if watching:
            await _live(watch, prober, _to_be_watched(watch, now, seconds))
        exposed = await _exposed(context)
    return watched(watch.course, exposure=exposed, half_cancelled=watch.half_cancelled())


def _to_be_watched(watch: Watch, now: float, seconds: float) -> list[int]:
    """Begin the window from *now* on. Where too little is known of the one before, a second one is watched instead."""
    course = watch.course
    if not course.is_of_use:
        course.forget()
        until = clock_time(now + WINDOWS * seconds)
        watch.context.note(f"slo: the window before tells too little: {WINDOWS} are watched, until {until} UTC")
    return [
        course.begin(Window(now + seconds * number, now + seconds * (number + 1)))
        for number in range(WINDOWS - len(course.windows))
    ]


async def _live(watch: Watch, prober: Prober | None, numbers: list[int]) -> None:
    """Watch the windows with these *numbers* to their end, or until an abort rule fires."""
    windows = watch.course.windows
    probing = asyncio.create_task(_probed(watch, Window(windows[numbers[0]].start, windows[numbers[-1]].end), prober))
    try:
        for number in numbers:
            for fraction in FRACTIONS:
                await _waited(watch, number, fraction)
                if (number, fraction) != (numbers[-1], FRACTIONS[-1]):
                    await _looked_meanwhile(watch, number, fraction)
                if isinstance(fired := two_windows(watch.course), Fired):
                    watch.context.note(f"slo: {fired}; watching no longer")
                    return
        await probing  # the last probe may still be at work
        await watch.look(numbers[-1], max(time.time(), windows[-1].end))
        watch.tell(numbers[-1], 1.0)
    finally:
        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)


async def _looked_meanwhile(watch: Watch, number: int, fraction: float) -> None:
    """Look before the end; a source that cannot be read now may be read later, and counts for nothing until then."""
    try:
        await watch.look(number, time.time(), fraction)
    except CouldNotJudge as problem:
        watch.context.note(f"slo: could not look: {problem}")
        return
    watch.tell(number, fraction)


async def _waited(watch: Watch, number: int, fraction: float) -> None:
    """Wait until so much of a window is over, and say every minute how things stand."""
    window = watch.course.windows[number]
    until = window.start + fraction * window.seconds
    while (left_s := until - time.time()) > 0:
        await asyncio.sleep(min(left_s, _TOLD_EVERY_S))
        if until - time.time() > 1:
            made = f" · {len(watch.probes)} probes · until {clock_time(window.end)} UTC"
            watch.tell(number, window.share(time.time()), made)


async def _probed(watch: Watch, window: Window, prober: Prober | None) -> None:
    """Probe at the stated rate for as long as the window and the budget last."""
    context = watch.context
    every_s = context.settings.slo.probe_every_s if context.settings.slo is not None else _TOLD_EVERY_S
    if prober is None:
        return
    most = min(_affordable(context), math.ceil(window.seconds / every_s))
    context.note(f"slo: own probes: one generate every {every_s:g} s, {most} at most (limits.billable_calls)")
    for number in range(most):
        await asyncio.sleep(max(0.0, window.start + number * every_s - time.time()))
        if time.time() >= window.end:
            return
        found = await refused_kindly(prober)
        if isinstance(found, str):
            context.note(f"slo: no more probes: {found}")
            return
        if found is not None:
            watch.probes.append(found)


def can_plant(context: Context) -> bool:
    """Whether the service role may write rows here."""
    return context.environment.kind != "prod" and context.settings.secret("service_role_key") is not None


def _affordable(context: Context) -> int:
    """Return how many probes there is money for, without what is brought about on purpose when the watch is over."""
    left: int = context.budget.left()
    return max(0, left - _FOR_FAILURES) if can_plant(context) else left


async def _prober_of(context: Context) -> Prober | None:
    """Return user A with a voice; where there is none, nobody probes, and the other sources have to do."""
    session: Session = context.session
    try:
        user = await session.user_a()
        voice: Voice = await context.observe("voice")
        if user.fresh and can_plant(context):
            await Treasury(Scene(context)).grant(user, _CREDITS_A_PROBE * max(1, context.budget.left()))
    except CouldNotJudge as problem:
        context.note(f"slo: no probes of our own: {problem}")
        return None
    kinds = turns(streams=streams(context.settings))
    return Prober(context, user, voice.voice_id, kinds, itertools.count(1))


async def _exposed(context: Context) -> Exposure:
    """Have user B ask for what is A's, where there are both."""
    session: Session = context.session
    try:
        owner: Identity = await session.user_a()
        return await exposure(owner, await session.user_b())
    except NotConfigured:
        return Exposure()
