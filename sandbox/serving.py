"""A small HTTP server on a free loopback port; every server of the sandbox is one of these."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Handler = "Callable[[web.Request], Awaitable[web.StreamResponse]]"

# Largest body that is read: a 50 MiB transcription upload plus its multipart frame.
MAX_BODY_BYTES = 64 * 2**20


class Server:
    """One handler for every method and path, on `127.0.0.1` and a port that the system chose.

    The port is bound at construction, so that the URL is known before anything that wants it is built. *handler* gets
    every request, its path as the client wrote it in `request.rel_url.raw_path`.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._runner: web.AppRunner | None = None

    async def start(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        """Serve *handler* until `close`."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{tail:.*}", handler)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def close(self) -> None:
        """Stop serving and give the port back. Safe to call twice, and before `start`."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._socket.close()
