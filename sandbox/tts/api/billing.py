"""Buying credits: a checkout session at Stripe. Granting them is the webhook's business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.dashscope_client import timeout
from sandbox.tts.api.errors import ApiError
from sandbox.tts.api.forms import read_json
from sandbox.tts.api.text import trimmed

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call

PACKS = {"pack_150k": 150_000, "pack_500k": 500_000}
UPSTREAM_FAILED = "Payment provider request failed. Please try again."


@dataclass(frozen=True)
class StripeFailed(Exception):
    """Stripe said no, or nothing. *told* is its own text."""

    told: str


async def checkout(call: Call) -> web.Response:
    """The URL of a fresh checkout session for a pack of credits."""
    pack_id = trimmed((await read_json(call.request)).get("pack_id"))
    if pack_id is None:
        raise ApiError(400, "pack_id is required.")
    if pack_id not in PACKS:
        raise ApiError(400, "Invalid pack_id.")
    deployment = call.api.deployment
    if deployment.stripe_secret_key is None:
        raise ApiError(500, "Billing is not configured.")
    price = deployment.stripe_price(pack_id)
    if price is None:
        raise ApiError(500, "Billing pack pricing is not configured.")
    try:
        session = await ask_stripe(call.api, "/v1/checkout/sessions", _session(call, pack_id, price))
    except StripeFailed as failure:
        # F-81: with Stripe's own text.
        raise ApiError(502, failure.told if call.api.fault("F-81") else UPSTREAM_FAILED) from failure
    url = session.get("url")
    if not isinstance(url, str) or not url:
        raise ApiError(502, "Stripe checkout URL missing from response.")
    return json_answer({"url": url})


def _session(call: Call, pack_id: str, price: str) -> dict[str, str]:
    origin = call.request.headers.get("Origin", call.api.deployment.base_url)
    return {
        "mode": "payment",
        "success_url": f"{origin}/account/billing?checkout=success",
        "cancel_url": f"{origin}/account/billing?checkout=cancel",
        "line_items[0][price]": price,
        "line_items[0][quantity]": "1",
        "client_reference_id": call.user_id,
        "metadata[user_id]": call.user_id,
        "metadata[pack_id]": pack_id,
    }


async def ask_stripe(api: Api, path: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """A POST with *form*, a GET without. Raises StripeFailed."""
    deployment = api.deployment
    try:
        async with api.http.request(
            "GET" if form is None else "POST",
            deployment.stripe_api_url + path,
            data=form,
            headers={"Authorization": f"Bearer {deployment.stripe_secret_key}"},
            timeout=timeout(api),
        ) as reply:
            status, body = reply.status, await reply.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise StripeFailed(str(error)) from error
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    answer = answer if isinstance(answer, dict) else {}
    if not 200 <= status < 300:
        error_object = answer.get("error")
        told = error_object.get("message") if isinstance(error_object, dict) else None
        raise StripeFailed(str(told or f"Stripe request failed ({status})"))
    return answer
