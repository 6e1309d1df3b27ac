"""Work that nobody finishes: its worker dies, or its job never ends; and a job that is refused at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, aftermath
from rollout_gates.systems.tts.flows.matrix.bench import bench, calls
from rollout_gates.systems.tts.flows.matrix.planting import voice_in_vain, work
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene
from rollout_gates.systems.tts.flows.matrix.treasury import newcomer
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import watch

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.watching import Watch

# The longest that the platform lets anything run is 400 s. Access tokens live for 3600 s.
WAITED_S = 1800
_OVERDUE_S = 8.0
PLANTED_HOURS = 6
"""Older than any lifetime that a task of a minute may have."""


@dataclass(frozen=True)
class WorkerDeath:
    """A task *waited_s* seconds after its worker died, and whether its user may speak again (*next*)."""

    waited_s: int
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
    """Look at a generate whose worker is long gone, and then try the next one.

    In a playground its worker is killed, and half an hour passes at once. Elsewhere the rows are planted as they were
    left behind, hours ago. Raises `NotConfigured` without a new user or the service role.
    """
    if context.sandbox_url is None:
        return await _planted(context)
    async with bench(context) as place:
        ground, steps = place.ground, calls(place.ground.settings)
        if ground.settings.is_qwen:
            await place.hold(steps["speak"])
        else:
            await ground.providers.options("modal", job_s=10 * WAITED_S)
        started = await place.begin("Orphan")
        if ground.settings.is_qwen:
            await place.until_held(steps["speak"])
        await ground.kill_worker()
        await ground.skip(WAITED_S)
        seen = await place.end(started, patience_s=_OVERDUE_S)
        left = await place.left(started)
        return WorkerDeath(WAITED_S, seen, left, await place.begin("After the orphan"))


async def _planted(context: Context) -> WorkerDeath:
    await context.after(*SMOKE)
    stage = Scene(context)
    user = await newcomer(stage, "orphaned")
    voice_id = await voice_in_vain(stage, user, "after the orphan")
    said = spoken(context.run_id, "Orphan")
    # With modal one whose job was never handed in: nothing but its age speaks of it.
    state = {"provider_status": "provider_synthesizing"} if context.settings.is_qwen else {"status": "pending"}
    ids = await work(stage, user, said, hours=PLANTED_HOURS, voice_id=voice_id, **state)
    seen = await watch(user.client, ids.task_id or "", patience_s=context.settings.latency_budget_s)
    left = await aftermath(user, ids)
    await stage.pay("generate")
    following = await submit(context, user, voice_id, spoken(context.run_id, "After the orphan"))
    for task_id in (following.task_id, ids.task_id):
        if task_id is not None:
            await user.client.cancel_task(task_id)
    return WorkerDeath(PLANTED_HOURS * 3600, seen, left, following)


@flow("refused_job")
async def refused_job(context: Context) -> RefusedJob:
    """Have the job service refuse a job, in a playground of mode modal."""
    async with bench(context) as place:
        await place.ground.providers.script("modal", "submit", status=500, body={"detail": "out of memory"})
        started = await place.begin("Refused")
        return RefusedJob(started, await place.left(await place.newest()))
