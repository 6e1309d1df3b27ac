"""The rate limiter: which tier a request falls into, who is counted, and what the shared counter says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.tts.api.authn import unverified_subject, verified_user
from sandbox.tts.api.errors import ApiError, StoreFailed

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Call

TIER_1_PATHS = frozenset(
    {
        "/api/generate",
        "/api/clone/upload-url",
        "/api/clone/finalize",
        "/api/voices/design/preview",
        "/api/voices/design",
        "/api/billing/checkout",
        "/api/transcriptions",
    }
)
STREAM_PATH = "/api/generate/stream"
FORWARDED = ("cf-connecting-ip", "x-real-ip", "x-client-ip")


@dataclass(frozen=True)
class Decision:
    """*word* of the log line: allow, deny, error_allow or error_deny. *refusal* is the answer of a denied call."""

    word: str
    refusal: ApiError | None = None


def tier_of(method: str, path: str, lane: str = "task") -> int | None:
    """Tier of a request, None where nothing is counted. *method* as sent: a HEAD counts in tier 3 everywhere."""
    if path in {"/api", "/api/health"} or method == "OPTIONS":
        return None
    if method == "POST" and (path in TIER_1_PATHS or (path == STREAM_PATH and lane == "realtime")):
        return 1
    parts = path.split("/")[2:]
    if parts[0] == "tasks" and all(parts):
        if len(parts) == 2 and method in {"GET", "DELETE"}:
            return 2
        if len(parts) == 3 and parts[2] == "cancel" and method == "POST":
            return 2
    return 3


def tier(call: Call) -> int | None:
    """Tier of *call*. F-60: a stream counts like any other path."""
    if call.is_stream and call.api.fault("F-60"):
        return 3
    return tier_of(call.request.method, call.path, routed_lane(call))


def routed_lane(call: Call) -> str:
    """The lane whose routes answer *call*. F-61: the stream route is there in either. The old build has one."""
    if call.is_stream and call.api.fault("F-61"):
        return "realtime"
    return "task" if call.api.deployment.is_old else call.api.deployment.lane


async def decide(call: Call, number: int) -> Decision:
    """Count the call and say whether it may go on."""
    limit = call.api.deployment.tier(number)
    user = None if limit.user is None else await _counted_user(call)
    try:
        row = await call.api.store.call(
            "rate_limit_check_and_increment",
            p_actor_type="ip" if user is None else "user",
            p_actor_key=ip_hash(call) if user is None else user,
            p_tier=f"tier{number}",
            p_limit=limit.ip if user is None or limit.user is None else limit.user,
            p_window_seconds=limit.window_s,
            p_now=call.api.clock.now(),
        )
        allowed, retry_after_s = _read(row)
    except (StoreFailed, ValueError):
        return _without_counter(call, number)
    if user is not None and call.api.fault("F-79"):
        allowed = _shared(call, number, limit.window_s, allowed=allowed)
    if allowed or call.api.fault("F-78"):
        return Decision("allow")
    refusal = ApiError(429, "Rate limit exceeded. Please retry later.", retry_after_seconds=max(1, retry_after_s))
    return Decision("deny", refusal)


def ip_hash(call: Call) -> str:
    """SHA-256 of the caller's address, in hex."""
    address = _claimed_address(call.request) if call.api.fault("F-80") else call.request.remote
    return hashlib.sha256((address or "unknown").encode("utf-8", "replace")).hexdigest()


def logged_user(call: Call) -> str | None:
    """Whom the log line names."""
    return unverified_subject(call.request) if call.api.fault("F-80") else call.verified


async def _counted_user(call: Call) -> str | None:
    if call.api.fault("F-80"):
        return unverified_subject(call.request)
    return await verified_user(call)


def _claimed_address(request: web.Request) -> str | None:
    """F-80: what the caller says its address is."""
    first = request.headers.get("x-forwarded-for", "").partition(",")[0].strip()
    return first or next((value.strip() for name in FORWARDED if (value := request.headers.get(name))), None)


def _read(row: dict[str, Any]) -> tuple[bool, int]:
    allowed, retry_after_s = row.get("allowed"), row.get("retry_after_seconds")
    if not isinstance(allowed, bool) or not isinstance(retry_after_s, int):
        raise ValueError("malformed answer of the limiter")  # noqa: TRY004 - the caller treats it like an outage
    return allowed, retry_after_s


def _shared(call: Call, tier: int, window_s: int, *, allowed: bool) -> bool:
    """F-79: whoever passes the limit fills the bucket of all users. Says whether this call may go on."""
    full, window = call.api.full_buckets, int(call.api.clock.time() // window_s)
    if not allowed:
        full[tier] = window
    return full.get(tier) != window


def _without_counter(call: Call, tier: int) -> Decision:
    """Tier 1 costs money and is closed when nobody counts; the others stay open. F-79: tier 1 as well."""
    if tier > 1 or call.api.fault("F-79"):
        return Decision("error_allow")
    return Decision("error_deny", ApiError(503, "Rate limiter unavailable. Retry shortly."))
