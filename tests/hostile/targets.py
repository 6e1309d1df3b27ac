"""Targets that misbehave, as real loopback servers on a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import trustme
from aiohttp import web

from tests.wire.scene import http_server, raw_server, request_head

Serve = Callable[[], contextlib.AbstractAsyncContextManager[str]]
SIGNED_IN = {"signed_in": True, "user": {"id": "7d4b2c5e-0000-4000-8000-000000000001"}}


@contextlib.contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Run the server that *serve* opens, beside the test; yield its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hostile target", daemon=True)
    thread.start()
    opened = serve()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def answering(status: int, body: Any, headers: dict[str, str] | None = None, kind: str = "application/json") -> Serve:
    """Everything is answered alike."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()

    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, body=data, content_type=kind, headers=headers)

    return lambda: http_server(handler)


def looping() -> Serve:
    """Everything is elsewhere, and elsewhere is here."""

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": str(request.url)})

    return lambda: http_server(handler)


def dripping() -> Serve:
    """The head comes at once, the body in drops, and never ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"ok": true, "more": "')
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.1)

    return lambda: raw_server(talk)


def silent() -> Serve:
    """The request is read, and never answered."""

    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    return lambda: raw_server(talk)


def resetting() -> Serve:
    """The connection is reset as soon as the request is there."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        handle = writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return lambda: raw_server(talk)


def saying_bytes(answer: bytes) -> Serve:
    """These bytes come back for each request, and then the connection is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(answer)
        await writer.drain()

    return lambda: raw_server(talk)


def self_signed() -> Serve:
    """TLS with a certificate that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    return lambda: raw_server(talk, ssl=context)


def echoing() -> Serve:
    """Whatever was sent comes back, credentials and all, in body and header."""

    async def handler(request: web.Request) -> web.Response:
        sent = {"url": str(request.url), "headers": dict(request.headers), "body": (await request.text())}
        told = json.dumps({"detail": f"I was told {sent['headers']}", "ok": sent})
        return web.Response(text=told, content_type="application/json", headers={"x-echo": json.dumps(sent["headers"])})

    return lambda: http_server(handler)


@contextlib.asynccontextmanager
async def _closed() -> AsyncIterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def dead_port() -> Serve:
    """Nobody listens."""
    return _closed


@contextlib.asynccontextmanager
async def _nowhere() -> AsyncIterator[str]:
    yield "https://no-such-host.invalid"


def unknown_host() -> Serve:
    """The name leads nowhere."""
    return _nowhere


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def handled_by(handler: Handler) -> Serve:
    """A server of one's own."""
    return lambda: http_server(handler)
