"""Windows of traffic of our own, on an instance of the sandbox that has no other."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rollout_gates.slo.abort import Fired
from rollout_gates.slo.windows import Window
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.slo.exposure import Exposure, exposure
from rollout_gates.systems.tts.flows.slo.objectives import FRACTIONS, streams
from rollout_gates.systems.tts.flows.slo.probing import CYCLE, Probe, Prober, refused_kindly, turns
from rollout_gates.systems.tts.flows.slo.spending import books, characters
from rollout_gates.systems.tts.flows.slo.watched import Watched, two_windows, watched
from rollout_gates.systems.tts.flows.slo.watching import WINDOWS, Watch, new_course, written_down

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.slo.spending import Spending
    from rollout_gates.systems.tts.playground import Playground

_USERS: Final = 12
# Quick to make voices; slow enough to speak that a cancel finds the task at work.
_PACE: Final = {"clone_s": 0.0, "synthesis_s": 0.35, "realtime_first_s": 0.35}
_ENDLESS_S: Final = 1800.0


async def of_own_traffic(context: Context, ground: Playground) -> Watched:
    """Make two windows of traffic. Each is as long as its probes take, so that a busy machine has as many."""
    await ground.providers.options("dashscope", **_PACE)
    # What is written down belongs to the run, not to the instance.
    watch = Watch(ground.context, new_course(context))
    probers = await asyncio.gather(*(_prober(ground, number) for number in range(_USERS)))
    spent: list[Spending] = []
    exposed = Exposure()
    async with written_down(watch):
        before = await books(ground)
        for _ in range(WINDOWS):
            await _window_of_probes(context, watch, probers)
            after = await books(ground)
            spent.append(characters(after, before))
            exposed += await exposure(probers[0].user, probers[1].user)
            before = after
            if isinstance(two_windows(watch.course), Fired):
                break
    return watched(watch.course, exposure=exposed, half_cancelled=watch.half_cancelled(), spending=spent)


async def _prober(ground: Playground, number: int) -> Prober:
    stage = Scene(ground.context, ground)
    user = await ground.session.identities.get(f"watch_{number}")
    await ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
    kinds = turns(streams=streams(ground.settings))
    for _ in range(number % CYCLE):  # so that not all do the same at the same time
        next(kinds)
    return Prober(ground.context, user, await own_voice(stage, user), kinds, itertools.count(100 * number))


async def _window_of_probes(context: Context, watch: Watch, probers: Sequence[Prober]) -> None:
    """Let each prober go once through all kinds of probes, and look at the planned parts of them."""
    start, planned = time.time(), CYCLE * len(probers)
    number = watch.course.begin(Window(start, start + _ENDLESS_S))
    done: asyncio.Queue[Probe | str | None] = asyncio.Queue()

    async def go(prober: Prober) -> None:
        for _ in range(CYCLE):
            await done.put(await refused_kindly(prober))

    async with asyncio.TaskGroup() as group:
        for prober in probers:
            group.create_task(go(prober))
        thresholds = [(fraction, fraction * planned) for fraction in FRACTIONS[:-1]]
        for count in range(1, planned + 1):
            found = await done.get()
            if isinstance(found, Probe):
                watch.probes.append(found)
            elif found is not None:
                context.note(f"slo: a probe was not made: {found}")
            while thresholds and count >= thresholds[0][1]:
                fraction, _ = thresholds.pop(0)
                await watch.look(number, time.time(), fraction)
                watch.tell(number, fraction)
    end = time.time()
    watch.course.bound(number, Window(start, end))
    await watch.look(number, end)
    watch.tell(number, 1.0)
