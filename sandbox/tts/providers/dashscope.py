"""The DashScope stand-in: voice customization and synthesis over REST (protocol sheet, sections 1 to 5).

The realtime WebSocket has a module of its own, `dashscope_realtime`, and is served from the same port.

    POST /api/v1/services/audio/tts/customization                 clone_create clone_list clone_delete
                                                                  design_create design_list design_query design_delete
    POST /api/v1/services/aigc/multimodal-generation/generation   synthesis

What is emitted is the wire form, not the SDK's view of it: no `code`, no `message`, no `status_code` on success, and a
flat `{request_id, code, message}` on failure. The key is checked before anything else is looked at.

Options, all in seconds: `clone_s`, `design_s`, `synthesis_s`, `per_character_s`.
"""

from __future__ import annotations

import json
import secrets
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sandbox.tts.providers import dashscope_realtime, realtime_mishaps
from sandbox.tts.providers.audio import speech_wav
from sandbox.tts.providers.dashscope_rules import (
    MAX_TEXT_CHARS,
    Refused,
    billed_characters,
    family_of,
    is_realtime,
    required_text,
    table,
)
from sandbox.tts.providers.dashscope_violations import violated
from sandbox.tts.providers.dashscope_voices import Voices
from sandbox.tts.providers.standin import Answer, StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sandbox.clock import Clock
    from sandbox.tts.providers.audio_host import AudioHost
    from sandbox.tts.providers.standin import Heard

CUSTOMIZATION = "/api/v1/services/audio/tts/customization"
SYNTHESIS = "/api/v1/services/aigc/multimodal-generation/generation"
KINDS = {"qwen-voice-enrollment": "clone", "qwen-voice-design": "design"}


class DashScopeStandIn(StandIn):
    name = "dashscope"
    calls = (
        "clone_create",
        "clone_list",
        "clone_delete",
        "design_create",
        "design_list",
        "design_query",
        "design_delete",
        "customization",
        "synthesis",
        *dashscope_realtime.CALLS,
    )
    latencies = MappingProxyType({"clone_create": "clone_s", "design_create": "design_s"})

    def __init__(self, clock: Clock, audio_host: AudioHost, fault: Callable[[str], bool]) -> None:
        super().__init__(clock)
        # Whether a violation of the protocol (`P-01`) is switched on.
        self.fault = fault
        self.options = {"clone_s": 0.15, "design_s": 0.4, "synthesis_s": 0.35, "per_character_s": 0.001}
        self.options |= dashscope_realtime.OPTIONS
        self.api_key = f"sk-{secrets.token_hex(16)}"
        self.voices = Voices(clock)
        self._audio_host = audio_host

    def variables(self) -> dict[str, str]:
        """The variables that point a deployment here. The key is this stand-in's own."""
        return {
            "DASHSCOPE_API_KEY": self.api_key,
            "DASHSCOPE_BASE_URL": self.url,
            "DASHSCOPE_REGION": "intl",
            "PROVIDER_AUDIO_HOST_ALLOWLIST": self._audio_host.host,
        }

    @property
    def realtime_url(self) -> str:
        """Where sessions begin, without the query."""
        return f"{self.url.replace('http', 'ws', 1)}{dashscope_realtime.PATH}"

    def script(self, call: str, **how: Any) -> None:
        """As for any call; the body for `realtime_session` is a mishap, or several. Raises ValueError for another."""
        if call == "realtime_session":
            realtime_mishaps.read(how.get("body"))
        super().script(call, **how)

    async def close(self) -> None:
        await super().close()
        await self.voices.close()

    def recognise(self, heard: Heard) -> str | None:
        if heard.method != "POST":
            return None
        if heard.path == SYNTHESIS:
            return "synthesis"
        if heard.path != CUSTOMIZATION:
            return None
        wanted = heard.json
        kind = KINDS.get(str(wanted.get("model")))
        call = f"{kind}_{table(wanted, 'input').get('action')}"
        return call if call in self.calls else "customization"

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == dashscope_realtime.PATH and request.method == "GET":
            return await dashscope_realtime.serve(self, request)
        return await super()._handle(request)

    def latency(self, heard: Heard) -> float:
        if heard.call != "synthesis":
            return super().latency(heard)
        text = table(heard.json, "input").get("text")
        characters = len(text) if isinstance(text, str) else 0
        return float(self.options["synthesis_s"] + characters * self.options["per_character_s"])

    async def answer(self, heard: Heard) -> Answer:
        request_id = str(uuid.uuid4())
        try:
            self.check_key(heard.bearer)
            wanted = _wanted(heard.body)
            if heard.call == "synthesis":
                answer = self._synthesis(wanted, request_id)
            else:
                if heard.call in {"clone_create", "design_create"}:
                    self.check_offered(required_text(table(wanted, "input"), "target_model"))
                answer = await self.voices.perform(heard.call, wanted)
        except Refused as refused:
            flat = {"request_id": request_id, "code": refused.code, "message": refused.message}
            return violated(heard.call, Answer(refused.status, flat), self.fault)
        return violated(heard.call, Answer(200, {**answer, "request_id": request_id}), self.fault)

    def check_key(self, key: str) -> None:
        """Raise Refused unless *key* is this stand-in's. P-41: not even that one is taken."""
        if self.fault("P-41") or not secrets.compare_digest(key.encode(), self.api_key.encode()):
            raise Refused(401, "InvalidApiKey", "Invalid API-key provided.")

    def check_offered(self, model: str) -> None:
        """Raise Refused unless *model* is offered. P-43: the models of designed voices went off line."""
        family = family_of(model)
        if family is None or (family == "vd" and self.fault("P-43")):
            raise Refused(404, "ModelNotFound", f"Model can not be found: {model}")

    def _synthesis(self, wanted: dict[str, Any], request_id: str) -> dict[str, Any]:
        model = required_text(wanted, "model")
        given = table(wanted, "input")
        text = required_text(given, "text")
        if len(text) > MAX_TEXT_CHARS:
            raise Refused(400, "InvalidParameter", f"Range of input length should be [0, {MAX_TEXT_CHARS}]")
        self.check_offered(model)
        if is_realtime(model):
            raise Refused(400, "InvalidParameter", "Invalid message type: ")
        voice = required_text(given, "voice")
        if not self.fault("P-36"):
            self.voices.check_pairing(voice, model)
        url, expires_at = self._audio_host.publish(speech_wav(text))
        audio = {"data": "", "expires_at": expires_at, "id": f"audio_{request_id}", "url": url}
        usage = {"characters": billed_characters(text)}
        return {"output": {"audio": audio, "finish_reason": "stop"}, "usage": usage}


class OtherRegion(DashScopeStandIn):
    """The provider's other region: the same calls, and keys of its own. P-42: it takes the keys of anybody."""

    name = "dashscope_elsewhere"

    def __init__(self, clock: Clock, audio_host: AudioHost, fault: Callable[[str], bool]) -> None:
        super().__init__(clock, audio_host, lambda name: name == "P-42" and fault("P-42"))

    def check_key(self, key: str) -> None:
        if not (key and self.fault("P-42")):
            super().check_key(key)


def _wanted(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(400, "InvalidParameter", "The request body is not valid JSON.")
    return value
