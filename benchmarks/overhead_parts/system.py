"""The system of the overhead benchmark: golden payloads alone, no flows of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from rollout_gates import golden
from rollout_gates.environment import SystemSettings

KEY = "bench"
FLOWS: dict[str, Any] = {}
GOLDEN_NAMES: frozenset[str] = frozenset()


class Settings(SystemSettings):
    key: ClassVar[str] = "bench"
    url: str

    def facts(self) -> dict[str, str]:
        return {"mode": "plain"}


@contextlib.asynccontextmanager
async def open_session(context: Any) -> AsyncIterator[None]:
    yield None


async def send_golden(context: Any, case: golden.Case) -> golden.Exchange:
    async def nothing(_wanted: Any) -> Any:
        return {}

    async def send(_case: golden.Case, request: golden.Request) -> Any:
        return await context.wire.send(request.method, f"{context.settings.url}{request.path}", retry="idempotent")

    return await golden.observe(case, "plain", supply=nothing, send=send, step=nothing)


async def remove(session: Any, resource: Any) -> None: ...
