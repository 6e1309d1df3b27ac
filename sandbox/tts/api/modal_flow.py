"""What a read of a modal task sets going: the job service is asked, and what it has done is brought home.

Nothing happens between reads. An answer that asked the service says so in `modal_status`; none of its words is kept.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from sandbox.tts.api import log_lines, modal_client, objects
from sandbox.tts.api import task_states as states
from sandbox.tts.api.errors import ApiError, StoreFailed, not_found
from sandbox.tts.api.provider_errors import UNAVAILABLE_TEXT, UNKNOWN, ProviderFailed, shown_text
from sandbox.tts.api.speech import MISLABELLED, spoilt

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.modal_client import JobStatus
    from sandbox.tts.api.store import Row

BAD_METADATA = "Invalid design preview task metadata."
JOB_FAILED = "Generation failed. Please try again."
NOT_STORED = "Failed to upload generation audio."
NOT_UPDATED = "Failed to update task."
PREVIEW_NOT_STORED = "Failed to upload preview audio."


@dataclass(frozen=True)
class Polled:
    """A task after a read. *word* and *elapsed_s* are what the job service said, None when it was not asked."""

    task: Row
    word: str | None = None
    elapsed_s: float | None = None
    poll_count: int = 0


class ModalReads:
    """Reads of modal tasks. Two reads of one ready job must not both bring it home, so each task has a lock."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, call: Call, task: Row) -> Polled:
        """The task as it is after this read. Raises ApiError."""
        if task["status"] not in states.ACTIVE:
            if task["status"] == "completed" and task["type"] == "generate" and self._api.fault("F-34"):
                await self._fetch_again(task)
            return Polled(task)
        if task["type"] == "design_preview":
            return await self._preview(call, task)
        if task["type"] != "generate" or not task["modal_job_id"]:
            return Polled(task)
        return await self._job(task)

    # Previews

    async def _preview(self, call: Call, task: Row) -> Polled:
        metadata = task["metadata"] if isinstance(task["metadata"], dict) else {}
        if not metadata.get("text") or not metadata.get("instruct"):
            await self._failed(task, BAD_METADATA)
            return Polled(await self._again(task))
        if task["status"] == "pending":
            claimed = await self._api.store.run(
                "update public.tasks set status = 'processing', provider_status = 'processing'"
                " where id = %s and status = 'pending'",
                (task["id"],),
                failing="Failed to start design preview.",
            )
            if claimed:
                self._api.background(make_preview(call.api, task, call.request_id))
            count = 0
        else:
            count = await self._count(task)
        now = await self._again(task)
        return Polled(now, "processing", None, count) if now["status"] in states.ACTIVE else Polled(now)

    # Jobs

    async def _job(self, task: Row) -> Polled:
        api = self._api
        count = await self._count(task)
        try:
            job = await modal_client.status(api, task["modal_job_id"])
        except ProviderFailed as failure:
            shown = {**task, "error": shown_text(api, failure), "provider_status": "status_error"}
            _outcome(api, task, "status_error", error_category=failure.category)
            return Polled(shown, "status_error", None, count)
        if job.word == "failed":
            return await self._job_failed(task, job, count)
        if job.word == "cancelled" and not api.fault("F-49"):
            await _written(states.cancel(api, task))
            return Polled(await self._again(task), job.word, job.elapsed_s, count)
        age_s = api.clock.time() - task["created_at"].timestamp()
        if job.word == "completed" and job.result_ready and not api.budgets.holds_up(age_s):
            if api.budgets.fails(task["id"]):
                return await self._job_failed(task, job, count)
            return await self._bring_home(task, job, count)
        return await self._not_ready(task, job, count, job.word)

    async def _job_failed(self, task: Row, job: JobStatus, count: int) -> Polled:
        """F-81 shows the service's own text. F-49 writes over a state that had ended meanwhile."""
        _outcome(self._api, task, "failed", error_category=UNKNOWN)
        text = job.error if job.error and self._api.fault("F-81") else JOB_FAILED
        await self._failed(task, text, unguarded=self._api.fault("F-49"), keep_charge=self._api.fault("F-19"))
        return Polled(await self._again(task), job.word, job.elapsed_s, count)

    async def _not_ready(self, task: Row, job: JobStatus, count: int, word: str) -> Polled:
        """Still at work. A pending row that holds a job id takes the service's word over."""
        if task["status"] == "pending":
            await self._api.store.run(
                "update public.tasks set status = 'processing', provider_status = %s"
                " where id = %s and status = 'pending'",
                (word, task["id"]),
                failing=NOT_UPDATED,
            )
        now = task if self._api.fault("F-47") else await self._again(task)
        if now["status"] not in states.ACTIVE:
            return Polled(now)
        return Polled({**now, "status": "processing", "provider_status": word}, word, job.elapsed_s, count)

    async def _bring_home(self, task: Row, job: JobStatus, count: int) -> Polled:
        """Fetch, store, complete. What fails before the last step leaves the task active, for the next read."""
        lock = self._locks.setdefault(task["id"], asyncio.Lock())
        async with lock:
            now = await self._again(task)
            if now["status"] == "completed" and self._api.fault("F-34"):
                await self._fetch_again(now)
            if now["status"] in states.ACTIVE:
                try:
                    await self._finish(now)
                except ProviderFailed:
                    return await self._not_ready(now, job, count, "finalizing")
                now = await self._again(task)
        return Polled(now, job.word, job.elapsed_s, count)

    async def _fetch_again(self, task: Row) -> None:
        """F-34: every read of a job that is done fetches and stores its audio."""
        with suppress(ProviderFailed, objects.UploadFailed):
            audio = await modal_client.result(self._api, task["modal_job_id"])
            key = f"{task['user_id']}/{task['generation_id']}.wav"
            await objects.store(self._api, objects.GENERATIONS, key, audio, "audio/wav")

    async def _finish(self, task: Row) -> None:
        """Make *task* completed, unless it ends otherwise meanwhile. Raises ApiError and ProviderFailed."""
        api = self._api
        generation = await api.store.row(
            "select id, status, audio_object_key from public.generations where id = %s and user_id = %s",
            (task["generation_id"], task["user_id"]),
            failing="Failed to load generation.",
        )
        if generation is None:
            raise not_found("Generation not found.")
        if generation["audio_object_key"]:
            # Neither the service nor the generation is touched again.
            await _written(states.complete_task_alone(api, task))
            return
        key = f"{task['user_id']}/{task['generation_id']}.wav"
        audio = await modal_client.result(api, task["modal_job_id"])
        # F-29: nothing is stored, and completed all the same.
        lost = api.fault("F-29")
        if not lost:
            await _upload(api, key, audio)
        try:
            won = await _written(states.complete_generation(api, task, None if lost else key, {}))
        except states.GenerationGone as error:
            if api.fault("F-47"):
                await _written(states.complete_task_alone(api, task))
                return
            await objects.discard(api, objects.GENERATIONS, key)
            raise not_found("Generation not found.") from error
        if not won:
            await objects.discard(api, objects.GENERATIONS, key)

    async def _failed(self, task: Row, text: str, *, unguarded: bool = False, keep_charge: bool = False) -> None:
        await _written(states.fail(self._api, task, text, unguarded=unguarded, keep_charge=keep_charge))

    async def _count(self, task: Row) -> int:
        try:
            row = await self._api.store.call(
                "increment_task_modal_poll_count", p_task_id=task["id"], p_user_id=task["user_id"]
            )
        except StoreFailed:
            return int(task["modal_poll_count"])
        counted = next(iter(row.values()), None)
        return counted if isinstance(counted, int) else int(task["modal_poll_count"])

    async def _again(self, task: Row) -> Row:
        """The row as it is now. Raises 404 when it was deleted meanwhile."""
        row = await states.load_task(self._api, task["id"], task["user_id"], failing="Failed to load task.")
        if row is None:
            raise not_found("Task not found.")
        return row


async def make_preview(api: Api, task: Row, request_id: str) -> None:
    """Have the preview of a claimed task made, store it, complete the task."""
    metadata = task["metadata"]
    key = f"{task['user_id']}/preview_{task['id']}.wav"
    try:
        wanted = {name: metadata.get(name) or "Auto" for name in ("text", "language", "instruct")}
        audio = await modal_client.design(api, **wanted)
        await objects.store(api, objects.REFERENCES, key, audio, "audio/wav")
        # F-23: completed, and nobody knows where the audio is.
        result = None if api.fault("F-23") else {"object_key": key}
        if not await states.complete_preview(api, task, result):
            await objects.discard(api, objects.REFERENCES, key)
        _outcome(api, task, "completed", caused_by=request_id)
    except ProviderFailed as failure:
        _outcome(api, task, "failed", caused_by=request_id, error_category=failure.category)
        await _fail_quietly(api, task, shown_text(api, failure), keep_charge=api.fault("F-19"))
    except objects.UploadFailed:
        await _fail_quietly(api, task, PREVIEW_NOT_STORED)
    except Exception as error:  # noqa: BLE001 - a worker has nobody to raise to
        unexpected = ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error))
        await _fail_quietly(api, task, shown_text(api, unexpected))


async def _upload(api: Api, key: str, audio: bytes) -> None:
    content_type = "audio/wav"
    if api.fault("F-36"):
        audio, content_type = spoilt(audio), MISLABELLED
    try:
        await objects.store(api, objects.GENERATIONS, key, audio, content_type)
    except objects.UploadFailed as error:
        # F-32: it counts as stored.
        if api.fault("F-32"):
            return
        raise ApiError(500, NOT_STORED) from error


async def _written(writing: Awaitable[bool]) -> bool:
    """The result of a write of ours. Raises 500 when the database refuses it."""
    try:
        return await writing
    except StoreFailed as failure:
        raise ApiError(500, NOT_UPDATED) from failure


async def _fail_quietly(api: Api, task: Row, text: str, *, keep_charge: bool = False) -> None:
    """Fail a task from the background; what cannot be written now is left to the reaper."""
    with suppress(StoreFailed):
        await states.fail(api, task, text, keep_charge=keep_charge)


def _outcome(api: Api, task: Row, outcome: str, **facts: object) -> None:
    operation = "generate" if task["type"] == "generate" else "design_preview"
    known = {"provider": "modal", "operation": operation, "outcome": outcome, "task_id": task["id"]}
    log_lines.provider_line(api, "provider_outcome", **known, **facts)
