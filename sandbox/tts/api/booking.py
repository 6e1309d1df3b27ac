"""Rows and money of a generate request: generation, debit and task are written together or not at all."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from sandbox.tts.api import credits as money
from sandbox.tts.api import reaper
from sandbox.tts.api import task_states as states
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.text import first_units, units

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.generate_order import Order
    from sandbox.tts.api.store import Row, Transaction

BUSY = "A generation is already in progress. Please wait for it to finish before starting another."
NOT_CHECKED = "Failed to check active tasks."
NO_TASK = "Failed to create task."
NO_GENERATION = "Failed to create generation."
PREVIEW_UNITS = 50


async def book(call: Call, order: Order) -> Row:
    """Steps 9 to 11. Returns the task. Raises 402, 409 and 500."""
    api = call.api
    if api.budgets.refuses():
        raise ApiError(500, NO_TASK)
    try:
        await reaper.end_overdue(api, order.user_id)
        async with api.store.transaction(failing=NO_TASK) as transaction:
            await transaction.run(money.LOCK_PROFILE, (order.user_id,), failing=NOT_CHECKED)
            # F-38: a second one that comes at the same time is not noticed.
            await _check_idle(transaction, order, most=1 if api.fault("F-38") else 0)
            await _insert_generation(api, transaction, order)
            balance = await money.debit_generation(
                transaction, order.user_id, order.generation_id, order.price, {"task_id": order.task_id}
            )
            return await _insert_task(api, transaction, order, balance)
    except StoreFailed as failure:
        raise ApiError(500, NOT_CHECKED) from failure


async def _check_idle(transaction: Transaction, order: Order, *, most: int) -> None:
    """Raises 409 while the user has more than *most* generates at work."""
    active = await transaction.rows(
        "select id from public.tasks where user_id = %s and type = 'generate' and status in ('pending', 'processing')",
        (order.user_id,),
        failing=NOT_CHECKED,
    )
    if len(active) > most:
        raise ApiError(409, BUSY)


async def _insert_generation(api: Api, transaction: Transaction, order: Order) -> None:
    await transaction.run(
        "insert into public.generations (id, user_id, voice_id, text, language, status, tts_provider, provider_model,"
        " created_at) values (%s, %s, %s, %s, %s, 'processing', %s, %s, %s)",
        (
            order.generation_id,
            order.user_id,
            order.voice["id"],
            order.text,
            order.language,
            order.mode,
            order.target_model,
            api.clock.now(),
        ),
        failing=NO_GENERATION,
    )


async def _insert_task(api: Api, transaction: Transaction, order: Order, balance: int) -> Row:
    ellipsis = "..." if order.length > PREVIEW_UNITS else ""
    metadata: dict[str, Any] = {
        "voice_id": order.voice["id"],
        "voice_name": order.voice["name"],
        "text_length": order.length,
        "text_preview": first_units(order.text, PREVIEW_UNITS) + ellipsis,
        "language": order.language,
        "estimated_duration_minutes": order.minutes,
        "credits_debited": order.price,
        "credits_remaining_after_debit": balance,
    }
    if order.streamed:
        metadata["streamed"] = True
    provider_status = _first_status(api) if order.mode == "qwen" else None
    try:
        row = await transaction.row(
            "insert into public.tasks (id, user_id, type, status, generation_id, voice_id, provider, provider_status,"  # noqa: S608
            " metadata, created_at) values (%s, %s, 'generate', 'pending', %s, %s, %s, %s, %s, %s) returning "
            + states.TASK,
            (
                order.task_id,
                order.user_id,
                order.generation_id,
                order.voice["id"],
                order.mode,
                provider_status,
                Jsonb(metadata),
                api.clock.now(),
            ),
        )
    except StoreFailed as failure:
        if failure.unique:
            raise ApiError(409, BUSY) from failure
        raise ApiError(500, NO_TASK) from failure
    return row or {}


def _first_status(api: Api) -> str:
    return "ws_connecting" if api.deployment.lane == "realtime" else "provider_submitting"


async def book_refused(call: Call, text: str, voice_id: str, language: str) -> None:
    """F-53: the generation and the debit of a text that is refused, and stay."""
    generation_id = str(uuid.uuid4())
    async with call.api.store.transaction(failing=NO_GENERATION) as transaction:
        await transaction.run(
            "insert into public.generations (id, user_id, voice_id, text, language, status, tts_provider, created_at)"
            " values (%s, %s, (select id from public.voices where id = %s), %s, %s, 'processing', %s, %s)",
            (generation_id, call.user_id, voice_id, text, language, call.api.deployment.mode, call.api.clock.now()),
        )
        profile = await transaction.row(
            "select credits_remaining from public.profiles where id = %s for update", (call.user_id,)
        )
        amount = min(units(text), profile["credits_remaining"] if profile else 0)
        if amount > 0:
            await money.debit_generation(transaction, call.user_id, generation_id, amount, {})
