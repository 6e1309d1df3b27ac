"""What the API tells browsers: asked from each origin that is listed, and from some that are not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.settings import ANY_ORIGIN
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

STRANGER = "https://stranger.rollout-gate.invalid"
LOCAL = ("http://localhost:3000", "http://localhost:5173", "http://127.0.0.1:3000", "http://127.0.0.1:54321")
"""Where developers serve their pages."""
_COSTLY, _OPEN, _CLOSED, _UNKNOWN = "/generate", "/languages", "/voices", "/no-such-route"
_WISH: dict[str, str | None] = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, apikey, content-type",
}


@dataclass(frozen=True)
class FromOrigin:
    """An answer to a page of *origin*, ``None`` for a caller that is no page; *preflight* where it only asked."""

    origin: str | None
    preflight: bool
    reply: Reply


@dataclass(frozen=True)
class Origins:
    """All that was asked, and the origins that are *expected* to be allowed, in order."""

    expected: tuple[str, ...]
    answers: tuple[FromOrigin, ...]


@flow("origins")
async def origins(context: Context) -> Origins:
    """Ask from everywhere. Raises `NotConfigured` where nobody said which origins are allowed."""
    expected: tuple[str, ...] | None = context.settings.expected_origins
    if expected is None:
        raise NotConfigured("name the browser origins that the deployment allows as expected_origins")
    session: Session = context.session
    places = (*expected, *strangers(expected)) if ANY_ORIGIN not in expected else strangers(())
    preflights = [_asked(session, "OPTIONS", _COSTLY, place) for place in places]
    answers = [_asked(session, "GET", _OPEN, place) for place in places]
    errors = [
        _asked(session, "GET", path, place) for path in (_CLOSED, _UNKNOWN) for place in (places[0], STRANGER, None)
    ]
    return Origins(expected, tuple(await asyncio.gather(*preflights, *answers, *errors)))


async def _asked(session: Session, method: str, path: str, place: str | None) -> FromOrigin:
    preflight = method == "OPTIONS"
    # A preflight carries no credentials at all.
    headers = {**(_WISH | {"apikey": None} if preflight else {}), **({} if place is None else {"origin": place})}
    reply = await session.anon.raw(method, path, headers=headers, retry="idempotent")
    return FromOrigin(place, preflight, reply)


def strangers(expected: tuple[str, ...]) -> tuple[str | None, ...]:
    """Return origins that are not listed: somebody else, nobody, ``null``, this machine, and look-alikes."""
    found = dict.fromkeys((STRANGER, None, "null", *LOCAL, *(_alike(expected[0]) if expected else ())))
    return tuple(place for place in found if place not in expected)


def _alike(origin: str) -> Iterator[str]:
    """Yield what a careless comparison takes for *origin*."""
    parts = urlsplit(origin)
    host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    yield f"{parts.scheme}://{host}.rollout-gate.invalid{port}"
    yield f"{parts.scheme}://evil-{host}{port}"
    yield f"{parts.scheme}://{host.replace('.', 'x', 1)}{port}"
    yield f"{parts.scheme}://sub.{host}{port}"
    yield f"{'http' if parts.scheme == 'https' else 'https'}://{host}{port}"
    yield f"{parts.scheme}://{host}:{(parts.port or 8442) + 1}"
