"""Tasks: read, cancel, delete. Which branch is taken depends on the task's own provider, not on the mode of today."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.tts.api import credits as money
from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import modal_client, objects, reaper
from sandbox.tts.api import task_states as states
from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.errors import ApiError, StoreFailed, not_found
from sandbox.tts.api.modal_flow import Polled
from sandbox.tts.api.provider_errors import UNAVAILABLE_TEXT
from sandbox.tts.api.text import is_uuid

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Call
    from sandbox.tts.api.store import Row

STOP_LIMIT_S = 5.0
# F-28 asks the provider about a task that is read as often as this.
OFTEN = 8


async def read(call: Call) -> web.Response:
    """The task as it is. A modal task is moved on by this."""
    task = await _own_task(call)
    polled = Polled(task)
    call.api.reads[task["id"]] += 1
    if _branch(call, task) == "modal":
        polled = await call.api.modal_reads.read(call, task)
    elif task["provider"] == "modal":
        polled = Polled(await _given_up(call, task))
    else:
        await _read_in_vain(call, task)
    return json_answer(_shown(call, polled))


def _branch(call: Call, task: Row) -> str:
    """F-12: the mode of today decides how a task of yesterday is read."""
    provider: str = task["provider"]
    active = task["status"] in states.ACTIVE
    return str(call.api.deployment.mode) if active and call.api.fault("F-12") else provider


async def _given_up(call: Call, task: Row) -> Row:
    """F-12: a job of the other provider is unknown here, so it has failed, and nothing is given back."""
    with suppress(StoreFailed):
        await states.fail(call.api, task, UNAVAILABLE_TEXT, keep_charge=True)
    again = await states.load_task(call.api, task["id"], task["user_id"], failing="Failed to load task.")
    return again or task


async def _read_in_vain(call: Call, task: Row) -> None:
    """What faulty builds do when a task of provider qwen is read: F-28 asks the provider, F-34 stores once more."""
    if call.api.fault("F-28") and call.api.reads[task["id"]] >= OFTEN:
        await dashscope.manage(call.api, "enrollment", action="list", page_index=0, page_size=10)
    if call.api.fault("F-34") and task["status"] == "completed" and task["type"] == "generate":
        row = await call.api.store.row(
            "select audio_object_key from public.generations where id = %s", (task["generation_id"],)
        )
        key = str(row["audio_object_key"]) if row and row["audio_object_key"] else ""
        stored = await objects.load(call.api, objects.GENERATIONS, key, failing="Failed to load task.")
        if stored is not None:
            with suppress(objects.UploadFailed):
                await objects.store(call.api, objects.GENERATIONS, key, stored.data, stored.content_type)


async def cancel(call: Call) -> web.Response:
    """End an active task, its generation too, and give the charge back. Of parallel cancels one wins."""
    task = await _own_task(call)
    if task["status"] not in states.ACTIVE:
        await _refund_again(call, task["id"])
        raise ApiError(400, f"Cannot cancel task with status: {task['status']}")
    try:
        # F-43: the generation goes on being processed.
        won = await states.cancel(call.api, task, leave_generation=call.api.fault("F-43"))
    except StoreFailed as failure:
        raise ApiError(500, "Failed to cancel task.") from failure
    if not won:
        if call.api.fault("F-44"):
            async with call.api.store.transaction(failing="Failed to cancel task.") as transaction:
                await money.refund_task(transaction, task)
        await _refund_again(call, task["id"])
        raise ApiError(409, "Task is no longer cancellable.")
    await _stop_job(call, task)
    return json_answer({"cancelled": True, "task_id": task["id"]})


async def _refund_again(call: Call, task_id: str) -> None:
    """F-48: what was refunded already is refunded once more. F-44, above: the charge of what has been completed."""
    if not call.api.fault("F-48"):
        return
    task = await states.load_task(call.api, task_id, call.user_id, failing="Failed to load task.")
    if task is not None and task["status"] in {"cancelled", "failed"}:
        async with call.api.store.transaction(failing="Failed to cancel task.") as transaction:
            await money.refund_task(transaction, task, anew=True)


async def delete(call: Call) -> web.Response:
    """Remove the row. An active task is settled first, so that nobody loses money to it.

    F-64: it is not; a qwen generate is settled by its worker, anything else is lost.
    """
    task = await _own_task(call)
    try:
        async with call.api.store.transaction() as transaction:
            await transaction.run(money.LOCK_PROFILE, (task["user_id"],))
            gone = await transaction.row(
                "delete from public.tasks where id = %s and user_id = %s returning status",
                (task["id"], task["user_id"]),
            )
            unsettled = gone is not None and gone["status"] in states.ACTIVE and not call.api.fault("F-64")
            if unsettled:
                if task["generation_id"] is not None:
                    await states.cancel_generation(transaction, call.api, task["generation_id"])
                await money.refund_task(transaction, task)
    except StoreFailed as failure:
        raise ApiError(500, "Failed to delete task.") from failure
    if unsettled:
        await _stop_job(call, task)
    return json_answer({"ok": True})


async def _own_task(call: Call) -> Row:
    """The task of the path. Raises 404; F-10: 500 for an id that is no UUID."""
    failing = "Failed to load task."
    if not is_uuid(call.id) and not call.api.fault("F-10"):
        raise not_found("Task not found.")
    task = await states.load_task(call.api, call.id, call.user_id, failing=failing)
    if task is not None and task["status"] in states.ACTIVE:
        with suppress(StoreFailed):
            if await reaper.end_overdue(call.api, task["user_id"]):
                task = await states.load_task(call.api, call.id, call.user_id, failing=failing)
    if task is None:
        raise not_found("Task not found.")
    return task


async def _stop_job(call: Call, task: Row) -> None:
    """Tell the job service, best effort: its failure or silence does not hold up the answer."""
    if task["provider"] == "modal" and task["modal_job_id"]:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                await modal_client.cancel(call.api, task["modal_job_id"])


def _shown(call: Call, polled: Polled) -> dict[str, Any]:
    """The answer of a read. F-08: without `modal_poll_count`. F-41: every other read shows a generate at its start."""
    task = polled.task
    asked = polled.word is not None
    modal = task["provider"] == "modal"
    if task["status"] == "processing" and task["type"] == "generate" and call.api.fault("F-41"):
        early = call.api.reads[task["id"]] % 2 == 0
        task = {**task, "status": "pending"} if early else task
    shown: dict[str, Any] = {"id": task["id"], "type": task["type"], "status": task["status"]}
    result = _result(call, task)
    if result is not None:
        shown["result"] = result
    shown["error"] = task["error"]
    if not call.api.deployment.is_old:
        shown |= {
            "provider": task["provider"],
            "provider_status": task["provider_status"],
            "provider_poll_count": polled.poll_count if asked else 0,
        }
    shown |= {
        "modal_status": polled.word,
        "modal_elapsed_seconds": polled.elapsed_s,
    }
    if not call.api.fault("F-08"):
        shown["modal_poll_count"] = polled.poll_count if asked else task["modal_poll_count"] if modal else 0
    return shown


def _result(call: Call, task: Row) -> dict[str, Any] | None:
    """What the task brought; a preview with a fresh URL of its audio."""
    result: dict[str, Any] | None = task["result"]
    if result is None or task["type"] != "design_preview" or task["status"] != "completed":
        return result
    key = result.get("object_key")
    if not isinstance(key, str) or not objects.may_sign(call.api, key, task["user_id"]):
        return result
    return {**result, "audio_url": call.api.storage.signed_download_url(objects.REFERENCES, key)}
