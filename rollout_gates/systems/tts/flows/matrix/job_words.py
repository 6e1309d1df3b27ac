"""What the job service says, and when: jobs that it cancels, cancels that it does not take, failures that come late."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids, aftermath, rows
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls, meanwhile
from rollout_gates.systems.tts.flows.matrix.planting import work
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene
from rollout_gates.systems.tts.flows.matrix.treasury import newcomer
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.matrix.worker_death import WAITED_S
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.replies import is_terminal, json_object, value
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.in_vain import InVain
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

_STATUS = ("modal", "status")
_FAILED = {"job_id": "any", "status": "failed", "result_ready": False, "error": "CUDA out of memory"}
_LATER_S = 3600
_OVERDUE_S = 8.0
_POLLER = Poller(first_s=0.1, factor=1.5, longest_s=2.0)
_TOLD_WITHIN_S = 8.0
_JOBS = 3


@dataclass(frozen=True)
class JobCancels:
    """A cancel that reached the job service, and one that it *refused*."""

    job_id: str
    asked: tuple[Mapping[str, Any], ...]
    cancel: Reply
    refused: Reply
    refused_left: Aftermath


@dataclass(frozen=True)
class EndedJob:
    """A task at work whose job the service reports as cancelled: the last *read* of it, and what was *left*."""

    read: Reply
    left: Aftermath


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
        return JobCancels(job_id, asked, cancel, refused, await place.left(second))


@flow("ended_job")
async def ended_job(context: Context) -> EndedJob:
    """Have a job cancelled behind its task's back, in mode modal.

    In a playground the service says so by itself. Elsewhere a job is cancelled, and then another task is planted that
    waits for the same job. Raises `NotConfigured`, and `CouldNotJudge` when the service tells something else.
    """
    if context.sandbox_url is None:
        return await _planted(context)
    async with bench(context) as place:
        body = {"job_id": "any", "status": "cancelled", "result_ready": False}
        started = await place.begin("Ended by the service")
        await place.ground.providers.script("modal", "status", status=200, body=body, times=0)
        for _ in range(2):
            ended = await place.client.task(started.task_id or "")
        return EndedJob(ended, await place.left(started))


async def _planted(context: Context) -> EndedJob:
    await context.after(*SMOKE)
    stage = Scene(context)
    user = await newcomer(stage, "ended_job")
    voice_id = await own_voice(stage, user)
    word: object = None
    for number in range(_JOBS):
        found = await _job_of_another(stage, user, voice_id, number)
        word = value(json_object(found.read), "modal_status")
        if word == "cancelled" or found.left.status in ("cancelled", "failed"):
            return found
    told = f"the job service reports {word} of each of {_JOBS} jobs that were cancelled"
    raise CouldNotJudge(Reason.SOURCE_ABSENT, told)


async def _job_of_another(stage: Scene, user: Identity, voice_id: str, number: int) -> EndedJob:
    """Cancel a job, then have another task wait for it. A job that had ended by then tells nothing."""
    run_id = stage.context.run_id
    started = await start(stage.context, user, voice_id, spoken(run_id, f"Job {number}"))
    cancel = await user.client.cancel_task(started.task_id or "")
    tasks = await rows(user.client, "tasks", id=f"eq.{started.task_id}")
    job_id = tasks[0].get("modal_job_id") if tasks else None
    if cancel.status != 200 or not job_id:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no job was caught at work: its cancel was answered {cancel.status}")
    job = {"modal_job_id": job_id, "provider_job_id": job_id}
    ids = await work(stage, user, spoken(run_id, f"Job of another {number}"), voice_id=voice_id, **job)
    return EndedJob(await _read_until_ended(user, ids), await aftermath(user, ids))


async def _read_until_ended(user: Identity, ids: Ids) -> Reply:
    """Read the task a few times; stop early when it has ended."""
    polled = await _POLLER.until(lambda: user.client.task(ids.task_id or ""), is_terminal, deadline_s=_TOLD_WITHIN_S)
    return polled.last


@flow("late_words")
async def late_words(context: Context) -> LateWords:
    """Have something come in for tasks that have ended.

    In playgrounds side by side it is an answer of the provider that says otherwise. Elsewhere it is what a client can
    do: reads at the same time, and a cancel, of a generate that failed.
    """
    if context.sandbox_url is None:
        return await _outside(context)
    if context.settings.is_qwen:
        return LateWords((await _after_its_time(context),))
    return LateWords(tuple(await asyncio.gather(*(act(context) for act in (_done, _failed, _cancelled)))))


async def _outside(context: Context) -> LateWords:
    vain: InVain = await context.observe("in_vain")
    return LateWords((Late("failed, then read and cancelled", vain.left, vain.at_last),))


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
