"""Payment events: signed as the payment service signs them, or not; paid, unpaid, delivered twice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.account import Account, account
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.playground import playground
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

PACK = 150_000
"""Credits of the pack that the events speak of."""
_PRICE = "price_of_the_rollout_gate"
_TOLERANCE_S = 300
_AT_ONCE = 3


@dataclass(frozen=True)
class Till:
    """What events are signed with, and the price that stands for the pack."""

    secret: str
    price: str


@dataclass(frozen=True)
class Delivery:
    """One event, delivered once or more, for a user of its own; their account before and after."""

    title: str
    replies: tuple[Reply, ...]
    before: Account
    after: Account

    @property
    def first(self) -> Reply:
        """The answer to the first delivery."""
        return self.replies[0]

    @property
    def granted(self) -> int:
        """Credits that came of it."""
        return self.after.balance - self.before.balance

    @property
    def grants(self) -> int:
        """How many ledger rows were written meanwhile."""
        return len(self.after.ledger) - len(self.before.ledger)


@dataclass(frozen=True)
class Payments:
    """Deliveries by their titles."""

    deliveries: Mapping[str, Delivery]

    def __getitem__(self, title: str) -> Delivery:
        return self.deliveries[title]


@flow("payments")
async def payments(context: Context) -> Payments:
    """Deliver events of all kinds. Raises `NotConfigured` where they cannot be signed."""
    async with _at_the_till(context) as (stage, till):
        tries = (_unsigned, _forged, _tampered, _stale, _unpaid, _paid)
        if stage.session.settings.sign_up:
            found = await asyncio.gather(*(deliver(stage, till) for deliver in tries))
        else:
            found = [await deliver(stage, till) for deliver in tries]
    return Payments({delivery.title: delivery for delivery in found})


@contextlib.asynccontextmanager
async def _at_the_till(context: Context) -> AsyncIterator[tuple[Scene, Till]]:
    """Yield where to deliver to: an instance of our own, else the deployment, if its secret is configured."""
    if context.sandbox_url is not None:
        till = Till(f"whsec_{secrets.token_hex(16)}", _PRICE)
        context.wire.recorder.redactor.register(till.secret, "webhook_secret")
        variables = {"STRIPE_WEBHOOK_SECRET": till.secret, "STRIPE_PRICE_PACK_150K": till.price}
        async with playground(context, variables=variables) as ground:
            yield Scene(ground.context, ground), till
        return
    secret, price = context.settings.secret("stripe_webhook_secret"), context.settings.stripe_price
    if secret is None or price is None:
        raise NotConfigured("this clause signs payment events: set stripe_price and secrets.stripe_webhook_secret")
    yield Scene(context), Till(secret.reveal(), price)


async def _unsigned(stage: Scene, till: Till) -> Delivery:
    return await _delivered(stage, "unsigned", lambda user: [(_event(user, till), None)])


async def _forged(stage: Scene, till: Till) -> Delivery:
    def sent(user: Identity) -> Sent:
        event = _event(user, till)
        return [(event, signature(f"whsec_{secrets.token_hex(16)}", event))]

    return await _delivered(stage, "signed with another secret", sent)


async def _tampered(stage: Scene, till: Till) -> Delivery:
    def sent(user: Identity) -> Sent:
        return [(_event(user, till), signature(till.secret, _event(user, till)))]

    return await _delivered(stage, "signed for another event", sent)


async def _stale(stage: Scene, till: Till) -> Delivery:
    def sent(user: Identity) -> Sent:
        event = _event(user, till)
        return [(event, signature(till.secret, event, age_s=2 * _TOLERANCE_S))]

    return await _delivered(stage, "stale", sent)


async def _unpaid(stage: Scene, till: Till) -> Delivery:
    def sent(user: Identity) -> Sent:
        event = _event(user, till, paid="unpaid")
        return [(event, signature(till.secret, event))]

    return await _delivered(stage, "unpaid", sent)


async def _paid(stage: Scene, till: Till) -> Delivery:
    """The same event once, then several times at once: a payment service repeats what it is not sure of."""

    def sent(user: Identity) -> Sent:
        event = _event(user, till)
        return [(event, signature(till.secret, event))] * (1 + _AT_ONCE)

    return await _delivered(stage, "paid", sent)


Sent = list[tuple[bytes, str | None]]


async def _delivered(stage: Scene, title: str, sent: Any) -> Delivery:
    user = await stage.user(f"payer_{title.replace(' ', '_')}")
    before = await account(user)
    first, *more = sent(user)
    replies = [await _deliver(stage, *first)]
    replies += await asyncio.gather(*(_deliver(stage, *each) for each in more))
    return Delivery(title, tuple(replies), before, await account(user))


async def _deliver(stage: Scene, event: bytes, signed: str | None) -> Reply:
    headers = {"content-type": "application/json", "stripe-signature": signed}
    return await stage.session.anon.raw("POST", "/webhooks/stripe", content=event, headers=headers)


def _event(user: Identity, till: Till, *, paid: str = "paid") -> bytes:
    """Return the raw body of a new event: *user* has checked out, and has paid or not."""
    session = {
        "id": f"cs_test_{secrets.token_hex(12)}",
        "object": "checkout.session",
        "mode": "payment",
        "payment_status": paid,
        "metadata": {"user_id": user.user_id, "pack_id": "pack_150k"},
        "line_items": {"object": "list", "data": [{"object": "item", "price": {"id": till.price}, "quantity": 1}]},
    }
    event = {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "type": "checkout.session.completed",
        "data": {"object": session},
    }
    return json.dumps(event).encode()


def signature(secret: str, event: bytes, *, age_s: int = 0) -> str:
    """Return the header that signs *event*, *age_s* seconds ago."""
    moment = int(time.time()) - age_s
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + event, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
