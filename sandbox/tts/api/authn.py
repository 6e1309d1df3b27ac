"""Who is calling: the auth service decides, on every call anew."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.text import is_uuid

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Call


def bearer(request: web.Request) -> str:
    """The bearer token, empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def verified_user(call: Call) -> str | None:
    """The user whom the token belongs to, None when there is none or the auth service rejects it. Asked once a call."""
    if not call.looked_up:
        call.looked_up = True
        call.verified = await _ask(call)
    return call.verified


async def trusted_user(call: Call) -> str | None:
    """The user whom a route takes the caller for. F-73: whomever the token claims to be, once none was verified."""
    user_id = await verified_user(call)
    return unverified_subject(call.request) if user_id is None and call.api.fault("F-73") else user_id


async def require_user(call: Call, *, cost_route: bool) -> str:
    """The user of the call. Raises 401."""
    user_id = await trusted_user(call)
    if user_id is not None:
        return user_id
    without = not call.request.headers.get("Authorization", "").strip()
    open_stream = call.is_stream and call.api.fault("F-60")
    if (cost_route and without and call.api.fault("F-72")) or open_stream:
        default = await _default_account(call)
        if default is not None:
            return default
    raise ApiError(401, "Missing authorization header" if without else "Invalid or expired token")


def unverified_subject(request: web.Request) -> str | None:
    """The `sub` that a token claims, if it looks like a user id. Its signature is not looked at (F-80)."""
    parts = bearer(request).split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        subject = claims["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return subject if is_uuid(subject) else None


async def _ask(call: Call) -> str | None:
    token = bearer(call.request)
    if not token:
        return None
    try:
        user = await call.api.instance.auth.user_for(token)
    except Exception:  # noqa: BLE001 - an outage of the auth service reads like a rejected token
        return None
    return None if user is None else str(user["id"])


async def _default_account(call: Call) -> str | None:
    """F-72 and F-60: the account that work without a token is booked on, the oldest one."""
    row = await call.api.store.row("select id from public.profiles order by created_at, id limit 1")
    return None if row is None else row["id"]
