"""Voice design: a preview from a description, then a voice from a preview."""

from __future__ import annotations

import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from sandbox.tts.api import credits as money
from sandbox.tts.api import design_save, modal_client, qwen_flow
from sandbox.tts.api import task_states as states
from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.design_save import Design
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.forms import NotAForm, read_form, read_json
from sandbox.tts.api.provider_errors import ProviderFailed, missing_variable
from sandbox.tts.api.text import LARGEST, trimmed, units

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.credits import FlatCharge
    from sandbox.tts.api.store import Row

MAX_UNITS = 500


@dataclass(frozen=True)
class Wanted:
    """What the preview should say, and how it should sound."""

    text: str
    language: str
    instruct: str
    name: str


async def preview(call: Call) -> web.Response:
    """Charge, and begin a preview. [Q] a worker starts at once; [M] the first read of the task starts it."""
    wanted = _wanted(await read_json(call.request), LARGEST if call.api.fault("F-27") else MAX_UNITS)
    api, task_id = call.api, str(uuid.uuid4())
    if not api.fault("F-06"):
        _check_configuration(api)
    charge = await money.charge_flat(
        api.store,
        operation="design_preview",
        user_id=call.user_id,
        reference_type="task",
        reference_id=task_id,
        overspend=api.fault("F-62"),
    )
    _check_mode(api)
    task = await _insert_task(call, task_id, wanted, charge)
    call.cost_event = {"operation": "design_preview", "used_trial": charge.used_trial, "credits": charge.debited}
    if task["provider"] == "qwen":
        api.background(qwen_flow.design(api, task, call.request_id))
        if api.fault("F-03"):
            # The other provider has it made as well.
            with suppress(ProviderFailed):
                await modal_client.design(api, text=wanted.text, language=wanted.language, instruct=wanted.instruct)
    return json_answer({"task_id": task_id, "status": "pending"})


async def save(call: Call) -> web.Response:
    """Make a voice of a preview. [Q] from the finished task; [M] from the uploaded audio. Costs nothing."""
    call.api.misread_mode()
    _check_mode(call.api)
    try:
        form = await read_form(call.request)
    except NotAForm as error:
        raise ApiError(400, "Invalid form data.") from error
    name = form.text("name")
    if name is None or units(name) > (LARGEST if call.api.fault("F-27") else 100):
        raise ApiError(400, "Name must be 1-100 characters.")
    text, language, instruct = form.text("text"), form.text("language"), form.text("instruct")
    if text is None:
        raise ApiError(400, "Preview text is required.")
    if language is None:
        raise ApiError(400, "Language is required.")
    if instruct is None:
        raise ApiError(400, "Voice description is required.")
    wanted = Design(name=name, text=text, language=language, instruct=instruct)
    if call.api.deployment.mode == "qwen":
        return await design_save.from_task(call, wanted, form.text("task_id"))
    return await design_save.from_upload(call, wanted, form.files.get("audio"))


def _wanted(body: dict[str, Any], longest: int) -> Wanted:
    """Text, description and language, checked in this order; the first two up to *longest*. Raises 400."""
    text = trimmed(body.get("text"))
    if text is None:
        raise ApiError(400, "Preview text is required.")
    if units(text) > longest:
        raise ApiError(400, "Preview text must be 500 characters or less.")
    instruct = trimmed(body.get("instruct"))
    if instruct is None:
        raise ApiError(400, "Voice description is required.")
    if units(instruct) > longest:
        raise ApiError(400, "Voice description must be 500 characters or less.")
    language = trimmed(body.get("language"))
    if language is None:
        raise ApiError(400, "Language is required.")
    name = trimmed(body.get("name")) or f"design_{secrets.token_hex(4)}"
    return Wanted(text, language, instruct, name)


def _check_mode(api: Api) -> None:
    if api.deployment.mode_error is not None:
        raise ApiError(500, api.deployment.mode_error)


def _check_configuration(api: Api) -> None:
    """Refuse what could not succeed, before anybody pays for it."""
    _check_mode(api)
    if api.deployment.mode == "qwen" and api.deployment.dashscope_api_key is None:
        raise ApiError(500, missing_variable(api, "DASHSCOPE_API_KEY"))


async def _insert_task(call: Call, task_id: str, wanted: Wanted, charge: FlatCharge) -> Row:
    """The task of a charged preview. Raises 500 after the charge went back."""
    api = call.api
    mode = str(api.deployment.mode)
    metadata = {
        "text": wanted.text,
        "language": wanted.language,
        "instruct": wanted.instruct,
        "name": wanted.name,
        "used_trial": charge.used_trial,
        "trial_idempotency_key": f"{charge.prefix}:charge" if charge.used_trial else None,
        "credits_debited": charge.debited,
        "credits_remaining_after_debit": charge.balance,
    }
    provider_status = "provider_queued" if mode == "qwen" else None
    try:
        row = await api.store.row(
            "insert into public.tasks (id, user_id, type, status, provider, provider_status, metadata, created_at)"  # noqa: S608
            " values (%s, %s, 'design_preview', 'pending', %s, %s, %s, %s) returning " + states.TASK,
            (task_id, call.user_id, mode, provider_status, Jsonb(metadata), api.clock.now()),
        )
    except StoreFailed as failure:
        async with api.store.transaction(failing="Failed to refund credits.") as transaction:
            await money.give_back(transaction, charge)
        raise ApiError(500, "Failed to create task.") from failure
    return row or {}
