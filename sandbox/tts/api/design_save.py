"""Saving a designed voice: from the task of its preview (qwen), or from uploaded audio (modal)."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.types.json import Jsonb

from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import objects
from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.errors import ApiError, StoreFailed, not_found
from sandbox.tts.api.provider_errors import ProviderFailed, missing_variable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from sandbox.tts.api.context import Call
    from sandbox.tts.api.forms import Upload
    from sandbox.tts.api.store import Row, Store, Transaction

MAX_AUDIO_BYTES = 1_000_000
NOT_CREATED = "Failed to create voice."
NOT_LOADED = "Failed to load preview task."
_TASK: LiteralString = (
    "select id, type, provider, status, result from public.tasks where id = %s and (user_id = %s or %s)"
)
_INSERT: LiteralString = (
    "insert into public.voices (id, user_id, name, reference_object_key, reference_transcript, description, language,"
    " source, tts_provider, provider_voice_id, provider_target_model, provider_voice_kind, provider_region,"
    " provider_request_id, provider_metadata, created_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, 'designed', %s, %s, %s, %s, %s, %s, %s, %s)"
    " returning id, name, description, language, reference_object_key"
)


@dataclass(frozen=True)
class Design:
    """The fields of the form."""

    name: str
    text: str
    language: str
    instruct: str


async def from_task(call: Call, design: Design, task_id: str | None) -> web.Response:
    """[Q] the voice that the preview's task has at the provider already. A replay returns the voice it made."""
    if task_id is None:
        raise ApiError(400, "task_id is required when provider mode is qwen.")
    async with _saving(call) as rows:
        anybody = call.api.fault("F-24")
        task = await rows.row(_locked(call), (task_id, call.user_id, anybody), failing=NOT_LOADED)
        result = _whatever(task) if anybody else _usable(task)
        if call.api.deployment.dashscope_api_key is None:
            raise ApiError(500, missing_variable(call.api, "DASHSCOPE_API_KEY"))
        voice = await _saved_before(call, rows, result)
        replay = voice is not None
        if voice is None:
            if call.api.fault("F-20"):
                await _create_again(call, design)
            voice = await _insert(call, rows, design, result, task_id)
            await rows.run(
                "update public.tasks set result = result || %s where id = %s",
                (Jsonb({"saved_voice_id": voice["id"]}), task_id),
                failing=NOT_CREATED,
            )
    return await _answer(call, voice, replay=replay)


async def from_upload(call: Call, design: Design, audio: Upload | None) -> web.Response:
    """[M] the uploaded preview becomes the voice's reference audio. F-27: of whatever size."""
    sloppy = call.api.fault("F-27")
    if audio is None:
        raise ApiError(400, "Audio file is required.")
    if not audio.data and not sloppy:
        raise ApiError(400, "Audio file is empty.")
    if len(audio.data) > MAX_AUDIO_BYTES and not sloppy:
        raise ApiError(400, "Audio file must be under 1MB.")
    api, voice_id = call.api, str(uuid.uuid4())
    key = objects.reference_key(call.user_id, voice_id)
    try:
        await objects.store(api, objects.REFERENCES, key, audio.data, audio.content_type)
    except objects.UploadFailed as error:
        raise ApiError(500, "Failed to upload reference audio.") from error
    mode = api.deployment.mode
    values = (mode, None, None, None, None, None, Jsonb({}), api.clock.now())
    try:
        voice = await api.store.row(_INSERT, (*_common(call, design, voice_id, key), *values))
    except StoreFailed as failure:
        await objects.discard(api, objects.REFERENCES, key)
        raise ApiError(500, NOT_CREATED) from failure
    return await _answer(call, voice or {}, replay=False)


@asynccontextmanager
async def _saving(call: Call) -> AsyncIterator[Store | Transaction]:
    """Check and insert as one, so that of concurrent saves one inserts. F-21: statement by statement."""
    if call.api.fault("F-21"):
        yield call.api.store
        return
    async with call.api.store.transaction(failing=NOT_CREATED) as transaction:
        yield transaction


def _locked(call: Call) -> LiteralString:
    return _TASK if call.api.fault("F-21") else _TASK + " for update"


def _usable(task: Row | None) -> dict[str, Any]:
    """The result of a preview that can be saved. Raises 404 and 409."""
    if task is None:
        raise not_found("Preview task not found.")
    if task["type"] != "design_preview" or task["provider"] != "qwen":
        raise ApiError(409, "Invalid preview task for qwen design save.")
    if task["status"] != "completed":
        raise ApiError(409, "Preview task is not completed yet.")
    result: dict[str, Any] = task["result"] or {}
    needed = ("object_key", "provider_voice_id", "provider_target_model")
    if not all(isinstance(result.get(name), str) and result[name] for name in needed):
        raise ApiError(409, "Preview task is missing provider metadata. Generate preview again.")
    return result


def _whatever(task: Row | None) -> dict[str, Any]:
    """F-24: the result of anybody's preview, in whatever state, unless it was cancelled."""
    if task is None or task["status"] == "cancelled":
        return _usable(task)
    return {"object_key": None, "provider_voice_id": None, "provider_target_model": None, **(task["result"] or {})}


async def _create_again(call: Call, design: Design) -> None:
    """F-20: the provider makes a second voice, which nobody will use."""
    with suppress(ProviderFailed):
        await dashscope.create_design(
            call.api, name=design.name, instruct=design.instruct, text=design.text, language=design.language
        )


async def _saved_before(call: Call, rows: Store | Transaction, result: dict[str, Any]) -> Row | None:
    """The voice that an earlier save made, unless it was deleted since. F-22: nobody looks."""
    saved_id = result.get("saved_voice_id")
    if not isinstance(saved_id, str) or call.api.fault("F-22"):
        return None
    return await rows.row(
        "select id, name, description, language, reference_object_key from public.voices"
        " where id = %s and user_id = %s and deleted_at is null",
        (saved_id, call.user_id),
        failing=NOT_LOADED,
    )


async def _insert(call: Call, rows: Store | Transaction, design: Design, result: dict[str, Any], task_id: str) -> Row:
    api = call.api
    values = (
        "qwen",
        result["provider_voice_id"],
        result["provider_target_model"],
        "vd",
        api.deployment.dashscope_region,
        result.get("provider_request_id"),
        Jsonb({"design_preview_task_id": task_id}),
        api.clock.now(),
    )
    common = _common(call, design, str(uuid.uuid4()), result["object_key"])
    return await rows.row(_INSERT, (*common, *values), failing=NOT_CREATED) or {}


def _common(call: Call, design: Design, voice_id: str, key: str | None) -> tuple[str | None, ...]:
    return (voice_id, call.user_id, design.name, key, design.text, design.instruct, design.language)


async def _answer(call: Call, voice: Row, *, replay: bool) -> web.Response:
    """The saved voice with a URL of its audio. That comes last: a voice stays even when its URL fails."""
    key = voice["reference_object_key"]
    if not key:
        raise ApiError(500, "Saved voice is missing preview audio.")
    url = await objects.signed_url(call.api, objects.REFERENCES, key, call.user_id)
    answer = {name: voice[name] for name in ("id", "name", "description", "language")}
    answer |= {"source": "designed", "preview_url": url}
    if replay:
        answer["reference_object_key"] = key
    return json_answer(answer)
