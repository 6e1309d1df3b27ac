"""What a generate request must have, checked in the order of the contract's table (section 2.15, steps 1 to 8).

F-53 books a text that is too long before it refuses it.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.tts.api import booking, objects
from sandbox.tts.api.errors import ApiError, not_found
from sandbox.tts.api.forms import read_json
from sandbox.tts.api.provider_errors import missing_variable
from sandbox.tts.api.text import is_uuid, rounded, trimmed, units

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.store import Row

CHARACTERS_A_MINUTE = 375


@dataclass
class Order:
    """A generate request that passed its checks so far. *reference*: [M] the audio that is sent along, Base64."""

    user_id: str
    voice: Row
    text: str
    language: str
    mode: str
    reference: str = ""
    streamed: bool = False
    # What the voice is spoken by, where that is not its own model (F-39).
    model: str | None = None
    surcharge: int = 0
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    generation_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def length(self) -> int:
        """UTF-16 code units."""
        return units(self.text)

    @property
    def price(self) -> int:
        """What the text costs. F-62: more than it is long."""
        return max(1, self.length) + self.surcharge

    @property
    def minutes(self) -> float:
        """The estimate that callers are told."""
        return max(0.1, rounded(self.length / CHARACTERS_A_MINUTE))

    @property
    def target_model(self) -> str | None:
        """[Q] the model that this voice was made for."""
        return self.model or self.voice["provider_target_model"] if self.mode == "qwen" else None


async def read_order(call: Call, *, cap: int | None = None) -> Order:
    """The request, checked; *cap* instead of the mode's own, where it is given. Raises ApiError."""
    deployment = call.api.deployment
    # F-41: the body is judged first.
    body = await read_json(call.request) if call.api.fault("F-41") else None
    if deployment.mode_error is not None:
        raise ApiError(500, deployment.mode_error)
    mode = str(deployment.mode)
    if body is None:
        body = await read_json(call.request)
    voice_id = trimmed(body.get("voice_id"))
    if voice_id is None:
        raise ApiError(400, "Please select a voice")
    if not is_uuid(voice_id):
        raise ApiError(400, "Invalid voice_id")
    text = trimmed(body.get("text"))
    if text is None:
        raise ApiError(400, "Please enter text to speak")
    language = trimmed(body.get("language")) or "Auto"
    cap = cap or deployment.text_cap
    if _too_long(call.api, body["text"], text, cap):
        if call.api.fault("F-53"):
            await booking.book_refused(call, text, voice_id, language)
        raise ApiError(400, f"Text cannot exceed {cap} characters")
    return await _ordered(call, await _voice(call, voice_id, mode), text, language)


async def _ordered(call: Call, voice: Row, text: str, language: str) -> Order:
    """The order, once its voice has passed the last checks."""
    api, deployment = call.api, call.api.deployment
    order = Order(call.user_id, voice, text, language, str(deployment.mode))
    order.surcharge = 1 if api.fault("F-62") else 0
    if deployment.mode == "modal":
        order.reference = await _reference(api, voice)
        return order
    # F-04: whatever voice it is, the provider will know.
    if not api.fault("F-04"):
        _check_qwen_voice(api, voice)
    if api.fault("F-39"):
        order.model = deployment.vc_model
    return order


def _too_long(api: Api, given: str, text: str, cap: int) -> bool:
    """Whether *text*, trimmed from *given*, is over *cap*. F-51: one too many. F-53: white space counts."""
    length = units(given) if api.fault("F-53") else units(text)
    return length > cap + (1 if api.fault("F-51") else 0)


async def _voice(call: Call, voice_id: str, mode: str) -> Row:
    """The caller's voice, of the active provider. Raises 404 and 409. F-76: anybody's. F-42: deleted ones too."""
    voice = await call.api.store.row(
        "select id, user_id, name, reference_object_key, reference_transcript, tts_provider, provider_voice_id,"
        " provider_target_model, provider_voice_kind from public.voices"
        " where id = %s and (user_id = %s or %s) and (deleted_at is null or %s)",
        (voice_id, call.user_id, call.api.fault("F-76"), call.api.fault("F-42")),
        failing="Failed to load voice.",
    )
    if voice is None:
        raise not_found("Voice not found")
    owner = voice["tts_provider"]
    if owner != mode and not call.api.fault("F-04"):
        text = f"Voice belongs to provider '{owner}'. Switch provider mode or create a {mode} voice."
        raise ApiError(409, text)
    return voice


async def _reference(api: Api, voice: Row) -> str:
    """[M] the voice's reference audio in Base64. Raises 400 and 500."""
    if not voice["reference_transcript"]:
        raise ApiError(400, "This voice has no reference transcript. Re-clone with a transcript to use Qwen3-TTS.")
    key = voice["reference_object_key"]
    failing = "Failed to load reference audio metadata."
    info = await objects.stat(api, objects.REFERENCES, key, failing=failing) if key else None
    if info is None:
        raise ApiError(400, "Voice has no reference audio.")
    if info.size > objects.MAX_REFERENCE_BYTES:
        raise ApiError(400, "Reference audio too large for generation. Re-clone with a shorter clip.")
    stored = await objects.load(api, objects.REFERENCES, key, failing=failing)
    if stored is None:
        raise ApiError(400, "Voice has no reference audio.")
    return base64.b64encode(stored.data).decode()


def _check_qwen_voice(api: Api, voice: Row) -> None:
    """[Q] the voice can be spoken by this deployment. Raises 409, and 500 for an incomplete configuration."""
    model, kind = voice["provider_target_model"], voice["provider_voice_kind"]
    if not voice["provider_voice_id"] or not model:
        raise ApiError(409, "Voice is missing qwen provider metadata. Re-clone or redesign this voice.")
    deployment = api.deployment
    if deployment.dashscope_api_key is None:
        raise ApiError(500, missing_variable(api, "DASHSCOPE_API_KEY"))
    models = {"vc": deployment.vc_model, "vd": deployment.vd_model}
    if model not in models.values():
        raise ApiError(409, "Voice target model is not supported by current qwen rollout configuration.")
    if kind is not None and models[kind] != model:
        raise ApiError(409, f"Voice/provider model mismatch ({kind}).")
