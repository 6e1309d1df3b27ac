"""Work that nobody finishes: its worker dies, or its job never ends; and a job that is refused at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import bench, calls

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.watching import Watch

# The longest that the platform lets anything run is 400 s. Access tokens live for 3600 s.
WAITED_S = 1800
_OVERDUE_S = 8.0


@dataclass(frozen=True)
class WorkerDeath:
    """A task *waited_s* seconds after its worker died, and whether its user may speak again (*next*)."""

    waited_s: int
    killed: int
    watch: Watch
    left: Aftermath
    next: Start


@dataclass(frozen=True)
class RefusedJob:
    """A submission that the job service answered with 500."""

    started: Start
    left: Aftermath


@flow("worker_death")
async def worker_death(context: Context) -> WorkerDeath:
    """Kill the worker in the middle of a generate, in a playground, and let half an hour pass at once."""
    async with bench(context) as place:
        ground, steps = place.ground, calls(place.ground.settings)
        if ground.settings.is_qwen:
            await place.hold(steps["speak"])
        else:
            await ground.providers.options("modal", job_s=10 * WAITED_S)
        started = await place.begin("Orphan")
        if ground.settings.is_qwen:
            await place.until_held(steps["speak"])
        killed = await ground.kill_worker()
        await ground.skip(WAITED_S)
        seen = await place.end(started, patience_s=_OVERDUE_S)
        left = await place.left(started)
        return WorkerDeath(WAITED_S, killed, seen, left, await place.begin("After the orphan"))


@flow("refused_job")
async def refused_job(context: Context) -> RefusedJob:
    """Have the job service refuse a job, in a playground of mode modal."""
    async with bench(context) as place:
        await place.ground.providers.script("modal", "submit", status=500, body={"detail": "out of memory"})
        started = await place.begin("Refused")
        return RefusedJob(started, await place.left(await place.newest()))
