"""Failures by category: each failed task with what its row or the log says of why."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.bench import bench
from rollout_gates.systems.tts.flows.security.failure import CATEGORIES
from rollout_gates.systems.tts.flows.security.logs_outcomes import categories, values
from rollout_gates.systems.tts.flows.slo.deployment import HALF_HOUR_S, can_plant
from rollout_gates.systems.tts.flows.slo.work import Work, epoch, read_work
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.replies import is_terminal
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.bench import Bench
    from rollout_gates.systems.tts.session import Session

Line = Mapping[str, Any]
EVENT = "failures_observed"
# What the provider answers in the sandbox: refused as a value, and out of order.
_ANSWERS = (400, 500, 400)
_POLLER = Poller(first_s=0.05, factor=1.5, longest_s=0.5)
_PATIENCE_S = 45.0


@dataclass(frozen=True)
class Failures:
    """*failed* tasks, how many there are of each category, and those of which nobody knows why."""

    source: str
    failed: tuple[Work, ...]
    by_category: Mapping[str, int]
    unknown: tuple[Work, ...]


# Last ones run in the order of their names: this one after the watch, so that its window has passed.
@flow("slo_watched_failures", last=True)
async def slo_watched_failures(context: Context) -> Failures:
    """Sort what failed in the windows; in the sandbox the provider is made to fail, in more than one way.

    Raises `NotConfigured` without log or rows, `CouldNotJudge` where nothing failed: then there is nothing to sort.
    """
    if context.sandbox_url is not None:
        async with bench(context) as place:
            began = time.time()
            for status in _ANSWERS:
                await _failing(place, status)
            read = await read_work(place.ground.settings, None, began - 1, time.time() + 1)
            lines: tuple[Line, ...] = tuple(await place.ground.log())
    else:
        if context.as_of is None and can_plant(context):
            await _brought_about(context)
        now, seconds = context.as_of or time.time(), context.window_s or HALF_HOUR_S
        session: Session = context.session
        read = await read_work(context.settings, session.anon, now - 2 * seconds, now)
        lines = tuple(_within(await _logged(context), now - 2 * seconds, now))
    failed = tuple(work for work in read.work if work.status == "failed")
    if not failed:
        raise CouldNotJudge(Reason.NO_TRAFFIC, f"nothing failed among {len(read.work)} tasks, so nothing can be sorted")
    found = sorted_out(read.source, failed, lines)
    context.record(
        EVENT, system=context.system, cell=context.cell, source=found.source, total=len(failed),
        by_category=dict(found.by_category), unknown=len(found.unknown),
    )  # fmt: skip
    return found


def sorted_out(source: str, failed: tuple[Work, ...], lines: Iterable[Line]) -> Failures:
    """Return the categories of *failed*, from their rows, from log lines about them, or from lines about nobody else.

    A line that names a category and no task of ours is of use as well: not every log names its tasks. Each such line
    accounts for one failure.
    """
    told = [(found, frozenset(map(str, values(line)))) for line in lines if (found := categories(line))]
    ids = {name for work in failed for name in (work.task_id, work.generation_id) if name}
    spare = [found[0] for found, named in told if not named & ids]
    counted: Counter[str] = Counter()
    unknown = []
    for work in failed:
        own = {work.task_id, work.generation_id}
        logged = next((found[0] for found, named in told if named & own), None)
        category = work.category if work.category in CATEGORIES else logged
        if category is None and spare:
            category = spare.pop(0)
        if category is None:
            unknown.append(work)
        else:
            counted[category] += 1
    return Failures(source, failed, dict(counted.most_common()), tuple(unknown))


async def _failing(place: Bench, status: int) -> None:
    """Have a text spoken to which the provider answers *status*, and wait until that is written down."""
    settings = place.ground.settings
    call = ("modal", "submit") if not settings.is_qwen else ("dashscope", "synthesis")
    if settings.is_qwen and settings.lane == "realtime":
        call = ("dashscope", "realtime")
    await place.ground.providers.script(*call, times=1, status=status, body={"code": "Failed", "message": "no"})
    started = await place.begin(f"Fails {status}")
    if started.task_id is not None:
        task_id = started.task_id
        await _POLLER.until(lambda: place.client.task(task_id), is_terminal, deadline_s=_PATIENCE_S)
    await place.ground.providers.unscript()


async def _brought_about(context: Context) -> None:
    """Have one generate fail at its provider, so that there is a failure to sort; others count as well."""
    with contextlib.suppress(CouldNotJudge):
        await context.observe("in_vain")


async def _logged(context: Context) -> tuple[Line, ...]:
    try:
        return await log_lines(context.settings.logs)
    except NotConfigured:
        return ()


def _within(lines: Iterable[Line], start: float, end: float) -> Iterable[Line]:
    for line in lines:
        at = epoch(line.get("timestamp"))
        if at is None or start <= at < end:
            yield line
