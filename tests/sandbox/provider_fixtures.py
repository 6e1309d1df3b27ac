"""Helpers for tests of the provider stand-ins: run one of them, talk to it over its socket."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from sandbox.clock import Clock
from sandbox.tts.providers import Providers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

WAIT_S = 10


class Bench:
    """Running stand-ins, and an HTTP client. Latencies are zero unless a test wants them."""

    def __init__(self, providers: Providers, clock: Clock, http: aiohttp.ClientSession) -> None:
        self.providers = providers
        self.clock = clock
        self.http = http

    async def json(self, method: str, url: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, url, **options) as reply:
            return reply.status, await reply.json(content_type=None)

    async def data(self, method: str, url: str, **options: Any) -> tuple[int, bytes, str]:
        async with self.http.request(method, url, **options) as reply:
            return reply.status, await reply.read(), reply.headers.get("Content-Type", "")

    async def dashscope(self, path: str, body: Any, *, key: str | None = None) -> tuple[int, Any]:
        """POST *body* with the right key, or with another one."""
        provider = self.providers.dashscope
        headers = {"Authorization": f"Bearer {provider.api_key if key is None else key}"}
        content = io.BytesIO(json.dumps(body).encode())
        return await self.json("POST", f"{provider.url}{path}", data=content, headers=headers)


@asynccontextmanager
async def bench(*faults: str) -> AsyncIterator[Bench]:
    clock = Clock()
    providers = Providers(clock, faults.__contains__)
    for provider in (providers.modal, providers.dashscope, providers.mistral):
        for option in [key for key in provider.options if key.endswith(("_s", "per_character_s"))]:
            provider.set_option(option, 0)
    await providers.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as http:
            yield Bench(providers, clock, http)
    finally:
        await providers.close()


def on_bench(act: Callable[[Bench], Awaitable[Any]], *faults: str) -> Any:
    """Run *act* with a bench of its own, with *faults* of the protocol on, and return what it returns."""

    async def run() -> Any:
        async with bench(*faults) as running:
            return await act(running)

    return asyncio.run(run())


async def until(holds: Callable[[], Any]) -> Any:
    """Wait until *holds* is true; fail after ten seconds."""
    async with asyncio.timeout(WAIT_S):
        while not (value := holds()):  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
        return value
