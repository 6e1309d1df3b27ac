"""Rules of the DashScope REST calls that need no state: models, fields, reference audio (protocol sheet, 3 and 4)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from sandbox.tts.providers.audio import NotWav, sniff, wav_facts

MAX_TEXT_CHARS = 600
MAX_PROMPT_CHARS = 2048
MAX_PREVIEW_CHARS = 1024
MAX_AUDIO_BYTES = 10 * 2**20
MIN_RATE_HZ = 24_000
MIN_SPEECH_S = 3.0
MAX_AUDIO_S = 60.0
LANGUAGES = frozenset({"zh", "en", "de", "it", "pt", "es", "ja", "ko", "fr", "ru"})
PREFERRED_NAME = re.compile(r"[A-Za-z0-9_]{1,16}")
FAMILIES = (
    ("vc", re.compile(r"qwen3-tts-vc(-realtime)?-\d{4}-\d\d-\d\d")),
    ("vd", re.compile(r"qwen3-tts-vd(-realtime)?-\d{4}-\d\d-\d\d")),
    ("flash", re.compile(r"qwen3-tts-(instruct-)?flash(-realtime)?(-\d{4}-\d\d-\d\d)?")),
)
SYSTEM_VOICES = frozenset({"Cherry", "Ethan", "Serena", "Chelsie"})


class Refused(Exception):
    """A call that the provider answers with its flat error body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def family_of(model: str) -> str | None:
    """`vc`, `vd` or `flash`; None for a model that the provider does not offer."""
    return next((family for family, pattern in FAMILIES if pattern.fullmatch(model)), None)


def is_realtime(model: str) -> bool:
    """Whether *model* is served over the WebSocket only."""
    return "-realtime" in model


def billed_characters(text: str) -> int:
    """What a text costs: a Han character counts two, anything else one (protocol sheet, section 9)."""
    return sum(2 if "一" <= character <= "鿿" or "㐀" <= character <= "䶿" else 1 for character in text)


def table(wanted: dict[str, Any], key: str) -> dict[str, Any]:
    """The object under *key*; empty when it is absent or something else."""
    value = wanted.get(key)
    return value if isinstance(value, dict) else {}


def required_text(given: dict[str, Any], key: str, *, at_most: int | None = None) -> str:
    """The string under *key*. Raises Refused (InvalidParameter) when it is absent, blank, or too long."""
    value = given.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Refused(400, "InvalidParameter", f"Required parameter '{key}' is missing or invalid.")
    if at_most is not None and len(value) > at_most:
        raise Refused(400, "InvalidParameter", f"Parameter '{key}' must be at most {at_most} characters.")
    return value


def check_name(given: dict[str, Any], *, required: bool) -> str | None:
    """`preferred_name`, checked against its pattern."""
    if given.get("preferred_name") is None and not required:
        return None
    name = required_text(given, "preferred_name")
    if not PREFERRED_NAME.fullmatch(name):
        raise Refused(400, "InvalidParameter", "Parameter 'preferred_name' must match ^[A-Za-z0-9_]{1,16}$.")
    return name


def check_language(given: dict[str, Any]) -> str | None:
    """`language` as given, or None. Raises Refused for a code that is not on the list."""
    language = given.get("language")
    if language is not None and language not in LANGUAGES:
        raise Refused(400, "InvalidParameter", "Parameter 'language' is not supported.")
    return language


def check_target(given: dict[str, Any], family: str) -> str:
    """`target_model`, which must be of *family*."""
    target = required_text(given, "target_model")
    found = family_of(target)
    if found is None:
        raise Refused(404, "ModelNotFound", f"Model can not be found: {target}")
    if found != family:
        raise Refused(400, "InvalidParameter", f"target_model {target} does not take this kind of voice.")
    return target


def page(given: dict[str, Any], *, highest_index: int, lowest_size: int) -> tuple[int, int]:
    """`page_index` (default 0) and `page_size` (default 10)."""
    index, size = given.get("page_index", 0), given.get("page_size", 10)
    if not _whole(index) or not _whole(size) or not 0 <= index <= highest_index:
        raise Refused(400, "InvalidParameter", "page_index or page_size is out of range.")
    if not lowest_size <= size <= 1_000_000:
        raise Refused(400, "InvalidParameter", "page_index or page_size is out of range.")
    return index, size


def data_url_bytes(url: str) -> bytes:
    """The bytes inside a `data:` URL. Raises Refused (Audio.DecoderError)."""
    head, _, payload = url.partition(",")
    try:
        return base64.b64decode(payload, validate=True) if head.endswith(";base64") else unquote_to_bytes(payload)
    except binascii.Error as error:
        raise Refused(400, "Audio.DecoderError", "Failed to decode audio.") from error


def check_reference_audio(data: bytes) -> None:
    """Whether *data* may be cloned from: a known format, and for WAV rate, channels, length and sound."""
    if len(data) > MAX_AUDIO_BYTES:
        raise Refused(400, "InvalidParameter", "Audio file must be at most 10MB.")
    kind = sniff(data)
    if kind is None:
        raise Refused(400, "Audio.DecoderError", "Failed to decode audio.")
    if kind != "wav":
        return
    try:
        facts = wav_facts(data)
    except NotWav as error:
        raise Refused(400, "Audio.DecoderError", "Failed to decode audio.") from error
    if facts.channels != 1 or facts.sample_bytes != 2:
        raise Refused(400, "Audio.DecoderError", "Audio must be mono with 16-bit samples.")
    if facts.rate_hz < MIN_RATE_HZ:
        raise Refused(400, "Audio.AudioRateError", "Audio sample rate must be at least 24000 Hz.")
    if facts.seconds > MAX_AUDIO_S:
        raise Refused(400, "Audio.DurationLimitError", "Audio must be at most 60 seconds long.")
    if facts.seconds < MIN_SPEECH_S or facts.silent:
        raise Refused(400, "Audio.PreprocessError", "Audio must hold at least 3 seconds of continuous speech.")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
