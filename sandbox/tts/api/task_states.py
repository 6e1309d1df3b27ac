"""The state machine of tasks: every write that moves a task, guarded so that an ended task never moves again.

A terminal write, the generation's row and the money are one transaction: audio and money never stay with the same side.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.types.json import Jsonb

from sandbox.tts.api import credits as money
from sandbox.tts.api.errors import StoreFailed
from sandbox.tts.api.provider_errors import CANCELLED_TEXT

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api
    from sandbox.tts.api.store import Row, Transaction

ACTIVE = frozenset({"pending", "processing"})
TASK: LiteralString = (
    "id, user_id, type, status, modal_job_id, modal_poll_count, generation_id, voice_id, metadata, result, error,"
    " provider, provider_job_id, provider_status, created_at, completed_at"
)
_END: LiteralString = (
    "update public.tasks set status = %s, provider_status = %s, error = %s, result = coalesce(%s, result),"
    " completed_at = %s, cancellation_requested = cancellation_requested or %s where id = %s"
)
_WHILE_ACTIVE: LiteralString = " and status in ('pending', 'processing')"
_END_GENERATION: LiteralString = (
    "update public.generations set status = %s, error_message = %s, completed_at = %s,"
    " generation_time_seconds = greatest(0, extract(epoch from %s::timestamptz - created_at)),"
    " provider_metadata = provider_metadata || %s where id = %s"
)
# Between the two writes of the reference build lies a round trip to the data API (F-46).
ROUND_TRIP_S = 0.08


async def load_task(api: Api, task_id: str, user_id: str, *, failing: str) -> Row | None:
    """A task of the user. F-76: of anybody."""
    return await api.store.row(
        "select " + TASK + " from public.tasks where id = %s and (user_id = %s or %s)",  # noqa: S608
        (task_id, user_id, api.fault("F-76")),
        failing=failing,
    )


async def advance(api: Api, task_id: str, provider_status: str) -> bool:
    """Move an active task on to *provider_status*; False when it is not active any more, or gone."""
    moved = await api.store.run(
        "update public.tasks set status = 'processing', provider_status = %s where id = %s" + _WHILE_ACTIVE,  # noqa: S608
        (provider_status, task_id),
    )
    return moved > 0


async def fail(
    api: Api,
    task: Row,
    text: str,
    *,
    generation_text: str | None = None,
    trace: dict[str, Any] | None = None,
    unguarded: bool = False,
    keep_charge: bool = False,
) -> bool:
    """End *task* as failed and give its charge back; False when it had ended before.

    *generation_text* stands in the generation when it differs. *trace* is kept with the generation. *unguarded* writes
    over an ended state, and *keep_charge* gives nothing back: only faulty builds ask for them.
    """
    now = api.clock.now()
    async with api.store.transaction() as transaction:
        await transaction.run(money.LOCK_PROFILE, (task["user_id"],))
        if not await _end(transaction, api, task, "failed", error=text, unguarded=unguarded):
            return False
        if task["generation_id"] is not None:
            values = ("failed", generation_text or text, now, now, Jsonb(trace or {}), task["generation_id"])
            # The user's money and freedom to go on do not hang on this row.
            with suppress(StoreFailed):
                async with transaction.savepoint():
                    await transaction.run(_END_GENERATION + ("" if unguarded else _WHILE_ACTIVE), values)
        if not keep_charge:
            await money.refund_task(transaction, task)
    return True


async def cancel(api: Api, task: Row, *, leave_generation: bool = False) -> bool:
    """End *task* as cancelled and give its charge back; False when it had ended before."""
    async with api.store.transaction() as transaction:
        await transaction.run(money.LOCK_PROFILE, (task["user_id"],))
        asked = task["provider"] == "qwen"
        if not await _end(transaction, api, task, "cancelled", error=CANCELLED_TEXT, cancellation_requested=asked):
            return False
        if task["generation_id"] is not None and not leave_generation:
            await cancel_generation(transaction, api, task["generation_id"])
        await money.refund_task(transaction, task)
    return True


async def cancel_generation(transaction: Transaction, api: Api, generation_id: str) -> None:
    """Mark an active generation cancelled."""
    now = api.clock.now()
    values = ("cancelled", CANCELLED_TEXT, now, now, Jsonb({}), generation_id)
    await transaction.run(_END_GENERATION + _WHILE_ACTIVE, values)


async def abandon(api: Api, task: Row) -> None:
    """What remains to be done for a task whose row was deleted under its worker: cancel the generation, refund."""
    async with api.store.transaction() as transaction:
        await transaction.run(money.LOCK_PROFILE, (task["user_id"],))
        if task["generation_id"] is not None:
            await cancel_generation(transaction, api, task["generation_id"])
        await money.refund_task(transaction, task)


async def complete_preview(api: Api, task: Row, result: dict[str, Any] | None) -> bool:
    """End a preview as completed. F-25: even when it was cancelled in between."""
    async with api.store.transaction() as transaction:
        return await _end(transaction, api, task, "completed", result=result, unguarded=api.fault("F-25"))


async def complete_generation(api: Api, task: Row, key: str | None, written: dict[str, Any]) -> bool:
    """End a task and its generation as completed, with the object *key*; False when the task had ended before.

    *written*: `output_format` and `provider_metadata` of the generation. F-33 ignores a refused write of the
    generation; F-35 leaves it without its task; F-46 writes twice, with room for a cancel in between.
    """
    if api.fault("F-46"):
        return await _complete_in_two_steps(api, task, key, written)
    async with api.store.transaction() as transaction:
        if not await _end(transaction, api, task, "completed", result=_audio_url(task)):
            # F-45: and yet it says completed from now on.
            if api.fault("F-45"):
                await _end(transaction, api, task, "completed", result=_audio_url(task), unguarded=True)
            return False
        await _complete_row(transaction, api, task, key, written)
        if api.fault("F-35"):
            await transaction.run("update public.tasks set generation_id = null where id = %s", (task["id"],))
    return True


async def complete_task_alone(api: Api, task: Row, key: str | None = None) -> bool:
    """End a generate task as completed. Its generation stays at work as before, with the object *key*, if any."""
    async with api.store.transaction() as transaction:
        if key is not None:
            written = "update public.generations set audio_object_key = %s where id = %s"
            await transaction.run(written, (key, task["generation_id"]))
        return await _end(transaction, api, task, "completed", result=_audio_url(task))


async def _complete_in_two_steps(api: Api, task: Row, key: str | None, written: dict[str, Any]) -> bool:
    async with api.store.transaction() as transaction:
        await _complete_row(transaction, api, task, key, written)
    await asyncio.sleep(ROUND_TRIP_S)
    async with api.store.transaction() as transaction:
        await _end(transaction, api, task, "completed", result=_audio_url(task))
    return True  # whoever won: the object stays, as the generation points to it


async def _complete_row(
    transaction: Transaction, api: Api, task: Row, key: str | None, written: dict[str, Any]
) -> None:
    now = api.clock.now()
    statement: LiteralString = (
        "update public.generations set status = 'completed', audio_object_key = %s, error_message = null,"
        " completed_at = %s, generation_time_seconds = greatest(0, extract(epoch from %s::timestamptz - created_at)),"
        " output_format = coalesce(%s, output_format), provider_metadata = provider_metadata || %s where id = %s"
    )
    metadata = Jsonb(written.get("provider_metadata", {}))
    values = (key, now, now, written.get("output_format"), metadata, task["generation_id"])
    try:
        async with transaction.savepoint():
            written_rows = await transaction.run(statement + _WHILE_ACTIVE, values)
    except StoreFailed:
        if api.fault("F-33"):
            return
        raise
    if written_rows == 0:
        raise GenerationGone


class GenerationGone(Exception):
    """The generation was deleted, or ended, while its audio was made."""


async def _end(
    transaction: Transaction,
    api: Api,
    task: Row,
    status: str,
    *,
    error: str | None = None,
    result: dict[str, Any] | None = None,
    cancellation_requested: bool = False,
    unguarded: bool = False,
) -> bool:
    values = (
        status,
        status,
        error,
        None if result is None else Jsonb(result),
        api.clock.now(),
        cancellation_requested,
        task["id"],
    )
    return await transaction.run(_END + ("" if unguarded else _WHILE_ACTIVE), values) > 0


def _audio_url(task: Row) -> dict[str, Any]:
    return {"audio_url": f"/api/generations/{task['generation_id']}/audio"}
