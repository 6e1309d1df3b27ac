"""Calls to DashScope: clone, design, synthesis. One attempt each: a create is billed, and so is a repeated one."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox.tts.api.provider_errors import (
    CUSTOMIZATION_FAILED,
    SYNTHESIS_FAILED,
    TIMEOUT,
    UNAVAILABLE,
    UNAVAILABLE_TEXT,
    UNKNOWN,
    ProviderFailed,
    category_of,
    missing_variable,
)
from sandbox.tts.api.text import decimal_number

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api

CUSTOMIZATION = "/api/v1/services/audio/tts/customization"
SYNTHESIS = "/api/v1/services/aigc/multimodal-generation/generation"
TIMEOUT_S = 90.0
# F-83
AGAIN_S = 0.2
TAGS = {
    "chinese": "zh",
    "english": "en",
    "german": "de",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
    "japanese": "ja",
    "korean": "ko",
    "french": "fr",
    "russian": "ru",
    "auto": "en",
}
SPOKEN = {name: name.capitalize() for name in TAGS}


@dataclass(frozen=True)
class ProviderVoice:
    """A voice that now exists at the provider, and was billed."""

    voice: str
    target_model: str
    request_id: str | None
    usage: Any


@dataclass(frozen=True)
class DesignedVoice(ProviderVoice):
    """The same with its preview. *form* is the format's name, `wav`."""

    preview: bytes
    form: str
    sample_rate: Any


@dataclass(frozen=True)
class Synthesis:
    """Speech that waits at a temporary URL."""

    url: str
    audio_id: str | None
    expires_at: Any
    usage: Any
    request_id: str | None

    def trace(self) -> dict[str, Any]:
        """What is kept of it beside the audio."""
        return {
            "request_id": self.request_id,
            "audio_id": self.audio_id,
            "audio_expires_at": self.expires_at,
            "usage": self.usage,
        }


async def create_clone(
    api: Api, *, name: str, transcript: str, language: str, audio_url: str, keyless: bool = False
) -> ProviderVoice:
    """Enroll a voice from the audio at *audio_url*. Raises ProviderFailed. *keyless*: only faulty builds ask so."""
    asked: dict[str, Any] = {
        "action": "create",
        "target_model": api.deployment.vc_model,
        "preferred_name": preferred_name(name, "clone"),
        "audio": {"data": audio_url},
        "text": transcript,
    }
    tag = TAGS.get(language.lower())
    if tag is not None:
        asked["language"] = tag
    payload = {"model": "qwen-voice-enrollment", "input": asked}
    answer = await _post(api, CUSTOMIZATION, payload, CUSTOMIZATION_FAILED, keyless=keyless)
    voice, target_model = _voice(answer)
    return ProviderVoice(voice, target_model, _text(answer.get("request_id")), answer.get("usage"))


async def create_design(api: Api, *, name: str, instruct: str, text: str, language: str) -> DesignedVoice:
    """Make a voice from a description, with a preview that says *text*. Raises ProviderFailed."""
    asked = {
        "action": "create",
        "target_model": api.deployment.vd_model,
        "voice_prompt": instruct,
        "preview_text": text,
        "preferred_name": preferred_name(name, "design"),
        "language": TAGS.get(language.lower(), "en"),
    }
    wanted = {"sample_rate": 24000, "response_format": "wav"}
    payload = {"model": "qwen-voice-design", "input": asked, "parameters": wanted}
    answer = await _post(api, CUSTOMIZATION, payload, CUSTOMIZATION_FAILED)
    voice, target_model = _voice(answer)
    request_id = _text(answer.get("request_id"))
    preview = answer["output"].get("preview_audio")
    preview = preview if isinstance(preview, dict) else {}
    data = _text(preview.get("data"))
    if data is None:
        raise ProviderFailed(UNAVAILABLE, CUSTOMIZATION_FAILED, request_id=request_id)
    return DesignedVoice(
        voice=voice,
        target_model=target_model,
        request_id=request_id,
        usage=answer.get("usage"),
        preview=_decoded(data, request_id),
        form=(_text(preview.get("response_format")) or "wav").lower(),
        sample_rate=preview.get("sample_rate"),
    )


async def synthesize(api: Api, *, model: str, voice: str, text: str, language: str) -> Synthesis:
    """Have *text* spoken. Raises ProviderFailed."""
    spoken = SPOKEN.get(language.lower(), "Auto")
    payload = {"model": model, "input": {"text": text, "voice": voice, "language_type": spoken}}
    answer = await _post(api, SYNTHESIS, payload, SYNTHESIS_FAILED)
    output = answer.get("output")
    audio = output.get("audio") if isinstance(output, dict) else None
    audio = audio if isinstance(audio, dict) else {}
    url = _text(audio.get("url"))
    request_id = _text(answer.get("request_id"))
    if url is None:
        raise ProviderFailed(UNAVAILABLE, SYNTHESIS_FAILED, request_id=request_id)
    return Synthesis(url, _text(audio.get("id")), audio.get("expires_at"), answer.get("usage"), request_id)


def preferred_name(name: str, prefix: str) -> str:
    """*name* in the provider's alphabet, at most 16 characters; a made-up one when too little is left."""
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name)[:16]
    return cleaned if len(cleaned) >= 3 else f"{prefix}_{secrets.token_hex(4)}"


def timeout(api: Api) -> aiohttp.ClientTimeout:
    """90 s a call; `PROVIDER_TIMEOUT_SECONDS` shortens it, so that a test need not wait so long. F-83: no end."""
    if api.fault("F-83"):
        return aiohttp.ClientTimeout(total=None)
    chosen = decimal_number(api.deployment.variables.get("PROVIDER_TIMEOUT_SECONDS", ""))
    return aiohttp.ClientTimeout(total=chosen or TIMEOUT_S)


async def manage(api: Api, kind: str, **asked: Any) -> None:
    """List or delete voices of *kind* (`enrollment`, `design`), whatever comes of it: only faulty builds do so."""
    with suppress(ProviderFailed):
        await _post(api, CUSTOMIZATION, {"model": f"qwen-voice-{kind}", "input": asked}, CUSTOMIZATION_FAILED)


async def _post(
    api: Api, path: str, payload: dict[str, Any], fallback: str, *, keyless: bool = False, again: bool = False
) -> dict[str, Any]:
    """The JSON object that a call answers. Raises ProviderFailed.

    P-40: a create is tried *again*. F-83: a synthesis that was one too many is tried for ever.
    """
    deployment = api.deployment
    key = deployment.dashscope_api_key
    if key is None:
        text = missing_variable(api, "DASHSCOPE_API_KEY")
        raise ProviderFailed(UNAVAILABLE, fallback, own_text=text)
    try:
        async with api.http.post(
            deployment.dashscope_base_url + path,
            data=json.dumps(payload).encode(),
            headers={"Authorization": f"Bearer {'' if keyless else key}", "Content-Type": "application/json"},
            timeout=timeout(api),
        ) as reply:
            status, body = reply.status, await reply.read()
    except TimeoutError as error:
        raise ProviderFailed(TIMEOUT, fallback) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=str(error)) from error
    if status == 429 and path == SYNTHESIS and api.fault("F-83"):
        await asyncio.sleep(AGAIN_S)
        return await _post(api, path, payload, fallback, keyless=keyless)
    if status >= 500 and not again and path == CUSTOMIZATION and api.fault("P-40"):
        return await _post(api, path, payload, fallback, keyless=keyless, again=True)
    return _understood(api, status, body, fallback)


def _understood(api: Api, status: int, body: bytes, fallback: str) -> dict[str, Any]:
    """The answer as an object. Raises ProviderFailed. K-01: for null, with the text of the runtime's own error."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    if answer is None and status < 300:
        told = "Cannot read properties of null (reading 'output')" if api.fault("K-01") else None
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, own_text=told, status=status)
    answer = answer if isinstance(answer, dict) else {}
    if not 200 <= status < 300:
        request_id, message = _text(answer.get("request_id")), _text(answer.get("message"))
        raise ProviderFailed(category_of(status), fallback, raw=message, status=status, request_id=request_id)
    return answer


def _voice(answer: dict[str, Any]) -> tuple[str, str]:
    output = answer.get("output")
    voice = _text(output.get("voice")) if isinstance(output, dict) else None
    target_model = _text(output.get("target_model")) if isinstance(output, dict) else None
    if voice is None or target_model is None:
        raise ProviderFailed(UNAVAILABLE, CUSTOMIZATION_FAILED, request_id=_text(answer.get("request_id")))
    return voice, target_model


def _decoded(data: str, request_id: str | None) -> bytes:
    """Base64, with or without a `data:` prefix, white space allowed."""
    payload = re.sub(r"\s", "", data.partition(",")[2] if data.startswith("data:") else data)
    try:
        decoded = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raw = "Failed to decode base64"
        raise ProviderFailed(UNKNOWN, UNAVAILABLE_TEXT, raw=raw, request_id=request_id) from error
    if not decoded:
        raise ProviderFailed(UNAVAILABLE, CUSTOMIZATION_FAILED, request_id=request_id)
    return decoded


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
