"""A proxy in front of the sandbox that puts wrong values into its answers: right in form, nonsense in type."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientSession, web

from tests.hostile.targets import Serve, handled_by

NONSENSE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**25, float("nan"), float("inf"), "", " ", "null", "\ud800", "a\x00b",
    "\x1b[31mred\x1b[0m", "9" * 3000, [], {}, [None], [[]], [1, "a", {"id": None}], {"id": {"id": []}}, {"a": 1},
    "../../x?y#z", "2020-13-45T99:99:99Z", "file:///etc/passwd", "http://[::1", "http:///x", "\n\r\n", ["completed"],
)  # fmt: skip
LOCATIONS = ("", "http://", "//", "\\\\x", "x" * 5000, "javascript:1", "http://[::1", "ftp://x/y", "/api/")
_HOP_BY_HOP = {"host", "content-length", "accept-encoding", "transfer-encoding", "connection", "content-type"}


def mangling(upstream: str, seed: int, share: float) -> Serve:
    """Serve what *upstream* answers, with *share* (0-1) of all JSON members and redirects replaced by nonsense."""
    chance = random.Random(seed)

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, upstream + request.path_qs, headers=_passed_on(request.headers), data=body or None,
                allow_redirects=False,
            ) as answer,
        ):  # fmt: skip
            data, headers = await answer.read(), _passed_on(answer.headers)
            kind = answer.headers.get("content-type", "application/octet-stream")
            if "json" in kind and data:
                data = json.dumps(_mangled(json.loads(data), chance, share)).encode()
            if answer.headers.get("location") and chance.random() < share:
                headers["location"] = chance.choice(LOCATIONS)
            return web.Response(status=answer.status, body=data, headers={**headers, "content-type": kind})

    return handled_by(handler)


def _mangled(value: Any, chance: random.Random, share: float, *, root: bool = True) -> Any:
    if not root and chance.random() < share:
        return chance.choice(NONSENSE)
    if isinstance(value, dict):
        return {name: _mangled(member, chance, share, root=False) for name, member in value.items()}
    if isinstance(value, list):
        return [_mangled(member, chance, share, root=False) for member in value]
    return value


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP | {"date", "server"}}
