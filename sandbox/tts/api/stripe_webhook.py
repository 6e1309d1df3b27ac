"""Stripe's webhook: an event is stored first, then its pack of credits is granted once."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from sandbox.tts.api.answers import json_answer
from sandbox.tts.api.billing import PACKS, StripeFailed, ask_stripe
from sandbox.tts.api.errors import ApiError, StoreFailed
from sandbox.tts.api.text import is_uuid

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.api.context import Api, Call
    from sandbox.tts.api.store import Row

TOLERANCE_S = 300
COMPLETED = "checkout.session.completed"
NOT_PERSISTED = "Failed to persist billing event."
NOT_RESOLVED = "Failed to resolve Stripe price."


class NotGranted(Exception):
    """The event cannot be turned into credits; the message stands in the answer and in the row."""


async def receive(call: Call) -> web.Response:
    """Grant what was paid for. A failed event is tried again when it is delivered again.

    F-65: whatever is delivered, whoever signed it, however often, is granted.
    """
    api = call.api
    secret = api.deployment.stripe_webhook_secret
    if secret is None:
        raise ApiError(500, "Billing webhook is not configured.")
    header = call.request.headers.get("stripe-signature", "")
    sloppy = api.fault("F-65")
    if not header and not sloppy:
        raise ApiError(400, "Missing Stripe signature.")
    body = await call.request.read()
    if not signed(header, body, secret, api.clock.time()) and not sloppy:
        raise ApiError(400, "Invalid Stripe signature.")
    event = _event(body)
    row = await _persist(api, event)
    if row["status"] in {"processed", "ignored"} and not sloppy:
        return json_answer({"received": True, "duplicate": True})
    session = _session(event)
    unpaid = session.get("payment_status") == "unpaid"
    if event["type"] != COMPLETED or (unpaid and not sloppy):
        await _mark(api, row, "ignored")
        return json_answer({"received": True, "ignored": True})
    try:
        await _grant(api, row, event["id"], session)
    except NotGranted as error:
        await _mark(api, row, "failed", str(error))
        raise ApiError(500, str(error)) from error
    return json_answer({"received": True, "processed": True})


def signed(header: str, body: bytes, secret: str, now: float) -> bool:
    """Whether *header* (`t=...,v1=...`) signs *body* with *secret*, not more than five minutes ago."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    moment = next((value for name, _, value in parts if name == "t"), "")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 15 or abs(now - int(moment)) > TOLERANCE_S:
        return False
    expected = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name == "v1"]
    return any(hmac.compare_digest(expected.encode(), value.encode()) for value in given)


def _event(body: bytes) -> dict[str, Any]:
    """The event, with string id and type. A body of `null` is nobody's case and crashes."""
    try:
        event = json.loads(body)
    except ValueError as error:
        raise ApiError(400, "Invalid Stripe event payload.") from error
    if event is None:
        raise TypeError("the event is null")
    if not isinstance(event, dict) or not all(isinstance(event.get(key), str) and event[key] for key in ("id", "type")):
        raise ApiError(400, "Invalid Stripe event payload.")
    return event


def _session(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    session = data.get("object") if isinstance(data, dict) else None
    return session if isinstance(session, dict) else {}


def _user_id(session: dict[str, Any]) -> str | None:
    metadata = session.get("metadata")
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user_id if is_uuid(user_id) else None


async def _persist(api: Api, event: dict[str, Any]) -> Row:
    """The row of the event, made on its first delivery."""
    async with api.store.transaction(failing=NOT_PERSISTED) as transaction:
        await transaction.run(
            "insert into public.billing_events (provider, provider_event_id, event_type, user_id, status, payload)"
            " values ('stripe', %s, %s, %s, 'received', %s) on conflict (provider_event_id) do nothing",
            (event["id"], event["type"], _user_id(_session(event)), Jsonb(event)),
        )
        row = await transaction.row(
            "select id, status from public.billing_events where provider_event_id = %s", (event["id"],)
        )
    return row or {}


async def _mark(api: Api, row: Row, status: str, error_detail: str | None = None) -> None:
    await api.store.run(
        "update public.billing_events set status = %s, error_detail = %s, processed_at = %s where id = %s",
        (status, error_detail, api.clock.now(), row["id"]),
        failing="Failed to update billing event.",
    )


async def _grant(api: Api, row: Row, event_id: str, session: dict[str, Any]) -> None:
    """Credit the pack to the user, once an event. Raises NotGranted."""
    user_id = _user_id(session)
    if user_id is None:
        raise NotGranted("Missing user_id in checkout session metadata.")
    amount = await _credits(api, session)
    try:
        async with api.store.transaction() as transaction:
            granted = await transaction.call(
                "credit_apply_event",
                p_user_id=user_id,
                p_event_kind="grant",
                p_operation="paid_purchase",
                p_amount=amount,
                p_reference_type="billing",
                p_idempotency_key=f"stripe:event:{event_id}:grant" + _again(api),
                p_metadata={"stripe_event_id": event_id},
            )
            await transaction.run(
                "update public.billing_events set status = 'processed', credits_granted = %s, ledger_id = %s,"
                " error_detail = null, processed_at = %s where id = %s",
                (amount, granted["ledger_id"], api.clock.now(), row["id"]),
            )
    except StoreFailed as failure:
        raise NotGranted("Failed to grant credits.") from failure


def _again(api: Api) -> str:
    return f":{secrets.token_hex(4)}" if api.fault("F-65") else ""


async def _credits(api: Api, session: dict[str, Any]) -> int:
    """Credits of the pack that was bought. Raises NotGranted."""
    price = _price(session.get("line_items"))
    if price is None and isinstance(session.get("id"), str):
        try:
            price = _price(await ask_stripe(api, f"/v1/checkout/sessions/{session['id']}/line_items"))
        except StripeFailed as failure:
            # F-81: with Stripe's own text.
            raise NotGranted(failure.told if api.fault("F-81") else NOT_RESOLVED) from failure
    bought = next((pack for pack in PACKS if price is not None and api.deployment.stripe_price(pack) == price), None)
    if bought is None:
        raise NotGranted("Unknown Stripe price.")
    return PACKS[bought]


def _price(line_items: Any) -> str | None:
    """`data[0].price.id`, or `data[0].price` where it is not expanded."""
    items = line_items.get("data") if isinstance(line_items, dict) else None
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    price = item.get("price")
    found = price.get("id") if isinstance(price, dict) else price
    return found if isinstance(found, str) else None
