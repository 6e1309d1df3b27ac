"""Cloning: a URL to upload to, then the voice made from what was uploaded."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from sandbox.tts.api import credits as money
from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import log_lines, objects
from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.forms import read_json
from sandbox.tts.api.provider_errors import ProviderFailed, missing_variable, shown_text
from sandbox.tts.api.text import LARGEST, is_uuid, trimmed, units
from sandbox.tts.platform.storage import StorageRefused

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.credits import FlatCharge
    from sandbox.tts.api.dashscope_client import ProviderVoice

PROVIDER_FETCH_S = 600
NOT_UPLOADED = "Audio file not uploaded."


@dataclass(frozen=True)
class Wanted:
    """What the caller says about the voice."""

    name: str
    language: str
    transcript: str
    description: str | None = None
    voice_id: str = ""


async def upload_url(call: Call) -> web.Response:
    """A fresh voice id and where its audio goes. Nothing is stored."""
    _wanted(await read_json(call.request), sloppy=call.api.fault("F-27"))
    voice_id = str(uuid.uuid4())
    key = objects.reference_key(call.user_id, voice_id)
    try:
        url = call.api.storage.signed_upload_url(objects.REFERENCES, key)
    except StorageRefused as error:
        raise ApiError(500, "Failed to create signed upload URL.") from error
    return json_answer({"voice_id": voice_id, "upload_url": url, "object_key": key})


async def finalize(call: Call) -> web.Response:
    """Charge, enroll at the provider (qwen), write the voice. A replay with the same id costs nothing."""
    wanted = await _wanted_voice(call)
    await _check_upload(call, wanted)
    if not call.api.fault("F-06"):
        _check_configuration(call.api)
    charge = await money.charge_flat(
        call.api.store,
        operation="clone",
        user_id=call.user_id,
        reference_type="voice",
        reference_id=wanted.voice_id,
        overspend=call.api.fault("F-62"),
    )
    if charge.duplicate and not await _unnoticed(call, wanted, charge):
        return await _replayed(call, wanted, charge)
    _check_mode(call.api)
    call.cost_event = {"operation": "clone", "used_trial": charge.used_trial, "credits": charge.debited}
    made = await _enroll(call, wanted, charge) if call.api.deployment.mode == "qwen" else None
    await _insert(call, wanted, charge, made)
    if made is None and call.api.fault("F-03"):
        await _enroll_elsewhere(call, wanted)
    return json_answer({"id": wanted.voice_id, "name": wanted.name})


def _wanted(body: dict[str, Any], voice_id: str = "", *, sloppy: bool = False) -> Wanted:
    """Name, language and transcript, checked in this order. Raises 400. *sloppy* (F-27): names of any length."""
    name = trimmed(body.get("name"))
    if name is None or units(name) > (LARGEST if sloppy else 100):
        raise ApiError(400, "Name must be 1-100 characters.")
    language = trimmed(body.get("language"))
    if language is None:
        raise ApiError(400, "Language is required.")
    transcript = trimmed(body.get("transcript"))
    if transcript is None:
        raise ApiError(400, "Transcript is required.")
    return Wanted(name, language, transcript, trimmed(body.get("description")), voice_id)


async def _wanted_voice(call: Call) -> Wanted:
    body = await read_json(call.request)
    voice_id = trimmed(body.get("voice_id"))
    if voice_id is None:
        raise ApiError(400, "voice_id is required.")
    return _wanted(body, voice_id, sloppy=call.api.fault("F-27"))


async def _check_upload(call: Call, wanted: Wanted) -> None:
    """The audio is there and not too large. An id that was not given out has no audio. F-27: any size will do."""
    if not is_uuid(wanted.voice_id):
        raise ApiError(400, NOT_UPLOADED)
    key = objects.reference_key(call.user_id, wanted.voice_id)
    info = await objects.stat(call.api, objects.REFERENCES, key, failing="Failed to verify uploaded audio.")
    if info is None:
        raise ApiError(400, NOT_UPLOADED)
    if info.size > objects.MAX_REFERENCE_BYTES and not call.api.fault("F-27"):
        raise ApiError(400, "Reference audio must be under 10MB.")


def _check_mode(api: Api) -> None:
    if api.deployment.mode_error is not None:
        raise ApiError(500, api.deployment.mode_error)


def _check_configuration(api: Api) -> None:
    """Refuse what could not succeed, before anybody pays for it."""
    _check_mode(api)
    if api.deployment.mode == "qwen" and api.deployment.dashscope_api_key is None:
        raise ApiError(502, missing_variable(api, "DASHSCOPE_API_KEY"))


async def _unnoticed(call: Call, wanted: Wanted, charge: FlatCharge) -> bool:
    """F-14: whether a finalize with the same id is under way, which nobody looks for."""
    if not call.api.fault("F-14"):
        return False
    ended = await call.api.store.row(
        "select 1 from public.voices where id = %s union all select 1 from public.trial_consumption where user_id = %s"
        " and idempotency_key = %s and status = 'restored' union all select 1 from public.credit_ledger"
        " where user_id = %s and idempotency_key = %s",
        (wanted.voice_id, call.user_id, f"{charge.prefix}:charge", call.user_id, f"{charge.prefix}:refund"),
    )
    return ended is None


async def _replayed(call: Call, wanted: Wanted, charge: FlatCharge) -> web.Response:
    """The voice of an earlier finalize, even one that was deleted since. Raises 409 when that one came to nothing."""
    voice = await call.api.store.row(
        "select id, name from public.voices where id = %s and user_id = %s",
        (wanted.voice_id, call.user_id),
        failing="Failed to load existing voice.",
    )
    if voice is None:
        raise ApiError(409, "Duplicate finalize request detected. Please start a new clone upload.")
    if call.api.fault("F-13"):
        await _made_again(call, wanted, charge)
    return json_answer({"id": voice["id"], "name": voice["name"]})


async def _made_again(call: Call, wanted: Wanted, charge: FlatCharge) -> None:
    """F-13: a replay asks the provider again and, as its row cannot be written, gives the charge back.

    Not while a trial is there that was not when it was paid in credits: that replay is another fault's, F-63.
    """
    left = await call.api.store.row(
        "select clone_trials_remaining as trials from public.profiles where id = %s", (call.user_id,)
    )
    if call.api.deployment.mode == "qwen" and (charge.used_trial or not left or not left["trials"]):
        await _enroll(call, wanted, charge)
        await _give_back(call, charge)


async def _enroll_elsewhere(call: Call, wanted: Wanted) -> None:
    """F-03: the other provider is asked as well, whatever it says."""
    with suppress(ProviderFailed):
        await _create(call, wanted)


async def _create(call: Call, wanted: Wanted) -> ProviderVoice:
    key = objects.reference_key(call.user_id, wanted.voice_id)
    # F-18: the URL has expired before the provider sees it.
    ttl_s = -60 if call.api.fault("F-18") else PROVIDER_FETCH_S
    return await dashscope.create_clone(
        call.api,
        name=wanted.name,
        transcript=wanted.transcript,
        language=wanted.language,
        audio_url=call.api.storage.signed_download_url(objects.REFERENCES, key, ttl_s),
        # F-05: the key of voices with a description is looked for where it was never put.
        keyless=wanted.description is not None and call.api.fault("F-05"),
    )


async def _enroll(call: Call, wanted: Wanted, charge: FlatCharge) -> ProviderVoice:
    """The provider's voice. Any failure gives the charge back. Raises 502. F-19: nothing comes back."""
    try:
        return await _create(call, wanted)
    except ProviderFailed as failure:
        if not call.api.fault("F-19"):
            await _give_back(call, charge)
        call.error_category = failure.category
        log_lines.provider_line(
            call.api,
            "provider_outcome",
            caused_by=call.request_id,
            provider="qwen",
            operation="clone",
            outcome="failed",
            error_category=failure.category,
            provider_request_id=failure.request_id,
            voice_id=wanted.voice_id,
        )
        raise ApiError(502, shown_text(call.api, failure)) from failure


async def _insert(call: Call, wanted: Wanted, charge: FlatCharge, made: ProviderVoice | None) -> None:
    """Write the row. Raises 500 after everything is undone."""
    api, deployment = call.api, call.api.deployment
    nameless = made is None or api.fault("F-15")
    try:
        if api.fault("F-71") and not deployment.is_old:
            # This code was deployed before its schema, and names a column that is not there.
            await api.store.run("select not_there_yet from public.voices")
        await api.store.run(
            "insert into public.voices (id, user_id, name, reference_object_key, reference_transcript, description,"
            " language, source, tts_provider, provider_voice_id, provider_target_model, provider_voice_kind,"
            " provider_region, provider_request_id, provider_metadata, created_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, 'uploaded', %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                wanted.voice_id,
                call.user_id,
                wanted.name,
                objects.reference_key(call.user_id, wanted.voice_id),
                wanted.transcript,
                wanted.description,
                wanted.language,
                deployment.mode,
                None if nameless or made is None else made.voice,
                None if nameless or made is None else made.target_model,
                None if made is None else "vc",
                None if made is None else "intl" if api.fault("F-05") else deployment.dashscope_region,
                None if made is None else made.request_id,
                Jsonb({} if made is None else {"usage": made.usage}),
                api.clock.now(),
            ),
        )
    except StoreFailed as failure:
        await _undo(call, wanted, charge, made, conflict=failure.unique)
        raise ApiError(500, "Failed to create voice.") from failure


async def _undo(call: Call, wanted: Wanted, charge: FlatCharge, made: ProviderVoice | None, *, conflict: bool) -> None:
    """Money back, upload away, and the provider's voice written down for whoever cleans up there.

    An id that was taken belongs to another voice, and so does the object. F-17 removes it, F-16 writes nothing down.
    """
    await _give_back(call, charge)
    if not conflict or call.api.fault("F-17"):
        await objects.discard(call.api, objects.REFERENCES, objects.reference_key(call.user_id, wanted.voice_id))
    if made is not None and not call.api.fault("F-16"):
        facts = {"caused_by": call.request_id, "voice_id": wanted.voice_id, "provider_voice_id": made.voice}
        log_lines.provider_line(call.api, "orphaned_provider_voice", provider="qwen", **facts)


async def _give_back(call: Call, charge: FlatCharge) -> None:
    async with call.api.store.transaction(failing="Failed to refund credits.") as transaction:
        await money.give_back(transaction, charge)
    call.cost_event = None
