"""Health, capabilities, the caller's profile, and what the credits went into."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.authn import trusted_user
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.forms import read_json
from sandbox.tts.api.text import decimal_number, is_url, trimmed, units
from sandbox.tts.settings import MODAL_TEXT_CAP

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.store import Row

LANGUAGES = [
    "Auto",
    "English",
    "Chinese",
    "Japanese",
    "Korean",
    "French",
    "German",
    "Spanish",
    "Italian",
    "Portuguese",
    "Russian",
    "Arabic",
    "Hindi",
    "Dutch",
    "Turkish",
]
PROFILE: LiteralString = (
    "id, handle, display_name, avatar_url, subscription_tier, credits_remaining, created_at, updated_at"
)
HANDLE = re.compile(r"[A-Za-z0-9_]{3,30}")
RATE_CARD = (
    {"action": "Generate speech", "cost": "1 credit per character", "note": "Charged on submit, returned on failure."},
    {"action": "Voice design preview", "cost": "5,000 credits", "note": "The first 2 previews are free."},
    {"action": "Voice clone", "cost": "1,000 credits", "note": "The first 2 clones are free."},
)
DEFAULT_WINDOW_DAYS = 30


async def health(_call: Call) -> web.Response:
    """`{"ok": true}`, whatever else is down."""
    return json_answer({"ok": True})


async def languages(call: Call) -> web.Response:
    """What this deployment can do."""
    call.api.misread_mode()
    deployment = call.api.deployment
    if deployment.mode_error is not None:
        raise ApiError(500, deployment.mode_error)
    provider = str(deployment.mode)
    answer = {
        "languages": LANGUAGES,
        "default": "Auto",
        # F-01: the name is a constant, and never the one that the deployment runs.
        "provider": _other(provider) if call.api.fault("F-01") else provider,
        "capabilities": _capabilities(call.api),
        "transcription": {
            "enabled": deployment.transcription_enabled,
            "provider": "mistral",
            "model": deployment.mistral_model,
        },
    }
    if deployment.is_old:
        # The open model that the job service runs is called so as well.
        answer["provider"] = "qwen"
        del answer["capabilities"]
    return json_answer(answer)


async def me(call: Call) -> web.Response:
    """The caller's profile, made when it is missing; signed out for anybody else."""
    user_id = await trusted_user(call)
    if user_id is None:
        return json_answer({"signed_in": False, "user": None, "profile": None})
    profile = await _profile(call, user_id, "Failed to load profile.")
    return json_answer({"signed_in": True, "user": {"id": user_id}, "profile": profile})


async def update_profile(call: Call) -> web.Response:
    """Handle, display name and picture. Everything else in the body is ignored."""
    changes = _profile_changes(await read_json(call.request))
    if not changes:
        raise ApiError(400, "No valid fields to update.")
    values = [changes.get("handle"), changes.get("display_name"), changes.get("avatar_url")]
    given = [name in changes for name in ("handle", "display_name", "avatar_url")]
    statement: LiteralString = (
        "update public.profiles set handle = case when %s then %s else handle end,"  # noqa: S608
        " display_name = case when %s then %s else display_name end,"
        " avatar_url = case when %s then %s else avatar_url end where id = %s returning " + PROFILE
    )
    pairs = [item for pair in zip(given, values, strict=True) for item in pair]
    try:
        profile = await call.api.store.row(statement, (*pairs, call.user_id))
    except StoreFailed as failure:
        if failure.unique:
            raise ApiError(400, "Handle is already taken.") from failure
        raise ApiError(500, "Failed to update profile.") from failure
    if profile is None:
        raise ApiError(500, "Failed to update profile.")
    return json_answer({"profile": profile})


async def usage(call: Call) -> web.Response:
    """Balance, trials, the totals of a window of days, and the newest 20 events."""
    api, user_id = call.api, call.user_id
    days = _window_days(call)
    profile = await _profile(call, user_id, "Failed to load profile credits.", with_trials=True)
    totals = await api.store.call(
        "credit_usage_window_totals",
        failing="Failed to load credit usage totals.",
        p_user_id=user_id,
        p_since=api.clock.now() - timedelta(days=days),
    )
    events = await api.store.rows(
        "select id, event_kind, operation, amount, signed_amount, balance_after, reference_type, reference_id,"
        " metadata, created_at from public.credit_ledger where user_id = %s order by created_at desc, id desc limit 20",
        (user_id,),
        failing="Failed to load credit events.",
    )
    return json_answer(
        {
            "credit_unit": "1 credit = 1 character",
            "window_days": days,
            "plan": {"tier": profile["subscription_tier"]},
            "balance": profile["credits_remaining"],
            "trials": {
                "design_remaining": profile["design_trials_remaining"],
                "clone_remaining": profile["clone_trials_remaining"],
            },
            "usage": {
                # F-62: one credit is never told of.
                "debited": totals["total_debited"] - (1 if api.fault("F-62") else 0),
                "credited": totals["total_credited"],
                "net": totals["net_signed"],
            },
            "rate_card": RATE_CARD,
            "events": events,
        }
    )


def _capabilities(api: Api) -> dict[str, Any]:
    """What the active mode and lane offer."""
    deployment = api.deployment
    streams = deployment.streams
    cap = deployment.text_cap
    if api.fault("F-02"):
        # What the other position of the switch advertised, a deployment of lane realtime among them.
        streams = not streams
        cap = MODAL_TEXT_CAP if deployment.mode == "qwen" else deployment.qwen_text_cap
    if api.fault("F-52"):
        cap = 2000 if deployment.text_cap != 2000 else 600
    return {
        "supports_generate": True,
        "supports_generate_stream": streams,
        "default_generate_mode": "stream" if streams else "task",
        "allow_generate_mode_toggle": False,
        "max_text_chars": cap,
    }


def _other(provider: str) -> str:
    return "modal" if provider == "qwen" else "qwen"


async def _profile(call: Call, user_id: str, failing: str, *, with_trials: bool = False) -> Row:
    """The caller's profile row; a missing one is made."""
    columns: LiteralString = PROFILE
    if with_trials:
        columns = "subscription_tier, credits_remaining, design_trials_remaining, clone_trials_remaining"
    select: LiteralString = "select " + columns + " from public.profiles where id = %s"  # noqa: S608
    profile = await call.api.store.row(select, (user_id,), failing=failing)
    if profile is not None:
        return profile
    made = "Failed to create profile." if not with_trials else failing
    await call.api.store.run(
        "insert into public.profiles (id) values (%s) on conflict (id) do nothing", (user_id,), failing=made
    )
    profile = await call.api.store.row(select, (user_id,), failing=failing)
    if profile is None:
        raise ApiError(500, made)
    return profile


def _profile_changes(body: dict[str, Any]) -> dict[str, str | None]:
    """The columns to set. A field that is neither string nor null does not count. Raises 400."""
    changes: dict[str, str | None] = {
        name: trimmed(body[name])
        for name in ("handle", "display_name", "avatar_url")
        if name in body and (body[name] is None or isinstance(body[name], str))
    }
    handle, name, url = (changes.get(key) for key in ("handle", "display_name", "avatar_url"))
    if handle is not None and HANDLE.fullmatch(handle) is None:
        raise ApiError(400, "Handle must be 3-30 chars and use only letters, numbers, and underscores.")
    if name is not None and units(name) > 100:
        raise ApiError(400, "Display name must be 1-100 characters.")
    if url is not None and not is_url(url):
        raise ApiError(400, "Avatar URL must be a valid URL or null.")
    return changes


def _window_days(call: Call) -> int:
    raw = call.query.get("window_days", "")
    if not raw.strip() and not call.api.fault("F-10"):
        return DEFAULT_WINDOW_DAYS
    number = decimal_number(raw)
    return DEFAULT_WINDOW_DAYS if number is None else math.floor(min(max(number, 1), 365))
