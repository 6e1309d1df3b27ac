"""Drives headless Chromium over its debugging port, as far as looking at a page needs it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
WAIT_S = 60


@dataclass
class Tab:
    """One page. *troubles* are exceptions, console errors and dialogs; *requests* the URLs that were asked for."""

    socket: aiohttp.ClientWebSocketResponse
    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    loaded: bool = False
    _number: int = 0

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self.socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self.socket.receive_json()
            if message.get("id") == self._number:
                return message.get("result", message)
            self._hear(message.get("method", ""), message.get("params", {}))

    def _hear(self, event: str, parameters: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self.loaded = True
        elif event == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            self.troubles.append(str(parameters["exceptionDetails"]))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.troubles.append(parameters["entry"]["text"])
        elif event == "Page.javascriptDialogOpening":
            self.troubles.append(f"dialog: {parameters['message']}")

    async def open(self, url: str, width: int) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        await self.call("Page.navigate", url=url)
        async with asyncio.timeout(WAIT_S):
            while not self.loaded:
                await self.tell("1")

    async def tell(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=13, text="\r")


@contextlib.asynccontextmanager
async def tab(chromium: str, url: str, profile: Path, *, width: int = 1440) -> AsyncIterator[Tab]:
    """Open *url* in a browser of its own, which ends with the block."""
    arguments = [*FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = await asyncio.create_subprocess_exec(
        chromium, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        port = await asyncio.wait_for(_port(process), WAIT_S)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = [row for row in await answer.json() if row["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = Tab(socket)
                await opened.open(url, width)
                yield opened
    finally:
        process.terminate()
        await process.communicate()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async for line in process.stderr:
        if found := re.search(rb"DevTools listening on ws://[^:]+:(\d+)/", line):
            return int(found[1])
    raise RuntimeError("the browser did not start")
