"""Calls without a token and with a bad one, each beside the same call with a good one."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.systems.tts.client import Caller
from rollout_gates.systems.tts.samples import LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

NO_HEADER, BAD_TOKEN = "Missing authorization header", "Invalid or expired token"


@dataclass(frozen=True)
class Route:
    """A protected call that costs nothing, and the status that it has to have with a good token."""

    title: str
    method: str
    path: str
    options: Mapping[str, Any]
    allowed_status: int


@dataclass(frozen=True)
class Denial:
    """One route called three times: by nobody, with a bad token, and (the twin) with a good one."""

    route: Route
    without: Reply
    bad: Reply
    twin: Reply


@dataclass(frozen=True)
class Deny:
    """All denials of the spot check."""

    denials: tuple[Denial, ...]


def routes() -> tuple[Route, ...]:
    """Return the calls of the spot check. With a good token none of them makes anything or costs anything."""
    said = {"name": "rollout gate deny", "language": LANGUAGE, "transcript": "Nobody says this."}
    unknown = {"voice_id": str(uuid.uuid4()), "text": "Nobody says this.", "language": "Auto"}
    return (
        Route("a signed upload URL", "POST", "/clone/upload-url", {"json": said}, 200),
        Route("speech in an unknown voice", "POST", "/generate", {"json": unknown}, 404),
        Route("a clone of nothing", "POST", "/clone/finalize", {"json": {}}, 400),
        Route("a preview of nothing", "POST", "/voices/design/preview", {"json": {}}, 400),
        Route("the list of voices", "GET", "/voices", {}, 200),
    )


@flow("deny")
async def deny(context: Context) -> Deny:
    """Act the spot check out, all at once."""
    session: Session = context.session
    garbage = f"not-a-token-{secrets.token_hex(8)}"
    # It opens nothing, so a reader of the transcript may see it.
    context.wire.recorder.redactor.allow(garbage)
    twin = (await session.identities.get("prober")).client
    bad = session.anon.speaking_as(Caller("bad_token", Secret(garbage)))
    return Deny(tuple(await asyncio.gather(*(_denial(route, session.anon, bad, twin) for route in routes()))))


async def _denial(route: Route, anon: Client, bad: Client, twin: Client) -> Denial:
    without, rejected, allowed = await asyncio.gather(
        *(client.raw(route.method, route.path, **route.options) for client in (anon, bad, twin))
    )
    return Denial(route, without, rejected, allowed)
