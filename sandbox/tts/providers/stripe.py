"""A small Stripe: checkout sessions and their prices, and the signature under a webhook event.

POST /v1/checkout/sessions                   form: line_items[0][price], success_url, metadata[user_id], ...
GET  /v1/checkout/sessions/:id
GET  /v1/checkout/sessions/:id/line_items
GET  /v1/prices/:id
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sandbox.tts.providers.standin import Answer, StandIn

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import Heard

SESSIONS = "/v1/checkout/sessions"
PRICES = {"price_pack_150k": 1000, "price_pack_500k": 2500}


class StripeStandIn(StandIn):
    name = "stripe"
    calls = ("session_create", "session_get", "line_items", "price_get")

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.secret_key = f"sk_test_{secrets.token_hex(12)}"
        self.webhook_secret = f"whsec_{secrets.token_hex(16)}"
        self.sessions: dict[str, dict[str, str]] = {}

    def variables(self) -> dict[str, str]:
        return {
            "STRIPE_SECRET_KEY": self.secret_key,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "STRIPE_PRICE_PACK_150K": "price_pack_150k",
            "STRIPE_PRICE_PACK_500K": "price_pack_500k",
        }

    def signature(self, payload: bytes, *, age_s: int = 0) -> str:
        """The `stripe-signature` header of a webhook call with *payload*, signed *age_s* seconds ago."""
        moment = int(self.clock.time()) - age_s
        digest = hmac.new(self.webhook_secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()
        return f"t={moment},v1={digest}"

    def recognise(self, heard: Heard) -> str | None:
        path = heard.path
        if heard.method == "POST":
            return "session_create" if path == SESSIONS else None
        if path.startswith("/v1/prices/"):
            return "price_get"
        if path.startswith(f"{SESSIONS}/"):
            return "line_items" if path.endswith("/line_items") else "session_get"
        return None

    async def answer(self, heard: Heard) -> Answer:
        call = heard.call
        if not self._authorised(heard.headers.get("Authorization", "")):
            return _error(401, "Invalid API Key provided: sk_test_***")
        if call == "session_create":
            return self._create(dict(parse_qsl(heard.body.decode("utf-8", "replace"))))
        if call == "price_get":
            return _price(heard.path.rsplit("/", 1)[1])
        session_id = heard.path.removeprefix(f"{SESSIONS}/").removesuffix("/line_items")
        fields = self.sessions.get(session_id)
        if fields is None:
            return _error(404, f"No such checkout.session: '{session_id}'")
        if call == "session_get":
            return Answer(200, self._session(session_id, fields))
        price = fields["line_items[0][price]"]
        item = {"object": "item", "quantity": 1, "price": {"id": price, "object": "price"}}
        return Answer(200, {"object": "list", "data": [item], "has_more": False})

    def _authorised(self, header: str) -> bool:
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() == "basic":
            credentials = base64.b64decode(credentials).decode("utf-8", "replace").partition(":")[0]
        return secrets.compare_digest(credentials.encode(), self.secret_key.encode())

    def _create(self, fields: dict[str, str]) -> Answer:
        price = fields.get("line_items[0][price]", "")
        if price not in PRICES:
            return _error(400, f"No such price: '{price}'")
        session_id = f"cs_test_{secrets.token_hex(12)}"
        self.sessions[session_id] = fields
        return Answer(200, self._session(session_id, fields))

    def _session(self, session_id: str, fields: dict[str, str]) -> dict[str, Any]:
        metadata = {key[9:-1]: value for key, value in fields.items() if key.startswith("metadata[")}
        return {
            "id": session_id,
            "object": "checkout.session",
            "mode": fields.get("mode", "payment"),
            "payment_status": "unpaid",
            "metadata": metadata,
            "success_url": fields.get("success_url"),
            "cancel_url": fields.get("cancel_url"),
            "url": f"{self.url}/pay/{session_id}",
        }


def _price(price_id: str) -> Answer:
    if price_id not in PRICES:
        return _error(404, f"No such price: '{price_id}'")
    return Answer(200, {"id": price_id, "object": "price", "currency": "usd", "unit_amount": PRICES[price_id]})


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"type": "invalid_request_error", "message": message}})


def event_payload(event_id: str, session: dict[str, Any], *, kind: str = "checkout.session.completed") -> bytes:
    """The raw body of a webhook event about *session*."""
    return json.dumps({"id": event_id, "object": "event", "type": kind, "data": {"object": session}}).encode()
