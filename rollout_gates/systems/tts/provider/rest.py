"""The provider's REST calls, one verb a call (protocol sheet, sections 4 and 5). It asserts nothing.

Nothing that is billed is ever sent twice, not even after a 429. Raises the kinds of `rollout_gates.wire.CouldNotJudge`
when no answer came; whatever was answered is a `Reply`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.environment import Secret
    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply, Wire

CLONES, DESIGNS = "qwen-voice-enrollment", "qwen-voice-design"
CUSTOMIZATION = "/services/audio/tts/customization"
SYNTHESIS = "/services/aigc/multimodal-generation/generation"
_MOST_ANSWER_BYTES = 16 * 2**20
_MOST_AUDIO_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ProviderClient:
    """Calls the provider at *url*, which ends in ``/api/v1``, with *key*; *actor* is the word for it in transcripts."""

    wire: Wire
    url: str
    key: Secret
    actor: str = "provider_key"

    # --- voices

    async def create_clone(self, *, target_model: str, name: str, audio: bytes, text: str, language: str) -> Reply:
        """Make a voice from *audio*, a WAV file of speech. Billed. *language* is a tag such as ``en``."""
        data = f"data:audio/wav;base64,{base64.b64encode(audio).decode()}"
        asked: dict[str, Any] = {"target_model": target_model, "preferred_name": name, "audio": {"data": data}}
        return await self._voice(CLONES, "create", billed=True, **asked, text=text, language=language)

    async def create_design(self, *, target_model: str, name: str, prompt: str, text: str, language: str) -> Reply:
        """Make a voice from a description, with a preview of *text*. Billed."""
        asked = {"target_model": target_model, "preferred_name": name, "voice_prompt": prompt, "preview_text": text}
        wanted = {"sample_rate": 24_000, "response_format": "wav"}
        return await self._voice(DESIGNS, "create", billed=True, parameters=wanted, **asked, language=language)

    async def list_voices(self, service: str, *, page_index: int = 0, page_size: int = 10) -> Reply:
        """List one page of the voices of *service* (`CLONES` or `DESIGNS`). Free."""
        return await self._voice(service, "list", page_index=page_index, page_size=page_size)

    async def query_design(self, voice: str) -> Reply:
        """Ask about a designed voice. Free."""
        return await self._voice(DESIGNS, "query", voice=voice)

    async def delete_voice(self, service: str, voice: str) -> Reply:
        """Delete a voice. Free; what it cost does not come back."""
        return await self._voice(service, "delete", voice=voice)

    # --- speech

    async def synthesize(self, *, model: str, voice: str, text: str, language_type: str = "Auto") -> Reply:
        """Have *text* spoken. Billed, unless it is refused."""
        body = {"model": model, "input": {"text": text, "voice": voice, "language_type": language_type}}
        return await self._post(SYNTHESIS, body, billed=True)

    async def download(self, url: str) -> Reply:
        """Fetch what a synthesis answered, without any credential, following nothing."""
        return await self.wire.send("GET", url, actor="anon", request_id=False, max_bytes=_MOST_AUDIO_BYTES)

    async def _voice(
        self, service: str, action: str, *, billed: bool = False, parameters: dict[str, Any] | None = None, **given: Any
    ) -> Reply:
        body: dict[str, Any] = {"model": service, "input": {"action": action, **given}}
        return await self._post(CUSTOMIZATION, body | ({"parameters": parameters} if parameters else {}), billed=billed)

    async def _post(self, path: str, body: dict[str, Any], *, billed: bool) -> Reply:
        return await self.wire.send(
            "POST",
            f"{self.url}{path}",
            headers={"authorization": f"Bearer {self.key.reveal()}"},
            json=body,
            actor=self.actor,
            on_429="return" if billed else "wait",
            max_bytes=_MOST_ANSWER_BYTES,
        )


def provider_client(wire: Wire, settings: Settings, *, elsewhere: bool = False) -> ProviderClient:
    """Return a client of the configured provider, or of its other region. Raises `NotConfigured`."""
    key = settings.secret("dashscope_api_key")
    if settings.provider is None or key is None:
        raise NotConfigured("judging the provider needs the table [tts.provider] and secrets.dashscope_api_key")
    url = settings.provider.other_rest_url if elsewhere else settings.provider.rest_url
    # The provider counts by itself, under limits that are not configured: a 429 says when to go on.
    return ProviderClient(wire.unpaced(), url, key, "provider_key")
