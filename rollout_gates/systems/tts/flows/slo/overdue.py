"""Work that never ends: it stands in no count of what completed or failed, so it is looked for by itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.bench import bench, calls
from rollout_gates.systems.tts.flows.slo.deployment import can_plant
from rollout_gates.systems.tts.flows.slo.work import Work, epoch, read_work
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.worker_death import WorkerDeath
    from rollout_gates.systems.tts.session import Session

LIFETIME_S: Final = 1800.0
"""No platform lets a worker live so long: 400 s are the most (section 3 of the contract)."""
_BACK_S: Final = 86_400.0
_PATIENCE_S: Final = 8.0


@dataclass(frozen=True)
class Overdue:
    """How many tasks were looked at, and those that were still active *lifetime_s* after they had been created."""

    source: str
    looked_at: int
    stuck: tuple[Work, ...]
    lifetime_s: float = LIFETIME_S


@flow("slo_overdue", last=True)
async def slo_overdue(context: Context) -> Overdue:
    """Look for such work of the last day; in the sandbox a worker dies first, and half an hour passes at once."""
    if context.sandbox_url is not None:
        return await _of_a_dead_worker(context)
    now = context.as_of or time.time()
    slo = context.settings.slo
    since = slo.since.timestamp() if slo is not None and slo.since is not None else 0.0
    start, end = max(now - LIFETIME_S - _BACK_S, since), now - LIFETIME_S
    if end <= start:
        raise CouldNotJudge(Reason.TOO_EARLY, "nothing that was begun since the change can be overdue yet")
    session: Session = context.session
    try:
        read = await read_work(context.settings, session.anon, start, end)
    except NotConfigured:
        return await _of_our_own(context, start, end)
    if not read.work and can_plant(context):
        return await _planted(context)
    stuck = tuple(work for work in read.work if work.status in ("pending", "processing"))
    return Overdue(read.source, len(read.work), stuck)


async def _planted(context: Context) -> Overdue:
    """Look at a task that was planted as a dead worker would have left it, hours ago: nothing else is old enough."""
    death: WorkerDeath = await context.observe("worker_death")
    created = time.time() - death.waited_s
    work = Work(death.watch.task_id, None, death.watch.status or "unknown", created)
    return Overdue("a task planted as a dead worker leaves it", 1, () if death.watch.terminal is not None else (work,))


async def _of_a_dead_worker(context: Context) -> Overdue:
    began = time.time()
    async with bench(context) as place:
        ground, steps = place.ground, calls(place.ground.settings)
        if ground.settings.is_qwen:
            await place.hold(steps["speak"])
        else:
            await ground.providers.options("modal", job_s=10 * LIFETIME_S)
        started = await place.begin("Overdue")
        if ground.settings.is_qwen:
            await place.until_held(steps["speak"])
        await ground.kill_worker()
        # Less than an hour: the token of the user who asks has to live.
        await ground.skip(LIFETIME_S + 60)
        await place.end(started, patience_s=_PATIENCE_S)
        read = await read_work(ground.settings, None, began - 1, time.time())
    stuck = tuple(work for work in read.work if work.status in ("pending", "processing"))
    return Overdue("rows after a worker died", len(read.work), stuck)


async def _of_our_own(context: Context, start: float, end: float) -> Overdue:
    """Look at what user A may see of their own: that much is in every client's reach."""
    session: Session = context.session
    user = await session.user_a()
    columns = "id,generation_id,status,created_at"
    query: dict[str, str | int] = {"select": columns, "type": "eq.generate", "order": "created_at.desc", "limit": 1000}
    listed = (await user.client.rows("tasks", query)).json()
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    old = [row for row in rows if start <= (epoch(row.get("created_at")) or 0.0) < end]
    stuck = tuple(_work(row) for row in old if row.get("status") in ("pending", "processing"))
    return Overdue(f"tasks of {user.name}", len(old), stuck)


def _work(row: dict[str, Any]) -> Work:
    return Work(str(row.get("id")), row.get("generation_id"), str(row["status"]), epoch(row.get("created_at")) or 0.0)
