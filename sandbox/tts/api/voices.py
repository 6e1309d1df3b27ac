"""The caller's voices: list, preview, soft delete. Voices of both providers are listed in either mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from sandbox.tts.api import dashscope_client as dashscope
from sandbox.tts.api import objects
from sandbox.tts.api.answers import json_answer, redirect
from sandbox.tts.api.errors import not_found
from sandbox.tts.api.paging import page_of, search_pattern
from sandbox.tts.api.text import is_uuid

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Call
    from sandbox.tts.api.store import Row

_WHERE: LiteralString = (
    " from public.voices where user_id = %(user)s and (deleted_at is null or %(deleted)s)"
    " and (%(search)s::text is null or name ilike %(search)s) and (%(source)s::text is null or source = %(source)s)"
    " and (%(provider)s::text is null or tts_provider = %(provider)s)"
)
_PAGE: LiteralString = (
    "select (select count(*)" + _WHERE + ") as total,"  # noqa: S608
    " coalesce((select json_agg(page) from (select id, name, reference_transcript, language, source, description,"
    " created_at, tts_provider, provider_voice_id, provider_target_model, provider_voice_kind" + _WHERE + " order by"
    " created_at desc, id desc limit %(limit)s offset %(offset)s) as page), '[]') as items"
)
_VOICE: LiteralString = (
    "select id, user_id, name, reference_object_key, deleted_at, provider_voice_id, provider_voice_kind"
    " from public.voices"
    " where id = %s and (user_id = %s or %s)"
)
NEW_FIELDS = ("tts_provider", "provider_voice_id", "provider_target_model", "provider_voice_kind")
DROPPED_BY_F08 = ("provider_voice_kind", "description")


async def list_voices(call: Call) -> web.Response:
    """A page of voices, newest first. F-11: the other provider's are missing, paging and filters have no effect."""
    page = page_of(call.query)
    source = call.query.get("source")
    asked: dict[str, Any] = {
        "user": call.user_id,
        "search": search_pattern(call.query),
        "source": source if source in {"uploaded", "designed"} else None,
        "provider": None,
        # F-42: deleted ones too.
        "deleted": call.api.fault("F-42"),
        "limit": page.size,
        "offset": page.offset,
    }
    if call.api.fault("F-11"):
        asked |= {"search": None, "source": None, "limit": None, "offset": 0, "provider": call.api.deployment.mode}
    row = await call.api.store.row(_PAGE, asked, failing="Failed to load voices.") or {}
    items = row["items"]
    if call.api.deployment.is_old:
        items = [{name: item[name] for name in item if name not in NEW_FIELDS} for item in items]
    if call.api.fault("F-08"):
        items = [{name: item[name] for name in item if name not in DROPPED_BY_F08} for item in items]
    return json_answer({"voices": items, "pagination": page.answer(row["total"])})


async def preview(call: Call) -> web.Response:
    """A signed URL of the reference audio."""
    voice = await _own_voice(call)
    if voice["deleted_at"] is not None:
        raise not_found("Voice not found.")
    if not voice["reference_object_key"]:
        raise not_found("Voice has no reference audio.")
    key = voice["reference_object_key"]
    return redirect(await objects.signed_url(call.api, objects.REFERENCES, key, voice["user_id"]))


async def delete(call: Call) -> web.Response:
    """Hide the voice. Row, audio and the provider's voice stay. F-42: the provider's does not.

    The old build removes row and audio for good.
    """
    voice = await _own_voice(call)
    if call.api.deployment.is_old:
        return await _remove(call, voice)
    await call.api.store.run(
        "update public.voices set deleted_at = coalesce(deleted_at, %s) where id = %s",
        (call.api.clock.now(), voice["id"]),
        failing="Failed to delete voice.",
    )
    if call.api.fault("F-42") and voice["provider_voice_id"]:
        kind = "design" if voice["provider_voice_kind"] == "vd" else "enrollment"
        await dashscope.manage(call.api, kind, action="delete", voice=voice["provider_voice_id"])
    return json_answer({"ok": True})


async def _remove(call: Call, voice: Row) -> web.Response:
    """Remove row and audio for good."""
    await call.api.store.run(
        "delete from public.voices where id = %s", (voice["id"],), failing="Failed to delete voice."
    )
    if voice["reference_object_key"]:
        await objects.discard(call.api, objects.REFERENCES, voice["reference_object_key"])
    return json_answer({"ok": True})


async def _own_voice(call: Call) -> Row:
    """The voice of the path, deleted or not. Raises 404. F-76: anybody's. F-10: 500 for an id that is no UUID."""
    if not is_uuid(call.id) and not call.api.fault("F-10"):
        raise not_found("Voice not found.")
    values = (call.id, call.user_id, call.api.fault("F-76"))
    voice = await call.api.store.row(_VOICE, values, failing="Failed to load voice.")
    if voice is None:
        raise not_found("Voice not found.")
    return voice
