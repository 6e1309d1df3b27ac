"""Reading a body as it comes: one time stamp a part, a limit between parts and one for all, memory bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from rollout_gates.wire.arrivals import Arrivals, Chunk, End, merged
from rollout_gates.wire.decode import Undecodable, decoder
from rollout_gates.wire.problems import broken

# More parts than this are told of in pairs, so that a stream of single bytes costs no more memory than its body.
_MOST_CHUNKS = 16_384


@dataclass(frozen=True)
class Listening:
    """How long to listen to a stream, in seconds, and when to go away on purpose.

    *idle_s* is how long nothing may come, the header block included; *total_s* is for the whole exchange.
    *leave_after* is the number of parts after which the connection is closed; ``None`` hears it to its end. *on_first*
    is called when the first part is there.
    """

    idle_s: float
    total_s: float
    leave_after: int | None = None
    on_first: Callable[[], None] | None = None


@dataclass
class Heard:
    """What came of a body: the *body* itself, decoded; *fault* says what cut it short, if anything."""

    body: bytearray = field(default_factory=bytearray)
    chunks: list[Chunk] = field(default_factory=list)
    parts: int = 0
    received: int = 0
    end: End = End.COMPLETE
    fault: str | None = None

    def took(self, at_s: float, size_bytes: int) -> None:
        """Note one part."""
        self.parts += 1
        self.received += size_bytes
        self.chunks.append(Chunk(at_s, size_bytes))
        if len(self.chunks) > _MOST_CHUNKS:
            self.chunks = merged(self.chunks, _MOST_CHUNKS // 2)

    def ended(self, end: End, fault: str) -> None:
        """Note how it ended, where that was not the end that the framing has."""
        self.end, self.fault = end, fault

    def arrivals(self, headers_s: float, ended_s: float) -> Arrivals:
        """Return when it came."""
        return Arrivals(tuple(self.chunks), headers_s, ended_s, self.end)


async def listen(
    response: aiohttp.ClientResponse, listening: Listening, max_bytes: int, started: float, heard: Heard
) -> None:
    """Read the body of *response* into *heard*; nothing raises but a cancel. *started* is of `time.perf_counter`.

    Parts are those of the chunked encoding where there is one, and what one read of the socket brought otherwise.
    """

    def now_s() -> float:
        return time.perf_counter() - started

    try:
        await _parts(response, listening, max_bytes, heard, now_s)
    except TimeoutError:
        if now_s() < listening.total_s:
            heard.ended(End.IDLE, f"body stalled: nothing for {listening.idle_s:g} s after {heard.received} bytes")
        else:
            heard.ended(
                End.OVERTIME, f"body did not end within {listening.total_s:g} s ({heard.received} bytes received)"
            )
    except Undecodable as problem:
        heard.ended(End.BROKEN, str(problem))
    except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, OSError) as problem:
        heard.ended(End.BROKEN, f"body broke off after {heard.received} bytes ({broken(problem)})")


async def _parts(
    response: aiohttp.ClientResponse,
    listening: Listening,
    max_bytes: int,
    heard: Heard,
    now_s: Callable[[], float],
) -> None:
    unpack = decoder(response.headers.get("content-encoding", ""))
    while True:
        async with asyncio.timeout(max(0.0, min(listening.idle_s, listening.total_s - now_s()))):
            data, ends = await response.content.readchunk()
        if not data:
            if ends:
                continue
            break
        heard.took(now_s(), len(data))
        if heard.parts == 1 and listening.on_first is not None:
            listening.on_first()
        for piece in unpack.feed(data):
            heard.body += piece
            if len(heard.body) > max_bytes:
                del heard.body[max_bytes:]
                heard.ended(End.TOO_LARGE, f"body is longer than {max_bytes} bytes")
                return
        if heard.parts == listening.leave_after:
            heard.ended(End.LEFT, f"left on purpose after {heard.received} bytes")
            return
    unpack.end()
