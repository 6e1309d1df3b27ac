"""The ``[tts]`` table of an environment file: where the system is, what it is meant to run, what it may be asked."""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rollout_gates.browser import has_browser
from rollout_gates.environment import Kind, Secret, Secrets, SystemSettings
from rollout_gates.errors import UsageProblem
from rollout_gates.migrations.files import read_migrations
from rollout_gates.systems.tts.names import TIER_1, TIER_2, TIER_3
from rollout_gates.systems.tts.provider.models import ProviderModels

MODES = ("modal", "qwen")
LANES = ("task", "realtime")
_UNUSABLE = re.compile(r"[\s\x00-\x1f\\<>\"^`{|}]")
_ADDRESSES = ("api_url", "auth_url", "data_url", "storage_url", "web_url", "web_bundle")
_PLACEHOLDER = "PROJECT"
ANY_ORIGIN = "*"
PROVIDER_HOSTS = {"intl": "dashscope-intl.aliyuncs.com", "cn": "dashscope.aliyuncs.com"}
"""Hosts of the two regions of the qwen provider (protocol sheet, section 1)."""
_PINNED = {
    "text_cap": "the longest text that the deployment is configured to take",
    "vc_model": "the target model of cloned voices that the deployment is pinned to",
    "vd_model": "the target model of designed voices that the deployment is pinned to",
}


def other_mode(mode: str) -> str:
    """Return the mode that is not *mode*."""
    return next(each for each in MODES if each != mode)


def is_loopback(host: str) -> bool:
    """Tell whether *host* (a name or an address, without port) is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_open_origin(origin: str) -> bool:
    """Tell whether *origin* is no origin of a product: a wildcard, or this machine."""
    return origin == ANY_ORIGIN or is_loopback(urlsplit(origin).hostname or "")


def _base_url(value: str) -> str:
    """Return *value* without trailing slashes. Raises ``ValueError`` for what cannot be a base URL."""
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http(s) URL such as https://PROJECT.supabase.co/functions/v1/api")
    if parts.username or parts.password or "?" in value or "#" in value or _UNUSABLE.search(value.strip()):
        raise ValueError("must be a plain URL, without user, query, fragment or blanks")
    if not _can_be_called(parts):
        raise ValueError("must have a host and a port that can be connected to")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https: plain http is allowed to this machine only")
    return value.strip().rstrip("/")


def _can_be_called(parts: SplitResult) -> bool:
    """Tell whether host and port are such, as far as that shows without calling them."""
    try:
        host = str(parts.hostname)
        return parts.port != 0 and (":" in host or bool(host.encode("idna")))
    except ValueError:  # a port beyond 65535, or a label of a name that is empty or too long
        return False


BaseUrl = Annotated[str, AfterValidator(_base_url)]


def _origin(value: str) -> str:
    """Return *value* as a browser writes an origin. Raises ``ValueError`` for what is none."""
    if value.strip() == ANY_ORIGIN:
        return ANY_ORIGIN
    parts = urlsplit(value.strip())
    plain = "@" not in value and value.strip().rstrip("/") == _root(parts)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ValueError("must be an origin such as https://app.example.com: scheme, host and port, no path, or *")
    if not _can_be_called(parts):
        raise ValueError("must be an origin with a host and a port that can be connected to")
    return _root(parts).lower()


def _root(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def _bundle(value: str) -> str:
    """Return *value*, an address or an existing directory. Raises ``ValueError``."""
    if "://" in value:
        return _base_url(value)
    if not Path(value).is_dir():
        raise ValueError(f"must be an http(s) URL or the directory of a build: there is no directory {value}")
    return value


def _tree(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"must be the directory of the repository under test: there is no directory {value}")
    return value


Origin = Annotated[str, AfterValidator(_origin)]
WebBundle = Annotated[str, AfterValidator(_bundle)]
SourceTree = Annotated[Path, AfterValidator(_tree)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RateLimits(_Table):
    """Calls a window, as the deployment is configured (section 4 of the contract).

    *tier1_ip* bounds callers of tier 1 who are counted by address, since nobody knows who they are.
    """

    tier1_user: int = Field(20, ge=1)
    tier2_user: int = Field(90, ge=1)
    tier3_ip: int = Field(300, ge=1)
    tier1_ip: int | None = Field(None, ge=1)
    window_s: int = Field(300, ge=1)


class Reference(_Table):
    """A speech clip to clone from, in place of the built-in one: WAV, mono, at least 24 kHz, 3 to 60 s."""

    audio_file: Path
    transcript: str = Field(min_length=1)
    language: str = "English"

    @model_validator(mode="after")
    def _file_is_there(self) -> Reference:
        if not self.audio_file.is_file():
            raise ValueError(f"there is no file {self.audio_file}")
        return self


class Feed(_Table):
    """Where lines are read that the deployment writes: a file, or a command that prints them."""

    file: Path | None = None
    command: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Feed:
        if (self.file is None) == (self.command is None):
            raise ValueError("needs exactly one of file and command")
        return self


class Alerts(Feed):
    """Where alerts are read, as JSON lines. *drill* is a command that makes ``{signal}`` fire where a run cannot."""

    drill: tuple[str, ...] | None = None
    within_s: float = Field(60, gt=0, le=600)


class Control(_Table):
    """How the deployment is flipped to another provider mode: a command, ``{mode}`` in it is replaced.

    It has *flip_timeout_s* to end, and languages *shown_within_s* from then on to name the mode.
    """

    flip: tuple[str, ...] = Field(min_length=1)
    flip_timeout_s: float = Field(600, gt=0, le=3600)
    shown_within_s: float = Field(300, gt=0, le=3600)

    @model_validator(mode="after")
    def _says_which_mode(self) -> Control:
        if not any("{mode}" in word for word in self.flip[1:]):
            raise ValueError("flip needs a word with {mode} in it: the command has to be told which mode to deploy")
        return self

    def problem(self) -> str | None:
        """Return why the command cannot be run."""
        program = self.flip[0]
        if shutil.which(program) is not None:
            return None
        return f"there is no program {program!r} that may be executed here; name one, or remove the table"


def _realtime_url(value: str) -> str:
    """Return *value* without trailing slashes: a base URL, whose scheme is that of a WebSocket."""
    scheme, separator, rest = value.strip().partition("://")
    if separator == "" or scheme not in ("ws", "wss"):
        raise ValueError("must be an absolute ws(s) URL such as wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime")
    try:
        return scheme + _base_url(f"{scheme.replace('ws', 'http', 1)}://{rest}").removeprefix("https").removeprefix(
            "http"
        )
    except ValueError as problem:
        told = str(problem).replace("https", "wss").replace("plain http ", "plain ws ")
        raise ValueError(told) from None


RealtimeUrl = Annotated[str, AfterValidator(_realtime_url)]


class Provider(_Table):
    """The provider behind mode `qwen`, where it is judged itself. What is not given follows from *region*.

    *models* are those that are judged; without them, what the deployment is pinned to.
    """

    region: Literal["intl", "cn"]
    rest_url: BaseUrl = ""
    realtime_url: RealtimeUrl = ""
    other_rest_url: BaseUrl = ""
    models: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_the_region(cls, table: Any) -> Any:
        """Fill in the addresses that the vendor documents for the region (protocol sheet, section 1)."""
        region = table.get("region") if isinstance(table, dict) else None
        if region not in PROVIDER_HOSTS:
            return table
        here, other = PROVIDER_HOSTS[region], PROVIDER_HOSTS["cn" if region == "intl" else "intl"]
        documented = {
            "rest_url": f"https://{here}/api/v1",
            "realtime_url": f"wss://{here}/api-ws/v1/realtime",
            "other_rest_url": f"https://{other}/api/v1",
        }
        return {**documented, **table}

    @model_validator(mode="after")
    def _two_regions(self) -> Provider:
        if self.rest_url == self.other_rest_url:
            raise ValueError("rest_url and other_rest_url are the same address; a key is judged in two regions")
        return self


class MigrationFiles(_Table):
    """Where the migrations of the deployment lie, and the last one that is deployed already.

    ``--migrations`` and ``--migration-base`` on the command line go before it.
    """

    folder: Path
    base: str | None = None

    @model_validator(mode="after")
    def _can_be_read(self) -> MigrationFiles:
        try:
            read_migrations(self.folder, self.base)
        except UsageProblem as problem:
            raise ValueError(str(problem).partition(": ")[2]) from None
        return self


class Slo(_Table):
    """Agreed targets. A target that is not given cannot be judged.

    *since* is the moment of the change that is judged: a window that begins before it tells nothing about it.
    """

    start_success: float | None = Field(None, gt=0, le=1)
    completion: float | None = Field(None, gt=0, le=1)
    cancel_success: float | None = Field(None, gt=0, le=1)
    median_s: float | None = Field(None, gt=0)
    p95_s: float | None = Field(None, gt=0)
    first_byte_s: float | None = Field(None, gt=0)
    min_samples: int = Field(30, ge=5, le=100_000)
    probe_every_s: float = Field(60, ge=1, le=86_400)
    since: AwareDatetime | None = None


class TtsSecrets(Secrets):
    """Names of the environment variables that hold the secrets."""

    anon_key: str | None = None
    user_a_token: str | None = None
    user_a_email: str | None = None
    user_a_password: str | None = None
    user_b_token: str | None = None
    user_b_email: str | None = None
    user_b_password: str | None = None
    expired_token: str | None = None
    service_role_key: str | None = None
    database_dsn: str | None = None
    dashscope_api_key: str | None = None
    stripe_webhook_secret: str | None = None


class Settings(SystemSettings):
    """One deployment of the TTS system, and what a run may use to judge it."""

    key: ClassVar[str] = "tts"
    of_the_run: ClassVar[frozenset[str]] = frozenset({"email_domain", "latency_budget_s", "reference", "slo"})

    api_url: BaseUrl
    auth_url: BaseUrl
    data_url: BaseUrl
    storage_url: BaseUrl
    web_url: BaseUrl | None = None
    web_bundle: WebBundle | None = None
    source_tree: SourceTree | None = None
    expected_origins: tuple[Origin, ...] | None = Field(None, max_length=20)
    provider_mode: Literal["modal", "qwen"]
    lane: Literal["task", "realtime"]
    text_cap: int | None = Field(None, ge=1)
    modal_text_cap: int = Field(10_000, ge=1)
    vc_model: str | None = None
    vd_model: str | None = None
    rate_limits: RateLimits = RateLimits()
    rate_windows: int = Field(1, ge=1, le=12)
    sign_up: bool = False
    email_domain: str = Field("example.com", pattern=r"^[a-z0-9.-]+\.[a-z]{2,}$")
    latency_budget_s: float = Field(120, gt=0, le=3600)
    reference: Reference | None = None
    logs: Feed | None = None
    alerts: Alerts | None = None
    records: Mapping[str, Path] | None = None
    secret_names: Feed | None = None
    control: Control | None = None
    provider: Provider | None = None
    slo: Slo | None = None
    migrations: MigrationFiles | None = None
    stripe_price: str | None = None
    build: Literal["new", "old"] = "new"
    migrated: bool | None = None
    secrets: TtsSecrets = TtsSecrets()

    @property
    def cap(self) -> int:
        """Longest text that the configured mode takes, in UTF-16 code units."""
        return self.text_cap if self.is_qwen and self.text_cap is not None else self.modal_text_cap

    @property
    def is_qwen(self) -> bool:
        """Whether the deployment is meant to run on provider `qwen`."""
        return self.provider_mode == "qwen"

    @property
    def provider_models(self) -> ProviderModels:
        """The models of the qwen provider that are judged: those of the table, else the pins."""
        named = self.provider.models if self.provider is not None else ()
        return ProviderModels(named or tuple(pin for pin in (self.vc_model, self.vd_model) if pin is not None))

    def server_secrets(self) -> frozenset[str]:
        """Return the names of secrets that only a server may know: provider, service role, database, payment."""
        return frozenset({"service_role_key", "database_dsn", "dashscope_api_key", "stripe_webhook_secret"})

    def with_secrets(self, held: Mapping[str, Secret]) -> Settings:
        """Return the same settings with exactly the secrets in *held*, by their keys."""
        settings = self.model_copy()
        settings._resolved = dict(held)  # noqa: SLF001 - our own
        return settings

    def sandbox_capabilities(self) -> frozenset[str]:
        """What a playground of the sandbox gives to a check, whatever the environment file configures."""
        return frozenset(
            {
                *("alerts", "control", "database", "logs", "old_build", "payment_webhook", "secret_names"),
                *("service_role", "sign_up"),
            }
        )

    def rates(self) -> tuple[Mapping[str, int], float]:
        """Calls a window, by tier, and the seconds of a window."""
        limits = self.rate_limits
        return {TIER_1: limits.tier1_user, TIER_2: limits.tier2_user, TIER_3: limits.tier3_ip}, limits.window_s

    def target(self) -> str:
        """What is judged, for a person to read."""
        return self.api_url

    def facts(self) -> dict[str, str]:
        """What decides which clauses apply: mode and lane."""
        return {"mode": self.provider_mode, "lane": self.lane}

    def capabilities(self) -> frozenset[str]:
        """What this configuration lets a check use beyond the API."""
        held = self.held_secrets
        offered = {
            "users": self.sign_up or self._can_sign_in("user_a"),
            "second_user": self.sign_up or self._can_sign_in("user_b"),
            "sign_up": self.sign_up,
            "data_api": True,
            "storage": True,
            "database": "database_dsn" in held,
            "service_role": "service_role_key" in held,
            "provider_key": "dashscope_api_key" in held,
            "provider": self.provider is not None,
            "provider_realtime": self.provider_models.clone(realtime=True) is not None,
            "provider_http": self.provider_models.clone(realtime=False) is not None,
            "provider_design": self.provider_models.design is not None,
            "web": self.web_url is not None and has_browser(),
            "web_bundle": self.web_bundle is not None,
            "source_tree": self.source_tree is not None,
            "expected_origins": self.expected_origins is not None,
            "logs": self.logs is not None,
            "alerts": self.alerts is not None,
            "records": bool(self.records),
            "control": self.control is not None,
            "secret_names": self.secret_names is not None,
            "payment_webhook": "stripe_webhook_secret" in held and self.stripe_price is not None,
            "slo_targets": self.slo is not None,
        }
        return frozenset(name for name, there in offered.items() if there)

    def problems(self, kind: Kind) -> Iterable[tuple[str, str]]:
        """Yield what single keys cannot tell: models that qwen needs, what prod forbids, what was not filled in."""
        yield from self._placeholders()
        yield from self._origins(kind)
        if self.is_qwen:
            for key, what in _PINNED.items():
                if getattr(self, key) is None:
                    yield key, f"required key is missing with {self._asked_of_qwen()}: {what}"
        yield from self._forbidden(kind)
        if kind != "prod" and self.control is not None and (problem := self.control.problem()):
            yield "control.flip", problem
        yield from self._users()

    def _forbidden(self, kind: Kind) -> Iterable[tuple[str, str]]:
        """Yield what an environment of this *kind* may not have."""
        given = {
            "secrets.service_role_key": self.secrets.service_role_key,
            "control": self.control,
            "secrets.stripe_webhook_secret": self.secrets.stripe_webhook_secret,
        }
        for key, value in given.items() if kind == "prod" else ():
            if value is not None:
                what = "table" if key == "control" else "key"
                yield key, f"never allowed in an environment of kind 'prod'; remove the {what}"
        for key in sorted({"build", "migrated"} & self.model_fields_set) if kind != "local" else ():
            yield key, "is for the sandbox, in an environment of kind 'local'; remove the key"

    def _origins(self, kind: Kind) -> Iterable[tuple[str, str]]:
        """Yield what is wrong with the origins: production answers its own, and nobody's machine."""
        listed = self.expected_origins or ()
        if self.expected_origins == ():
            yield "expected_origins", "names no origin; name those that the deployment allows, or remove the key"
        elif ANY_ORIGIN in listed and len(listed) > 1:
            yield "expected_origins", f"{ANY_ORIGIN} stands for every origin; name it alone, or name the origins"
        elif len(set(listed)) < len(listed):
            yield "expected_origins", "names an origin twice; name each once"
        elif kind == "prod" and (unfit := [each for each in listed if is_open_origin(each)]):
            yield "expected_origins", f"{unfit[0]} is never allowed in prod; name the origins that it should answer"

    def _asked_of_qwen(self) -> str:
        """Say why keys of mode qwen are needed; a file that declares modal may not seem to ask for it."""
        return "provider_mode = 'qwen'" + (", which control.flip has the mode matrix judge too" if self.control else "")

    def _users(self) -> Iterable[tuple[str, str]]:
        for user in ("user_a", "user_b"):
            if (getattr(self.secrets, f"{user}_email") is None) != (getattr(self.secrets, f"{user}_password") is None):
                yield f"secrets.{user}_email", f"{user}_email and {user}_password are needed together"
        for what in ("token", "email"):
            mine, theirs = (self.secret(f"{user}_{what}") for user in ("user_a", "user_b"))
            if mine is not None and mine == theirs:
                yield f"secrets.user_b_{what}", f"is the {what} of user_a; isolation is judged between two users"

    def _placeholders(self) -> Iterable[tuple[str, str]]:
        for key in _ADDRESSES:
            if _PLACEHOLDER in (getattr(self, key) or ""):
                yield key, f"{_PLACEHOLDER} is a placeholder; put your project's own address there"

    def _can_sign_in(self, user: str) -> bool:
        held = self.held_secrets
        return f"{user}_token" in held or {f"{user}_email", f"{user}_password"} <= held.keys()
