"""Answers made up for tests of expectations."""

from __future__ import annotations

import json
from typing import Any

import httpx

from rollout_gates.wire import Reply, Sent

UUID = "0b7c2a54-7d53-4c1e-9a55-0f4a1d6a7e11"
OTHER = "5f7e88b4-1f01-4871-b44a-814d0ae52581"


def reply(
    status: int = 200,
    body: Any = None,
    *,
    content_type: str = "application/json",
    method: str = "GET",
    path: str = "/voices",
    headers: dict[str, str] | None = None,
    fault: str | None = None,
) -> Reply:
    """Return an answer; a *body* that is text or bytes stands as it is, anything else is written as JSON."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Reply(
        status=status,
        headers=httpx.Headers({"content-type": content_type, **(headers or {})}),
        body=b"" if body is None else data,
        elapsed_s=0.01,
        first_byte_s=0.01,
        request=Sent(method, f"https://target.example/functions/v1/api{path}", httpx.Headers(), b""),
        exchange_id="main-1",
        actor="prober",
        fault=fault,
    )


def refusal(status: int, detail: str) -> Reply:
    """Return a refusal in the form of the contract."""
    return reply(status, {"detail": detail})


def page(member: str, rows: list[dict[str, Any]], *, number: int = 1, per_page: int = 20, total: int = -1) -> Reply:
    """Return a page of a list."""
    total = len(rows) if total < 0 else total
    pages = max(1, -(-total // per_page))
    return reply(
        200, {member: rows, "pagination": {"page": number, "per_page": per_page, "total": total, "pages": pages}}
    )
