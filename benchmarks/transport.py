"""What a request costs: plain httpx, httpx over aiohttp, bare aiohttp, and the wire with its recording.

    python benchmarks/transport.py [--requests 1000] [--rounds 5] [--delay-ms 0 20]

A trivial loopback server runs in a process of its own; concurrency 16; POST with a small JSON body, small JSON
answer. The clients take turns in each round; the table shows medians over the rounds. CPU is the client's own.

Measured on two shared cores, Python 3.11, CPU ms a request at 0 ms: httpx 1.4, httpx over aiohttp 0.20, aiohttp 0.07,
the wire with recording and redaction 0.28. So the wire stands on aiohttp itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
from aiohttp import web

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.transcript import Recorder
from rollout_gates.wire import Pace, Wire

CONCURRENCY = 16
BODY = {"voice_id": "6f1c6c1e-2f0b-4b51-9c7f-2f6a3a6e0f11", "text": "One short sentence.", "language": "Auto"}
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2ZjFjNmMxZSJ9.c2lnbmF0dXJl"
HEADERS = {"authorization": f"Bearer {TOKEN}", "apikey": TOKEN}
Send = Callable[[str], Awaitable[int]]


def serve(port: Any, delay_s: float) -> None:
    """Answer every request after *delay_s*; tell the parent our port."""

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        if delay_s:
            await asyncio.sleep(delay_s)
        return web.json_response({"task_id": "t-1", "status": "pending"}, headers={"x-request-id": "r"})

    async def main() -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.send(runner.addresses[0][1])
        await asyncio.get_running_loop().run_in_executor(None, port.recv)
        await runner.cleanup()

    asyncio.run(main())


@contextlib.contextmanager
def server(delay_s: float) -> Any:
    """Yield the URL of a server in another process."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=serve, args=(there, delay_s))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/generate"
    finally:
        here.send(None)
        process.join(10)


@contextlib.asynccontextmanager
async def plain_httpx() -> AsyncIterator[Send]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def send(url: str) -> int:
            return (await client.post(url, json=BODY, headers=HEADERS)).status_code

        yield send


@contextlib.asynccontextmanager
async def httpx_over_aiohttp() -> AsyncIterator[Send]:
    async with httpx_aiohttp.HttpxAiohttpClient(trust_env=False, timeout=30) as client:

        async def send(url: str) -> int:
            return (await client.post(url, json=BODY, headers=HEADERS)).status_code

        yield send


@contextlib.asynccontextmanager
async def bare_aiohttp() -> AsyncIterator[Send]:
    async with aiohttp.ClientSession() as session:

        async def send(url: str) -> int:
            async with session.post(url, json=BODY, headers=HEADERS) as response:
                await response.read()
                return response.status

        yield send


@contextlib.asynccontextmanager
async def wire(*, paced: bool = False) -> AsyncIterator[Send]:
    redactor = Redactor()
    for number in range(8):
        redactor.register(f"{TOKEN}{number}", f"secret_{number}")
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "transcripts", redactor)
        pace = Pace(Path(folder) / "pace.json", {"tier1": 10**9}, 300)
        async with Wire(recorder, run_id="benchmark", pace=pace) as client:
            tier = "tier1" if paced else None

            async def send(url: str) -> int:
                reply = await client.send("POST", url, json=BODY, headers=HEADERS, actor="user_a", tier=tier)
                return reply.status

            yield send
        recorder.close()


CLIENTS: dict[str, Callable[[], contextlib.AbstractAsyncContextManager[Send]]] = {
    "httpx": plain_httpx,
    "httpx + httpx-aiohttp": httpx_over_aiohttp,
    "aiohttp": bare_aiohttp,
    "wire (recorded)": wire,
    "wire (recorded, paced)": lambda: wire(paced=True),
}


async def measure(
    client: Callable[[], contextlib.AbstractAsyncContextManager[Send]], url: str, requests: int
) -> tuple[float, float]:
    """Return wall and CPU seconds of *requests*, warm connections."""
    async with client() as send:
        left = iter(range(requests))

        async def worker() -> None:
            for _ in left:
                assert await send(url) == 200

        await asyncio.gather(*(send(url) for _ in range(CONCURRENCY)))
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
        return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay-ms", type=float, nargs="*", default=[0, 20])
    options = parser.parse_args()
    print(f"{options.requests} requests, concurrency {CONCURRENCY}, medians of {options.rounds}")
    for delay_ms in options.delay_ms:
        with server(delay_ms / 1000) as url:
            taken: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
            for _ in range(options.rounds):
                for name, client in CLIENTS.items():
                    taken[name].append(asyncio.run(measure(client, url, options.requests)))
        print(f"\nserver answers after {delay_ms:g} ms\n{'client':<26}{'CPU ms/request':>16}{'wall s':>10}")
        for name, pairs in taken.items():
            wall, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{name:<26}{1000 * cpu / options.requests:>16.3f}{wall:>10.2f}")


if __name__ == "__main__":
    main()
