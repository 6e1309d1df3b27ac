"""What a person may set of the TTS stand-in: `--setting tts.KEY=VALUE`.

Keys are those of the environment file (`provider_mode`, `lane`, `text_cap`, `vc_model`, `rate_limits.tier1_user`, ...),
every variable of section 1.4 of the contract by its own name (`CORS_ALLOWED_ORIGIN`), the habits of the provider
stand-ins (`providers.dashscope.synthesis_s`), and files for log lines and alerts (`log_file`, `alert_file`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.faults import did_you_mean
from sandbox.tts.settings import BUILDS, LANES, MODAL_TEXT_CAP, MODES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Keys of an environment file and the variable of the deployment that each one is.
VARIABLES = {
    "text_cap": "QWEN_MAX_TEXT_CHARS",
    "vc_model": "QWEN_VC_TARGET_MODEL",
    "vd_model": "QWEN_VD_TARGET_MODEL",
    "expected_origins": "CORS_ALLOWED_ORIGIN",
    "rate_limits.window_s": "RATE_LIMIT_WINDOW_SECONDS",
    "rate_limits.tier1_user": "RATE_LIMIT_TIER1_USER_LIMIT",
    "rate_limits.tier2_user": "RATE_LIMIT_TIER2_USER_LIMIT",
    "rate_limits.tier1_ip": "RATE_LIMIT_TIER1_IP_LIMIT",
    "rate_limits.tier2_ip": "RATE_LIMIT_TIER2_IP_LIMIT",
    "rate_limits.tier3_ip": "RATE_LIMIT_TIER3_IP_LIMIT",
    "rate_limits.tier1_window_s": "RATE_LIMIT_TIER1_WINDOW_SECONDS",
    "rate_limits.tier2_window_s": "RATE_LIMIT_TIER2_WINDOW_SECONDS",
    "rate_limits.tier3_window_s": "RATE_LIMIT_TIER3_WINDOW_SECONDS",
}
NUMBERS = frozenset(key for key in VARIABLES if key == "text_cap" or key.startswith("rate_limits."))
NAMED_VARIABLES = frozenset(VARIABLES.values()) | {
    "TTS_PROVIDER_MODE",
    "TTS_PROVIDER",
    "DASHSCOPE_API_KEY",
    "DASHSCOPE_BASE_URL",
    "DASHSCOPE_REGION",
    "QWEN_DEFAULT_RESPONSE_FORMAT",
    "QWEN_STREAM_ENABLED",
    "MODAL_JOB_SUBMIT",
    "MODAL_JOB_STATUS",
    "MODAL_JOB_RESULT",
    "MODAL_JOB_CANCEL",
    "MODAL_ENDPOINT_VOICE_DESIGN",
    "CORS_ALLOWED_ORIGIN",
    "MISTRAL_API_KEY",
    "MISTRAL_SERVER_URL",
    "MISTRAL_TRANSCRIBE_MODEL",
    "TRANSCRIPTION_ENABLED",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_PRICE_PACK_150K",
    "STRIPE_PRICE_PACK_500K",
    "PROVIDER_AUDIO_HOST_ALLOWLIST",
    "PROVIDER_TIMEOUT_SECONDS",
}
HABITS = {
    "modal": ("submit_s", "job_s", "design_s", "design_redirect", "design_interim"),
    "dashscope": (
        "clone_s",
        "design_s",
        "synthesis_s",
        "per_character_s",
        "realtime_first_s",
        "realtime_delta_s",
        "realtime_chunk_ms",
        "realtime_live_like",
    ),
    "audio_host": ("lifetime_s",),
    "mistral": ("transcribe_s",),
}
HABIT_KEYS = {f"providers.{provider}.{key}": (provider, key) for provider, keys in HABITS.items() for key in keys}
# Where lines are appended to, and what the environment file calls the one that reads them.
FILES = {"log_file": "logs", "alert_file": "alerts"}
CHOICES = {
    "provider_mode": MODES,
    "lane": LANES,
    "sign_up": ("true", "false"),
    "modal_text_cap": (str(MODAL_TEXT_CAP),),
    "build": BUILDS,
    "migrated": ("true", "false"),
}


class SettingError(ValueError):
    """A setting that does not exist, or a value that cannot be. The message is one line, for a person."""


@dataclass(frozen=True)
class Options:
    """What was asked for, beside defaults.

    *habits*: (provider, option) and its value; *files*: where lines go; *migrated*: on the schema of the new build.
    """

    modes: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    sign_up: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)
    habits: Mapping[tuple[str, str], float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    build: str = "new"
    migrated: bool = True


def parse(settings: Mapping[str, str], *, modes: tuple[str, ...] = (), lanes: tuple[str, ...] = ()) -> Options:
    """Read *settings* (keys without `tts.`). *modes* and *lanes*, when given, outrank them. Raises SettingError."""
    for key, value in settings.items():
        _check(key, value)
    build = settings.get("build", "new")
    return Options(
        build=build,
        migrated=settings.get("migrated", "false" if build == "old" else "true") == "true",
        modes=_chosen("provider_mode", modes, settings.get("provider_mode", "qwen")),
        lanes=_chosen("lane", lanes, settings.get("lane", "task")),
        sign_up=settings.get("sign_up", "true") == "true",
        variables={VARIABLES.get(key, key): value for key, value in settings.items() if _is_variable(key)},
        habits={HABIT_KEYS[key]: float(value) for key, value in settings.items() if key in HABIT_KEYS},
        files={key: Path(value) for key, value in settings.items() if key in FILES},
    )


def _is_variable(key: str) -> bool:
    return key in VARIABLES or key in NAMED_VARIABLES


def _check(key: str, value: str) -> None:
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise SettingError(f"tts.{key}={value}: expected {' or '.join(CHOICES[key])}")
    elif key in HABIT_KEYS:
        if not _number(value, at_least=0):
            raise SettingError(f"tts.{key}={value}: expected a number, zero or more")
    elif key in NUMBERS:
        if not _number(value, at_least=1):
            raise SettingError(f"tts.{key}={value}: expected a number, one or more")
    elif key in FILES:
        if not Path(value).parent.is_dir():
            raise SettingError(f"tts.{key}={value}: there is no such folder")
    elif not _is_variable(key):
        known = [f"tts.{one}" for one in (*FILES, *CHOICES, *VARIABLES, *HABIT_KEYS, *NAMED_VARIABLES)]
        name = f"tts.{key}"
        raise SettingError(f"no such setting: {name}{did_you_mean(name, known)}")


def _chosen(key: str, wanted: tuple[str, ...], default: str) -> tuple[str, ...]:
    for word in wanted:
        if word not in CHOICES[key]:
            kind = "mode" if key == "provider_mode" else key
            raise SettingError(f"no such {kind}: {word}{did_you_mean(word, CHOICES[key])}")
    return tuple(dict.fromkeys(wanted)) or (default,)


def _number(value: str, *, at_least: float) -> bool:
    try:
        return at_least <= float(value) < 1e9
    except ValueError:
        return False
