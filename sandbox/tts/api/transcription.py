"""Transcription: a recording goes to Mistral and comes back as text. Nothing is stored or charged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp

from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.dashscope_client import timeout
from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.forms import NotAForm, read_form
from sandbox.tts.api.text import trimmed

if TYPE_CHECKING:
    from typing import Any

    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.forms import Upload

MAX_BYTES = 52_428_800
EXTENSIONS = frozenset({".wav", ".mp3", ".m4a"})
CODES = {
    "english": "en",
    "chinese": "zh",
    "japanese": "ja",
    "korean": "ko",
    "french": "fr",
    "german": "de",
    "spanish": "es",
    "italian": "it",
    "portuguese": "pt",
    "russian": "ru",
    "arabic": "ar",
    "hindi": "hi",
    "dutch": "nl",
    "turkish": "tr",
}
FAILED = "Transcription request failed."


class Refused(Exception):
    """The service said no; *args* is its own text."""


async def transcribe(call: Call) -> web.Response:
    """What was said in the uploaded file."""
    deployment = call.api.deployment
    if not deployment.transcription_enabled:
        raise ApiError(503, "Transcription is not configured on this server.")
    try:
        form = await read_form(call.request)
    except NotAForm as error:
        raise ApiError(400, "Invalid form data.") from error
    audio = form.files.get("audio")
    if audio is None or not audio.data:
        raise ApiError(400, "Audio file is required")
    if len(audio.data) > MAX_BYTES:
        raise ApiError(400, "File too large (max 50MB)")
    extension = _extension(audio.name)
    if extension not in EXTENSIONS:
        raise ApiError(400, f"File must be WAV, MP3, or M4A (got {extension})")
    language = CODES.get((form.text("language") or "").lower())
    try:
        heard = await _ask(call.api, audio, language)
    except Refused as refused:
        # F-81: with the service's own text.
        text = f"Transcription request failed: {refused}" if call.api.fault("F-81") else FAILED
        raise ApiError(502, text) from refused
    return json_answer(
        {
            "text": trimmed(heard.get("text")) or "",
            "model": heard.get("model") or deployment.mistral_model,
            "language": heard.get("language"),
        }
    )


def _extension(name: str) -> str:
    """`.wav` of `speech.WAV`, `unknown` without one."""
    _, dot, ending = name.lower().rpartition(".")
    return f".{ending}" if dot and ending else "unknown"


async def _ask(api: Api, audio: Upload, language: str | None) -> dict[str, Any]:
    """The service's answer. Raises Refused."""
    deployment = api.deployment
    form = aiohttp.FormData()
    form.add_field("model", deployment.mistral_model)
    form.add_field("file", audio.data, filename=audio.name, content_type=audio.content_type)
    if language is not None:
        form.add_field("language", language)
    try:
        async with api.http.post(
            f"{deployment.mistral_server_url}/v1/audio/transcriptions",
            data=form,
            headers={"Authorization": f"Bearer {deployment.mistral_api_key}"},
            timeout=timeout(api),
        ) as reply:
            status, body = reply.status, await reply.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Refused(str(error)) from error
    if not 200 <= status < 300:
        told = body[:1200].decode("utf-8", "replace")[:300]
        raise Refused(f"Mistral transcription failed ({status}): {told}")
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refused("Mistral transcription failed: unreadable answer")
    return answer
