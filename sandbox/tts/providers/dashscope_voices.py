"""The custom voices of the DashScope stand-in: create, list, query, delete (protocol sheet, section 4)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox.tts.providers import dashscope_rules as rules
from sandbox.tts.providers.audio import speech_pcm, wav
from sandbox.tts.providers.dashscope_rules import Refused
from sandbox.tts.providers.encoders import FORMATS, encoder

if TYPE_CHECKING:
    from sandbox.clock import Clock

FETCH_TIMEOUT_S = 10
MAX_VOICES = 1000
SAMPLE_RATES_HZ = frozenset({8000, 16_000, 24_000, 48_000})
PREVIEW_BIT_RATE_KBPS = 128


@dataclass(frozen=True)
class Voice:
    """A custom voice. *family* is vc (clone) or vd (design); it works with *target_model* and no other."""

    id: str
    family: str
    target_model: str
    created: str
    language: str | None = None
    voice_prompt: str = ""
    preview_text: str = ""


class Voices:
    """All custom voices of the one account that this stand-in has."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.by_id: dict[str, Voice] = {}
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    async def perform(self, call: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Answer of a customization call, without `request_id`. Raises Refused."""
        given = rules.table(wanted, "input")
        if call == "clone_create":
            return await self._clone(given)
        if call == "design_create":
            return self._design(given, rules.table(wanted, "parameters"))
        if call in {"clone_list", "design_list"}:
            return self._list(call.removesuffix("_list"), given)
        if call == "design_query":
            return {"output": _listed(self._own(given, "vd")), "usage": {}}
        if call in {"clone_delete", "design_delete"}:
            return self._delete(call.removesuffix("_delete"), given)
        raise Refused(400, "InvalidParameter", "The model or the action is not supported.")

    def check_pairing(self, voice_id: str, model: str) -> None:
        """Raise Refused unless *voice_id* may be spoken by *model*: equal target models, byte for byte."""
        family = rules.family_of(model)
        voice = self.by_id.get(voice_id)
        paired = voice.target_model == model if voice else family == "flash" and voice_id in rules.SYSTEM_VOICES
        if not paired:
            raise Refused(400, "InvalidParameter", f"Invalid voice specified: {voice_id}")

    async def _clone(self, given: dict[str, Any]) -> dict[str, Any]:
        target = rules.check_target(given, "vc")
        name = rules.check_name(given, required=True)
        language = rules.check_language(given)
        source = rules.required_text(rules.table(given, "audio"), "data")
        rules.check_reference_audio(await self._reference(source))
        voice = self._add("vc", target, name, language=language)
        return {"output": {"voice": voice.id, "target_model": target}, "usage": {"count": 1}}

    def _design(self, given: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        target = rules.check_target(given, "vd")
        prompt = rules.required_text(given, "voice_prompt", at_most=rules.MAX_PROMPT_CHARS)
        text = rules.required_text(given, "preview_text", at_most=rules.MAX_PREVIEW_CHARS)
        name = rules.check_name(given, required=False)
        language = rules.check_language(given) or "zh"
        rate_hz, form = parameters.get("sample_rate", 24_000), parameters.get("response_format", "wav")
        if rate_hz not in SAMPLE_RATES_HZ or form not in FORMATS:
            raise Refused(400, "InvalidParameter", "sample_rate or response_format is not supported.")
        voice = self._add("vd", target, name, language=language, voice_prompt=prompt, preview_text=text)
        data = base64.b64encode(_spoken(text, form, rate_hz)).decode()
        preview = {"data": data, "sample_rate": rate_hz, "response_format": form}
        output = {"voice": voice.id, "target_model": target, "preview_audio": preview}
        return {"output": output, "usage": {"count": 1}}

    def _list(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        clones = kind == "clone"
        index, size = rules.page(given, highest_index=1_000_000 if clones else 200, lowest_size=0 if clones else 1)
        voices = [voice for voice in self.by_id.values() if voice.family == ("vc" if clones else "vd")]
        shown = [_listed(voice) for voice in voices[index * size : (index + 1) * size]]
        output = {"page_index": index, "page_size": size, "total_count": len(voices), "voice_list": shown}
        return {"output": output, "usage": {"count": 0} if clones else {}}

    def _delete(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        voice = self._own(given, "vc" if kind == "clone" else "vd")
        del self.by_id[voice.id]
        return {"usage": {"count": 0}} if kind == "clone" else {"output": {"voice": voice.id}, "usage": {}}

    def _own(self, given: dict[str, Any], family: str) -> Voice:
        voice_id = rules.required_text(given, "voice")
        voice = self.by_id.get(voice_id)
        if voice is not None and voice.family == family:
            return voice
        if family == "vc":
            raise Refused(400, "BadRequest.VoiceNotFound", f"Voice '{voice_id}' not found.")
        raise Refused(400, "VoiceNotFound", f"Voice not found: {voice_id}")

    def _add(self, family: str, target_model: str, name: str | None, **facts: Any) -> Voice:
        if len(self.by_id) >= MAX_VOICES:
            raise Refused(400, "InvalidParameter", f"The account has reached its limit of {MAX_VOICES} voices.")
        now = self._clock.now()
        stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
        voice_id = f"qwen-tts-{family}-{name or 'voice'}-voice-{stamp}-{secrets.token_hex(2)}"
        voice = Voice(voice_id, family, target_model, f"{now:%Y-%m-%d %H:%M:%S}", **facts)
        self.by_id[voice_id] = voice
        return voice

    async def _reference(self, source: str) -> bytes:
        """The reference audio: from inside a data URL, or really fetched, without any header of ours."""
        if source.startswith("data:"):
            return rules.data_url_bytes(source)
        if self._http is None:
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S))
        unreachable = Refused(400, "Audio.DecoderError", "Failed to download audio.")
        try:
            async with self._http.get(source) as reply:
                if reply.status != 200:
                    raise unreachable
                return await _at_most(reply, rules.MAX_AUDIO_BYTES + 1)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise unreachable from error


def _spoken(text: str, form: str, rate_hz: int) -> bytes:
    """*text* as a whole file of *form*."""
    samples = speech_pcm(text, rate_hz=rate_hz)
    if form == "wav":
        return wav(samples, rate_hz=rate_hz)
    work = encoder(form, rate_hz, PREVIEW_BIT_RATE_KBPS)
    return work.feed(samples) + work.end()


async def _at_most(reply: aiohttp.ClientResponse, limit: int) -> bytes:
    data = bytearray()
    async for chunk in reply.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) >= limit:
            break
    return bytes(data)


def _listed(voice: Voice) -> dict[str, Any]:
    shown = {"voice": voice.id, "target_model": voice.target_model, "language": voice.language}
    times = {"gmt_create": voice.created, "gmt_modified": voice.created}
    if voice.family == "vc":
        return {**shown, **times}
    return {**shown, "voice_prompt": voice.voice_prompt, "preview_text": voice.preview_text, **times}
