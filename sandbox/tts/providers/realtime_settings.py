"""The session object of the realtime protocol: its defaults, what an update may ask for, its echo (sheet, 6.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.tts.providers.encoders import FORMATS

MODES = ("server_commit", "commit")
SAMPLE_RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
LANGUAGES = (
    "auto",
    "chinese",
    "english",
    "german",
    "italian",
    "portuguese",
    "spanish",
    "japanese",
    "korean",
    "french",
    "russian",
)
MAX_INSTRUCTION_CHARS = 6400  # 1600 tokens
RATES = (0.5, 2.0)


class Invalid(ValueError):
    """A value that a session cannot have. *param*: `session.volume`."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(f"Session update error: {message}")
        self.param = f"session.{param}"


@dataclass(frozen=True)
class Settings:
    """Effective settings of a session."""

    voice: str = "Cherry"
    mode: str = "server_commit"
    language_type: str = "auto"
    response_format: str = "pcm"
    sample_rate: int = 24_000
    speech_rate: float = 1.0
    pitch_rate: float = 1.0
    volume: int = 50
    bit_rate: int = 128

    def updated(self, given: dict[str, Any]) -> Settings:
        """These with what *given* asks for; unknown keys are left alone. Raises Invalid."""
        checked: dict[str, Any] = {key: _CHECKS[key](key, value) for key, value in given.items() if key in _CHECKS}
        return replace(self, **{key: value for key, value in checked.items() if key in self.__dataclass_fields__})

    def shown(self) -> dict[str, Any]:
        """What `session.created` and `session.updated` say of them."""
        keys = ("mode", "voice", "response_format", "sample_rate")
        return {key: getattr(self, key) for key in keys}


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid(key, f"'{key}' must be a non-empty string.")
    return value


def _mode(key: str, value: Any) -> str:
    return _one_of(key, value, MODES)


def _language(key: str, value: Any) -> str:
    return _one_of(key, value.lower() if isinstance(value, str) else value, LANGUAGES)


def _format(key: str, value: Any) -> str:
    return _one_of(key, value, FORMATS)


def _sample_rate(key: str, value: Any) -> int:
    if isinstance(value, bool) or value not in SAMPLE_RATES_HZ:
        raise Invalid(key, f"'{key}' must be one of {', '.join(map(str, SAMPLE_RATES_HZ))}.")
    return int(value)


def _rate(key: str, value: Any) -> float:
    return float(_between(key, value, *RATES))


def _volume(key: str, value: Any) -> int:
    return int(_between(key, value, 0, 100, whole=True))


def _bit_rate(key: str, value: Any) -> int:
    return int(_between(key, value, 6, 510, whole=True))


def _instructions(key: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_INSTRUCTION_CHARS:
        raise Invalid(key, f"'{key}' must be a string of at most 1600 tokens.")
    return value


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(key, f"'{key}' must be true or false.")
    return value


def _one_of(key: str, value: Any, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise Invalid(key, f"'{key}' must be one of {', '.join(choices)}.")
    return value


def _between(key: str, value: Any, lowest: float, highest: float, *, whole: bool = False) -> float:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not lowest <= value <= highest:
        raise Invalid(key, f"'{key}' must be between {lowest} and {highest}.")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "voice": _text,
    "mode": _mode,
    "language_type": _language,
    "response_format": _format,
    "sample_rate": _sample_rate,
    "speech_rate": _rate,
    "pitch_rate": _rate,
    "volume": _volume,
    "bit_rate": _bit_rate,
    "instructions": _instructions,
    "optimize_instructions": _flag,
    "enable_tn": _flag,
}
