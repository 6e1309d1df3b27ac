"""What the job service says, and when: jobs that it cancels, cancels that it does not take, failures that come late."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls, meanwhile
from rollout_gates.systems.tts.flows.matrix.worker_death import WAITED_S

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply

_STATUS = ("modal", "status")
_FAILED = {"job_id": "any", "status": "failed", "result_ready": False, "error": "CUDA out of memory"}
_LATER_S = 3600
_OVERDUE_S = 8.0


@dataclass(frozen=True)
class JobCancels:
    """A cancel that reached the job service, one that it *refused*, and a job that it *ended* by itself."""

    job_id: str
    asked: tuple[Mapping[str, Any], ...]
    cancel: Reply
    refused: Reply
    refused_left: Aftermath
    ended: Reply
    ended_left: Aftermath


@dataclass(frozen=True)
class Late:
    """A task that had ended (*before*), and what it was after something came in late (*after*)."""

    how: str
    before: Aftermath
    after: Aftermath


@dataclass(frozen=True)
class LateWords:
    """Ended tasks, each with the words that came in late."""

    late: tuple[Late, ...]


@flow("job_cancels")
async def job_cancels(context: Context) -> JobCancels:
    """Cancel jobs, and have one cancelled, in a playground of mode modal."""
    async with bench(context) as place:
        providers = place.ground.providers
        await providers.options("modal", job_s=_LATER_S)
        first = await place.begin("Cancelled job")
        job_id = str((await place.row("tasks", first.task_id)).get("modal_job_id"))
        cancel = await place.client.cancel_task(first.task_id or "")
        asked = tuple(await providers.requests("modal", "cancel"))
        await providers.script("modal", "cancel", status=500, body="no")
        second = await place.begin("Cancel refused")
        refused = await place.client.cancel_task(second.task_id or "")
        refused_left = await place.left(second)
        body = {"job_id": "any", "status": "cancelled", "result_ready": False}
        third = await place.begin("Ended by the service")
        await providers.script("modal", "status", status=200, body=body, times=0)
        for _ in range(2):
            ended = await place.client.task(third.task_id or "")
        return JobCancels(job_id, asked, cancel, refused, refused_left, ended, await place.left(third))


@flow("late_words")
async def late_words(context: Context) -> LateWords:
    """End tasks while an answer of the provider is under way that says otherwise, in playgrounds side by side."""
    if context.settings.is_qwen:
        return LateWords((await _after_its_time(context),))
    return LateWords(tuple(await asyncio.gather(*(act(context) for act in (_done, _failed, _cancelled)))))


async def _done(context: Context) -> Late:
    """A job completes; an older answer that it failed comes in after that."""
    async with bench(context) as place:
        await place.ground.providers.script(*_STATUS, status=200, body=_FAILED)
        return await _overtaken(place, "completed, then failed")


async def _failed(context: Context) -> Late:
    """A job fails; an older answer that it is completed comes in after that."""
    async with bench(context) as place:
        return await _overtaken(place, "failed, then completed", second=_FAILED)


async def _overtaken(place: Bench, how: str, *, second: Mapping[str, Any] | None = None) -> Late:
    """Two reads, of which the first is answered last."""
    await place.hold(_STATUS)
    started = await place.begin(how)
    async with meanwhile(lambda: place.client.task(started.task_id or "")):
        await place.until_held(_STATUS)
        if second is not None:
            await place.ground.providers.script(*_STATUS, status=200, body=second)
        await place.client.task(started.task_id or "")
        before = await place.left(started)
        await place.release(_STATUS)
    await place.client.task(started.task_id or "")
    return Late(how, before, await place.left(started))


async def _cancelled(context: Context) -> Late:
    """A task is cancelled; an older answer that its job failed comes in after that."""
    async with bench(context) as place:
        await place.ground.providers.script(*_STATUS, status=200, body=_FAILED)
        await place.hold(_STATUS)
        started = await place.begin("Cancelled first")
        async with meanwhile(lambda: place.client.task(started.task_id or "")):
            await place.until_held(_STATUS)
            await place.client.cancel_task(started.task_id or "")
            before = await place.left(started)
            await place.release(_STATUS)
        return Late("cancelled, then failed", before, await place.left(started))


async def _after_its_time(context: Context) -> Late:
    """A task is ended because its time is over; then the provider answers after all."""
    async with bench(context) as place:
        first = calls(place.ground.settings)["speak"]
        await place.hold(first)
        started = await place.begin("After its time")
        await place.until_held(first)
        await place.ground.skip(WAITED_S)
        await place.end(started, patience_s=_OVERDUE_S)
        before = await place.left(started)
        await place.release(first)
        fence = await place.begin("Fence")
        if fence.task_id is not None:
            await place.end(fence)
        return Late("failed, then completed", before, await place.left(started))
