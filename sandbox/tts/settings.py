"""What one deployment of the TTS system is configured with: the environment variables of section 1.4 of its contract.

A `Deployment` is frozen. Changing a variable makes a new one, which is what a redeploy is.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = ("modal", "qwen")
LANES = ("task", "realtime")
BUILDS = ("new", "old")
MODAL_TEXT_CAP = 10_000
TEXT_CAPS = {"task": 600, "realtime": 2000}
VC_MODELS = {"task": "qwen3-tts-vc-2026-01-22", "realtime": "qwen3-tts-vc-realtime-2026-01-15"}
VD_MODELS = {"task": "qwen3-tts-vd-2026-01-26", "realtime": "qwen3-tts-vd-realtime-2026-01-15"}
STREAM_FORMATS = ("mp3", "wav", "pcm")
USER_LIMITS = {1: 20, 2: 90, 3: None}
IP_LIMITS = {1: 120, 2: 180, 3: 300}
WINDOW_S = 300


@dataclass(frozen=True)
class TierLimit:
    """Calls a window. *user* is None where only addresses are counted (tier 3)."""

    user: int | None
    ip: int
    window_s: int


@dataclass(frozen=True, repr=False)
class Deployment:
    """One (mode, lane) as deployed: variables, lane, and the keys of the platform around it."""

    variables: Mapping[str, str]
    lane: str = "task"
    jwt_secret: str = ""
    stripe_api_url: str = "https://api.stripe.com"
    latency_s: Mapping[str, float] = field(default_factory=dict)
    mode_misread: bool = False
    build: str = "new"

    def __repr__(self) -> str:
        return f"Deployment(mode={self.mode_raw!r}, lane={self.lane!r}, {len(self.variables)} variables)"

    def with_variables(self, changes: Mapping[str, str | None]) -> Deployment:
        """The deployment after *changes*: None removes a variable."""
        merged = {**self.variables, **{key: value for key, value in changes.items() if value is not None}}
        gone = {key for key, value in changes.items() if value is None}
        return replace(self, variables={key: value for key, value in merged.items() if key not in gone})

    # Provider mode

    @property
    def mode_raw(self) -> str | None:
        """`TTS_PROVIDER_MODE` as it stands, None when unset."""
        return self.variables.get("TTS_PROVIDER_MODE")

    @property
    def is_old(self) -> bool:
        """Whether it is the build before the adapter, which knows one provider and reads no variable for it."""
        return self.build == "old"

    @property
    def mode(self) -> str | None:
        """What it runs: `modal`, `qwen`, or None where it should run something else. The old build runs modal."""
        return "modal" if self.is_old else self.wanted_mode

    @property
    def wanted_mode(self) -> str | None:
        """`modal`, `qwen`, or None when the variable holds something else. Unset means modal.

        *mode_misread* (a faulty build): what is mistyped means modal, and capitals and blanks are not understood.
        """
        given = self.mode_raw if self.mode_raw is not None else "modal"
        word = given.strip().lower()
        if self.mode_misread and word != given:
            return None
        return word if word in MODES else "modal" if self.mode_misread else None

    @property
    def mode_error(self) -> str | None:
        """The text that provider-dependent routes answer (500) while the mode is invalid, else None."""
        if self.mode is not None:
            return None
        return f"Invalid TTS_PROVIDER_MODE: {self.mode_raw}. Expected one of: {', '.join(MODES)}"

    @property
    def qwen_text_cap(self) -> int:
        """`QWEN_MAX_TEXT_CHARS`, floored; the lane's default when it is no positive number."""
        number = _number(self.variables.get("QWEN_MAX_TEXT_CHARS"))
        default = TEXT_CAPS[self.lane]
        return default if number is None or number < 1 else math.floor(number)

    @property
    def text_cap(self) -> int:
        """Longest text of the active mode, in UTF-16 code units."""
        return self.qwen_text_cap if self.mode == "qwen" else MODAL_TEXT_CAP

    @property
    def vc_model(self) -> str:
        """Target model of cloned voices."""
        return self._text("QWEN_VC_TARGET_MODEL") or VC_MODELS[self.lane]

    @property
    def vd_model(self) -> str:
        """Target model of designed voices."""
        return self._text("QWEN_VD_TARGET_MODEL") or VD_MODELS[self.lane]

    @property
    def streams(self) -> bool:
        """Whether speech can be streamed: mode qwen of lane realtime, unless `QWEN_STREAM_ENABLED` says false."""
        return self.lane == "realtime" and self.mode == "qwen" and self.stream_enabled

    @property
    def stream_enabled(self) -> bool:
        return (self._text("QWEN_STREAM_ENABLED") or "true").lower() != "false"

    @property
    def stream_format(self) -> str:
        """`QWEN_DEFAULT_RESPONSE_FORMAT`, what speech of lane realtime is made and stored as; mp3 for anything else."""
        wanted = (self._text("QWEN_DEFAULT_RESPONSE_FORMAT") or "mp3").lower()
        return wanted if wanted in STREAM_FORMATS else "mp3"

    @property
    def dashscope_base_url(self) -> str:
        """Host of the qwen provider, without one trailing slash."""
        return (self._text("DASHSCOPE_BASE_URL") or "https://dashscope-intl.aliyuncs.com").removesuffix("/")

    @property
    def dashscope_api_key(self) -> str | None:
        return self._text("DASHSCOPE_API_KEY")

    @property
    def dashscope_region(self) -> str:
        """`cn` or `intl`; anything but `cn` is `intl`."""
        return "cn" if (self._text("DASHSCOPE_REGION") or "").lower() == "cn" else "intl"

    @property
    def audio_host_allowlist(self) -> tuple[str, ...]:
        """Hosts (`host:port`) that audio may be fetched from over plain http, beside the provider's own."""
        return _comma_list(self.variables.get("PROVIDER_AUDIO_HOST_ALLOWLIST"))

    # Platform

    @property
    def base_url(self) -> str:
        """Where the platform is reached, without a trailing slash: `http://127.0.0.1:PORT`."""
        return self.variables["SUPABASE_URL"]

    @property
    def anon_key(self) -> str:
        return self.variables["SUPABASE_ANON_KEY"]

    @property
    def service_role_key(self) -> str:
        return self.variables["SUPABASE_SERVICE_ROLE_KEY"]

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """Allowed origins, in order; `("*",)` when unset."""
        return _comma_list(self.variables.get("CORS_ALLOWED_ORIGIN")) or ("*",)

    def tier(self, number: int) -> TierLimit:
        """Limits of tier 1, 2 or 3."""
        everywhere = self._limit("RATE_LIMIT_WINDOW_SECONDS", WINDOW_S)
        default_user = USER_LIMITS[number]
        return TierLimit(
            user=None if default_user is None else self._limit(f"RATE_LIMIT_TIER{number}_USER_LIMIT", default_user),
            ip=self._limit(f"RATE_LIMIT_TIER{number}_IP_LIMIT", IP_LIMITS[number]),
            window_s=self._limit(f"RATE_LIMIT_TIER{number}_WINDOW_SECONDS", everywhere),
        )

    # Transcription and billing

    @property
    def transcription_enabled(self) -> bool:
        """Needs the key and the flag; the flag is on unless it says something other than true."""
        flag = (self._text("TRANSCRIPTION_ENABLED") or "true").lower()
        return flag == "true" and self.mistral_api_key is not None

    @property
    def mistral_api_key(self) -> str | None:
        return self._text("MISTRAL_API_KEY")

    @property
    def mistral_model(self) -> str:
        return self._text("MISTRAL_TRANSCRIBE_MODEL") or "voxtral-mini-2602"

    @property
    def mistral_server_url(self) -> str:
        return (self._text("MISTRAL_SERVER_URL") or "https://api.mistral.ai").removesuffix("/")

    @property
    def stripe_secret_key(self) -> str | None:
        return self._text("STRIPE_SECRET_KEY")

    @property
    def stripe_webhook_secret(self) -> str | None:
        return self._text("STRIPE_WEBHOOK_SECRET")

    def stripe_price(self, pack_id: str) -> str | None:
        """Price id of `pack_150k` or `pack_500k`, None when it is not configured."""
        return self._text(f"STRIPE_PRICE_{pack_id.upper()}")

    def _text(self, name: str) -> str | None:
        return self.variables.get(name, "").strip() or None

    def _limit(self, name: str, default: int) -> int:
        number = _number(self.variables.get(name))
        return default if number is None or number < 1 else math.floor(number)


def platform_keys() -> dict[str, str]:
    """A fresh signing secret and the anon and service-role keys (HS256, ten years) that it signs."""
    secret = secrets.token_urlsafe(40)
    now = int(time.time())

    def key(role: str) -> str:
        claims = {"iss": "supabase", "ref": "sandbox", "role": role, "iat": now, "exp": now + 10 * 365 * 86400}
        return jwt.encode(claims, secret, algorithm="HS256")

    return {"jwt_secret": secret, "anon_key": key("anon"), "service_role_key": key("service_role")}


def _number(raw: str | None) -> float | None:
    try:
        number = float((raw or "").strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _comma_list(raw: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (raw or "").split(",") if part.strip())
