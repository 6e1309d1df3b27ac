"""Plays scripts over real sockets on loopback, many at a time, and hears them with the times at which bytes came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
from aiohttp import web

from rollout_gates.streams import Expected
from rollout_gates.streams.pulse import Pulse
from rollout_gates.wire.arrivals import Arrivals, Chunk, End
from tests.streams.scripts import IDLE_S, TOTAL_S, Script


@dataclass(frozen=True)
class Heard:
    """What came of one script."""

    script: Script
    arrivals: Arrivals
    body: bytes
    expected: Expected


@asynccontextmanager
async def playing(scripts: Mapping[str, Script]):
    """Serve each script at its path; yields the base URL."""

    async def play(request: web.Request) -> web.StreamResponse:
        script = scripts[request.match_info["name"]]
        answer = web.StreamResponse(headers={"content-type": script.expected.media_type})
        answer.enable_chunked_encoding()
        start = time.perf_counter()
        await answer.prepare(request)
        for at_s, piece in script.pieces:
            await asyncio.sleep(max(0.0, start + at_s - time.perf_counter()))
            await answer.write(piece)
        if script.ending == "never":
            await asyncio.sleep(TOTAL_S)
        if script.ending == "broken" and request.transport is not None:
            request.transport.abort()
            return answer
        await answer.write_eof()
        return answer

    app = web.Application()
    app.router.add_get("/{name}", play)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def hear(session: aiohttp.ClientSession, url: str, script: Script, pulse: Pulse) -> Heard:
    """Listen to one script with both limits."""
    start = time.perf_counter()
    body, chunks, end = bytearray(), [], End.COMPLETE
    async with session.get(url) as answer:
        headers_s = time.perf_counter() - start
        try:
            async with asyncio.timeout(TOTAL_S):
                while chunk := await asyncio.wait_for(answer.content.readany(), IDLE_S if chunks else TOTAL_S):
                    chunks.append(Chunk(time.perf_counter() - start, len(chunk)))
                    body += chunk
        except TimeoutError:
            end = End.IDLE if time.perf_counter() - start < TOTAL_S else End.OVERTIME
        except (aiohttp.ClientError, OSError):
            end = End.BROKEN
        if end is not End.COMPLETE:
            answer.close()
    ended = time.perf_counter()
    expected = replace(script.expected, starved_s=pulse.longest_s(start, ended))
    return Heard(script, Arrivals(chunks, headers_s, ended - start, end), bytes(body), expected)


async def hear_at(url: str, scripts: Mapping[str, Script]) -> list[Heard]:
    """Listen to all of them at the same time."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with Pulse() as pulse, aiohttp.ClientSession(connector=connector) as session:
        return await asyncio.gather(*(hear(session, f"{url}/{name}", each, pulse) for name, each in scripts.items()))


async def hear_all(scripts: Iterable[Script]) -> list[Heard]:
    """Play scripts and listen to them, in one process."""
    named = {str(number): script for number, script in enumerate(scripts)}
    async with playing(named) as url:
        return await hear_at(url, named)
