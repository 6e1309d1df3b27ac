"""The route table: method, path, handler, and whether a caller must be signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sandbox.tts.api import (
    account,
    billing,
    clone,
    design,
    generate,
    generations,
    stream,
    stripe_webhook,
    tasks,
    transcription,
    voices,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from sandbox.tts.api.context import Call

    Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Route:
    """One row of the table. *lanes*: where the route exists; empty means everywhere."""

    method: str
    path: str
    handler: Handler
    signed_in: bool = True
    lanes: tuple[str, ...] = ()


ROUTES = (
    Route("GET", "/health", account.health, signed_in=False),
    Route("GET", "/languages", account.languages, signed_in=False),
    Route("GET", "/me", account.me, signed_in=False),
    Route("PATCH", "/profile", account.update_profile),
    Route("GET", "/credits/usage", account.usage),
    Route("POST", "/billing/checkout", billing.checkout),
    Route("POST", "/webhooks/stripe", stripe_webhook.receive, signed_in=False),
    Route("POST", "/clone/upload-url", clone.upload_url),
    Route("POST", "/clone/finalize", clone.finalize),
    Route("GET", "/voices", voices.list_voices),
    Route("GET", "/voices/:id/preview", voices.preview),
    Route("DELETE", "/voices/:id", voices.delete),
    Route("POST", "/voices/design/preview", design.preview),
    Route("POST", "/voices/design", design.save),
    Route("POST", "/generate", generate.generate),
    Route("POST", "/generate/stream", stream.stream, lanes=("realtime",)),
    Route("GET", "/tasks/:id", tasks.read),
    Route("POST", "/tasks/:id/cancel", tasks.cancel),
    Route("DELETE", "/tasks/:id", tasks.delete),
    Route("GET", "/generations", generations.list_generations),
    Route("GET", "/generations/:id/audio", generations.audio),
    Route("DELETE", "/generations/:id", generations.delete),
    Route("POST", "/generations/:id/regenerate", generations.regenerate),
    Route("POST", "/transcriptions", transcription.transcribe),
)


def match(method: str, path: str, lane: str) -> tuple[Route, dict[str, str]] | None:
    """The route of *method* and *path* (percent-encoded, below `/api`) with its path parameters."""
    parts = path.split("/")
    for route in ROUTES:
        if route.method != method or (route.lanes and lane not in route.lanes):
            continue
        parameters = _parameters(route.path.split("/"), parts)
        if parameters is not None:
            return route, parameters
    return None


def _parameters(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    found: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith(":"):
            if not part:
                return None
            found[wanted[1:]] = unquote(part, errors="replace")
        elif wanted != part:
            return None
    return found
