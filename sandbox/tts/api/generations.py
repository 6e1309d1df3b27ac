"""The caller's generations: history, audio, delete, and what to fill the form with to make one again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from sandbox.tts.api import credits as money
from sandbox.tts.api import modal_client, objects
from sandbox.tts.api import task_states as states
from sandbox.tts.api.answers import json_answer, redirect
from sandbox.tts.api.errors import ApiError, StoreFailed, not_found
from sandbox.tts.api.paging import page_of, search_pattern
from sandbox.tts.api.text import is_uuid, percent_encoded, trimmed

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Call
    from sandbox.tts.api.store import Row, Transaction

NOT_FOUND = "Generation not found."
DELETED = "Generation was deleted."
_WHERE: LiteralString = (
    " from public.generations as g where g.user_id = %(user)s and (%(search)s::text is null or g.text ilike %(search)s)"
    " and (%(status)s::text is null or g.status = %(status)s)"
)
_PAGE: LiteralString = (
    "select (select count(*)" + _WHERE + ") as total,"  # noqa: S608
    " coalesce((select json_agg(page) from (select g.id, g.voice_id,"
    " (select name from public.voices as v where v.id = g.voice_id) as voice_name, g.text,"
    " '/api/generations/' || g.id || '/audio' as audio_path, null as duration_seconds, g.language, g.status,"
    " g.generation_time_seconds, g.error_message, g.created_at" + _WHERE + " order by"
    " g.created_at desc, g.id desc limit %(limit)s offset %(offset)s) as page), '[]') as items"
)
_GENERATION: LiteralString = (
    "select id, user_id, voice_id, text, language, status, audio_object_key from public.generations"
    " where id = %s and (user_id = %s or %s)"
)


async def list_generations(call: Call) -> web.Response:
    """A page of the history, newest first. F-11: paging and filters have no effect."""
    page = page_of(call.query)
    status = trimmed(call.query.get("status"))
    asked: dict[str, Any] = {
        "user": call.user_id,
        "search": search_pattern(call.query),
        "status": None if status == "all" else status,
        "limit": page.size,
        "offset": page.offset,
    }
    if call.api.fault("F-11"):
        asked |= {"search": None, "status": None, "limit": None, "offset": 0}
    row = await call.api.store.row(_PAGE, asked, failing="Failed to load generations.") or {}
    return json_answer({"generations": row["items"], "pagination": page.answer(row["total"])})


async def audio(call: Call) -> web.Response:
    """A signed URL of the stored audio. F-30: the provider's own. F-62: a credit goes, and the ledger does not know."""
    generation = await _own_generation(call)
    if not generation["audio_object_key"]:
        raise not_found("Generation audio not available.")
    key = generation["audio_object_key"]
    url = await objects.signed_url(call.api, objects.GENERATIONS, key, generation["user_id"])
    if call.api.fault("F-62"):
        await call.api.store.run(
            "update public.profiles set credits_remaining = greatest(0, credits_remaining - 1) where id = %s",
            (call.user_id,),
        )
    return redirect((call.api.fault("F-30") and await _temporary_url(call, generation)) or url)


async def _temporary_url(call: Call, generation: Row) -> str | None:
    """F-30: where the provider keeps the audio, for as long as it does."""
    found = call.api.temporary_urls.get(generation["id"])
    task = await call.api.store.row(
        "select modal_job_id from public.tasks where generation_id = %s and modal_job_id is not null",
        (generation["id"],),
    )
    return modal_client.result_url(call.api, task["modal_job_id"]) if task else found


async def delete(call: Call) -> web.Response:
    """Remove object and row. An active task of it ends at once and is refunded; F-64: it goes on."""
    generation = await _own_generation(call)
    failing = "Failed to delete generation."
    key = generation["audio_object_key"]
    if key and not await objects.discard(call.api, objects.GENERATIONS, key):
        raise ApiError(500, failing)
    try:
        async with call.api.store.transaction() as transaction:
            await transaction.run(money.LOCK_PROFILE, (generation["user_id"],))
            if not call.api.fault("F-64"):
                await _end_task(call, transaction, generation)
            await transaction.run("delete from public.generations where id = %s", (generation["id"],))
    except StoreFailed as failure:
        raise ApiError(500, failing) from failure
    return json_answer({"ok": True})


async def regenerate(call: Call) -> web.Response:
    """What the form needs to say the same again. Nothing is made or charged."""
    generation = await _own_generation(call, missing="Generation not found")
    if generation["voice_id"] is None:
        raise ApiError(400, "Generation has no voice_id.")
    voice_id, text, language = (generation[name] for name in ("voice_id", "text", "language"))
    query = f"voice={voice_id}&text={percent_encoded(text)}&language={percent_encoded(language)}"
    filled = {"voice_id": voice_id, "text": text, "language": language}
    return json_answer({**filled, "redirect_url": f"/generate?{query}"})


async def _own_generation(call: Call, missing: str = NOT_FOUND) -> Row:
    """The generation of the path. Raises 404. F-76: anybody's. F-10: 500 for an id that is no UUID."""
    if not is_uuid(call.id) and not call.api.fault("F-10"):
        raise not_found(missing)
    values = (call.id, call.user_id, call.api.fault("F-76"))
    generation = await call.api.store.row(_GENERATION, values, failing="Failed to load generation.")
    if generation is None:
        raise not_found(missing)
    return generation


async def _end_task(call: Call, transaction: Transaction, generation: Row) -> None:
    """Fail the active task of a generation that is about to go, and refund it."""
    task = await transaction.row(
        "update public.tasks set status = 'failed', provider_status = 'failed', error = %s, completed_at = %s"  # noqa: S608
        " where generation_id = %s and status in ('pending', 'processing') returning " + states.TASK,
        (DELETED, call.api.clock.now(), generation["id"]),
    )
    if task is not None:
        await money.refund_task(transaction, task)
