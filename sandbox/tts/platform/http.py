"""What the three services of the platform share over HTTP: API keys, callers, bodies and CORS."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.tts.platform.jwt import bearer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.tts.platform.jwt import Keys, Tokens

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS",
    "Access-Control-Expose-Headers": "Content-Range, Content-Location, Location, Preference-Applied",
    "Access-Control-Max-Age": "3600",
}


class Refused(Exception):
    """A refusal that is already worded: HTTP status and JSON body."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body.get("message") or body.get("msg")))
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> web.Response:
        """The refusal as an answer."""
        return answer(self.body, self.status, self.headers)


@dataclass(frozen=True)
class Caller:
    """Who is asking: the claims of the token, and the database role that they stand for."""

    claims: Mapping[str, Any]

    @property
    def role(self) -> str:
        """`anon`, `authenticated` or `service_role`."""
        return str(self.claims.get("role") or "anon")


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        text=json.dumps(body), status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def require_key(request: web.Request, keys: Keys) -> str:
    """The API key of a request, from header or query. Raises Refused (401) as the gateway words it."""
    key = request.headers.get("apikey") or request.query.get("apikey")
    if not key:
        hint = "No `apikey` request header or url param was found."
        raise Refused(401, {"message": "No API key found in request", "hint": hint})
    known = (keys.anon_key, keys.service_role_key)
    if not any(hmac.compare_digest(key.encode(), other.encode()) for other in known):
        hint = "Double check your Supabase `anon` or `service_role` API key."
        raise Refused(401, {"message": "Invalid API key", "hint": hint})
    return key


def caller_of(request: web.Request, key: str, tokens: Tokens) -> Caller:
    """The caller by bearer token, or by API key where there is none. Raises TokenRefused."""
    return Caller(tokens.verify(bearer(request.headers.get("Authorization")) or key))


async def read_json(request: web.Request) -> Any:
    """The JSON body of a request. Raises ValueError."""
    body = await read_body(request, 10 * 1024 * 1024)
    return json.loads(body)


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body of a request. Raises ValueError beyond *limit* bytes.

    Read from the stream, since the limit of aiohttp itself belongs to the application that mounts us.
    """
    parts = bytearray()
    async for part in request.content.iter_any():
        parts += part
        if len(parts) > limit:
            raise ValueError(f"body is larger than {limit} bytes")
    return bytes(parts)
