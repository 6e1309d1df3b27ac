"""Request ids: sent with one of ours, sent without, on successes and on errors."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.errors import Ask

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Traced:
    """One call made twice: with *sent* as its request id, and without any."""

    title: str
    sent: str
    echoed: Reply
    fresh: Reply


@dataclass(frozen=True)
class RequestIds:
    """Successes (which show that the caller is let in) and errors."""

    successes: tuple[Traced, ...]
    errors: tuple[Traced, ...]


def successes() -> tuple[Ask, ...]:
    """Return calls that succeed."""
    return (
        Ask("health", "GET", "/health"),
        Ask("languages", "GET", "/languages"),
        Ask("me", "GET", "/me"),
        Ask("voices", "GET", "/voices"),
    )


def errors() -> tuple[Ask, ...]:
    """Return calls that fail, one a kind of failure."""
    return (
        Ask("401 without a header", "GET", "/voices", {"headers": {"authorization": None}}),
        Ask("400 for a body without a voice", "POST", "/generate", {"json": {}}),
        Ask("404 for an unknown task", "GET", f"/tasks/{uuid.uuid4()}"),
        Ask("404 for an unknown route", "GET", "/no-such-route"),
    )


@flow("request_ids")
async def request_ids(context: Context) -> RequestIds:
    """Make each call twice."""
    session: Session = context.session
    client = (await session.identities.get("errors")).client
    good, bad = await asyncio.gather(_traced(client, successes()), _traced(client, errors()))
    return RequestIds(good, bad)


async def _traced(client: Client, asks: tuple[Ask, ...]) -> tuple[Traced, ...]:
    return tuple(await asyncio.gather(*(_twice(client, ask) for ask in asks)))


async def _twice(client: Client, ask: Ask) -> Traced:
    sent = str(uuid.uuid4())
    options = dict(ask.options)
    headers = {**options.pop("headers", {}), "x-request-id": sent}
    echoed, fresh = await asyncio.gather(
        client.raw(ask.method, ask.path, headers=headers, **options),
        client.raw(ask.method, ask.path, request_id=False, **ask.options),
    )
    return Traced(ask.title, sent, echoed, fresh)
