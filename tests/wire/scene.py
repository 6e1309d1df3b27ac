"""Real loopback servers, well behaved and not, and a wire that talks to them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.transcript import Recorder
from rollout_gates.wire import Pace, Wire

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def asynchronous(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@dataclass
class Scene:
    """A wire with its evidence directory."""

    folder: Path
    wire: Wire
    redactor: Redactor
    notes: list[str] = field(default_factory=list)

    def lines(self, name: str = "main") -> list[dict[str, Any]]:
        path = self.folder / "transcripts" / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def line(self) -> dict[str, Any]:
        (only,) = self.lines()
        return only


@contextlib.asynccontextmanager
async def scene(
    folder: Path, *, timeout_s: float = 5.0, pace: Pace | None = None, **options: Any
) -> AsyncIterator[Scene]:
    redactor, notes = Redactor(), []
    recorder = Recorder(folder / "transcripts", redactor)
    async with Wire(recorder, run_id="run-1", timeout_s=timeout_s, pace=pace, note=notes.append, **options) as wire:
        yield Scene(folder, wire, redactor, notes)
    recorder.close()


@contextlib.asynccontextmanager
async def raw_server(talk: Talk, **options: Any) -> AsyncIterator[str]:
    """Serve *talk* on every connection; yield the base URL. Whoever still talks at the end is cut off."""
    running: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(one, "127.0.0.1", 0, **options)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if options.get('ssl') else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def http_server(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve *handler* for every path; yield the base URL."""
    app = web.Application(client_max_size=1 << 27)
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def request_head(reader: asyncio.StreamReader) -> bytes:
    """Read one request's header block, and its body if it says how long it is."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            head += await reader.readexactly(int(line.partition(b":")[2]))
    return head


def saying(answer: bytes) -> Talk:
    """Answer one request with exactly these bytes, then close."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(answer)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return talk
