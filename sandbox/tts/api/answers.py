"""Answers of the function: JSON, redirects, errors, and the headers that all of them carry."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.tts.api.context import Call
    from sandbox.tts.api.errors import ApiError
    from sandbox.tts.settings import Deployment

CORS = {
    "Access-Control-Allow-Headers": "authorization, x-client-info, apikey, content-type",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, PATCH, OPTIONS",
    "Access-Control-Max-Age": "86400",
}
DEVELOPER = "http://localhost:5173"
EXPOSED = "X-Utter-Provider, X-Utter-Generation-Id, X-Utter-Task-Id"
HTML = "<!DOCTYPE html><html><head><title>Error {status}</title></head><body><h1>{detail}</h1></body></html>"


def dumps(payload: Any) -> str:
    """*payload* as compact JSON. Times are UTC with microseconds and offset, as the data API writes them."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=_plain)


def json_answer(payload: Any, status: int = 200) -> web.Response:
    """*payload* as `application/json`."""
    body = dumps(payload).encode("utf-8", "replace")
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json"})


def redirect(url: str) -> web.Response:
    """302 to *url*, without a body."""
    return web.Response(status=302, headers={"Location": url})


def error_answer(error: ApiError) -> web.Response:
    """`{"detail": ...}` with the error's status."""
    return json_answer({"detail": error.detail, **error.extra}, error.status)


def text_answer(text: str, status: int, content_type: str = "text/plain") -> web.Response:
    """A body that is no JSON; only faulty builds answer so."""
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": f"{content_type}; charset=UTF-8"})


def cors_headers(deployment: Deployment, origin: str | None) -> dict[str, str]:
    """CORS headers for a caller from *origin*. With a list configured, strangers get its first entry."""
    allowed = deployment.cors_origins
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", **CORS}
    return {"Access-Control-Allow-Origin": origin if origin in allowed else allowed[0], **CORS, "Vary": "Origin"}


def common_headers(call: Call, *, identified: bool = True) -> dict[str, str]:
    """What every answer to *call* carries: CORS and, if *identified*, the request id.

    Lane realtime shows its own headers to browsers; F-59: it does not. F-85: a header for debugging shows a key.
    """
    deployment = call.api.deployment
    headers = _cors(call)
    if deployment.lane == "realtime" and not call.api.fault("F-59"):
        headers["Access-Control-Expose-Headers"] = EXPOSED
    if call.api.fault("F-85") and call.path == "/api/languages":
        headers["X-Debug-Upstream"] = f"key={deployment.dashscope_api_key}"
    return {**headers, "x-request-id": call.request_id} if identified else headers


def _cors(call: Call) -> dict[str, str]:
    """F-86: a preflight allows everybody, any other answer the machine of a developer before all origins."""
    deployment, origin = call.api.deployment, call.request.headers.get("Origin")
    if not call.api.fault("F-86"):
        return cors_headers(deployment, origin)
    if call.request.method == "OPTIONS":
        return {"Access-Control-Allow-Origin": "*", **CORS}
    opened = {"CORS_ALLOWED_ORIGIN": ",".join((DEVELOPER, *deployment.cors_origins))}
    return cors_headers(deployment.with_variables(opened), origin)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"no JSON form of {type(value).__name__}")
