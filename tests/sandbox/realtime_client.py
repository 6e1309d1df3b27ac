"""A plain client of the realtime protocol for tests: says what it is told to, keeps what it hears, judges nothing."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import websockets

from tests.sandbox.provider_fixtures import WAIT_S, on_bench
from tests.sandbox.test_dashscope_stand_in import CUSTOMIZATION, clone_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.sandbox.provider_fixtures import Bench

VC = "qwen3-tts-vc-realtime-2026-01-15"
DELTA = "response.audio.delta"
VD = "qwen3-tts-vd-realtime-2026-01-15"
FLASH = "qwen3-tts-flash-realtime"
_NUMBERS = itertools.count(1)


@dataclass
class Talk:
    """One connection. *events* is everything heard so far; frames that are no JSON object stand there as they came."""

    socket: websockets.ClientConnection
    bench: Bench
    voice: str
    events: list[Any] = field(default_factory=list)

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"event_id": f"event_{next(_NUMBERS)}", "type": kind, **fields}))

    async def update(self, **settings: Any) -> dict[str, Any]:
        """Update the session and return what came back."""
        await self.say("session.update", session={"voice": self.voice, **settings})
        return await self.until("session.updated", "error")

    async def hear(self) -> Any:
        """The next frame. Raises ConnectionClosed."""
        async with asyncio.timeout(WAIT_S):
            frame = await self.socket.recv()
        try:
            heard = json.loads(frame) if isinstance(frame, str) else frame
        except ValueError:
            heard = frame
        self.events.append(heard)
        return heard

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of *kinds*."""
        while True:
            heard = await self.hear()
            if isinstance(heard, dict) and heard.get("type") in kinds:
                return heard

    async def to_the_end(self) -> tuple[int | None, str]:
        """Listen until the server closes. Returns code and reason of its close frame, None without one."""
        try:
            while True:
                await self.hear()
        except websockets.ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")

    async def spoken(self, text: str, **settings: Any) -> tuple[int | None, str]:
        """Have *text* spoken in one go and listen to the end."""
        await self.until("session.created")
        await self.update(**settings)
        await self.say("input_text_buffer.append", text=text)
        await self.say("session.finish")
        return await self.to_the_end()

    # What was heard

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def steps(self) -> list[str]:
        """The types, deltas that follow each other counted once."""
        return [kind for kind, _ in itertools.groupby(self.types())]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if isinstance(event, dict) and event.get("type") == kind]

    def audio(self) -> bytes:
        return b"".join(base64.b64decode(event["delta"], validate=True) for event in self.of("response.audio.delta"))

    def errors(self) -> list[dict[str, Any]]:
        return [event["error"] for event in self.of("error")]

    @property
    def entry(self) -> dict[str, Any]:
        """The provider's log entry of this connection."""
        return [one for one in self.bench.providers.dashscope.requests if one["call"] == "realtime"][-1]


def handshake(bench: Bench, *, model: str = VC, key: str | None = None, query: str | None = None) -> Any:
    """A connection that is about to be opened."""
    provider = bench.providers.dashscope
    key = provider.api_key if key is None else key
    return websockets.connect(
        f"{provider.realtime_url}?{f'model={model}' if query is None else query}",
        additional_headers={"Authorization": f"Bearer {key}"} if key else {},
        compression=None,
        max_size=2**24,
        proxy=None,
        open_timeout=WAIT_S,
        close_timeout=WAIT_S,
    )


@asynccontextmanager
async def talk(bench: Bench, *, model: str = VC, voice: str | None = None) -> AsyncIterator[Talk]:
    """An open session; its voice is a fresh clone for *model*, unless one is named."""
    if voice is None:
        answer = await bench.dashscope(CUSTOMIZATION, clone_body(target_model=VC if model == FLASH else model))
        voice = str(answer[1]["output"]["voice"])
    async with handshake(bench, model=model) as socket:
        yield Talk(socket, bench, voice)


def talking(
    act: Callable[[Talk], Any], *faults: str, model: str = VC, voice: str | None = None, **options: Any
) -> Talk:
    """Run *act* on a session of its own, with the provider's *options*, and return the session."""

    async def run(bench: Bench) -> Talk:
        for key, value in options.items():
            bench.providers.dashscope.set_option(key, value)
        async with talk(bench, model=model, voice=voice) as session:
            await act(session)
        return session

    return on_bench(run, *faults)


def speaking(text: str, *faults: str, model: str = VC, mishap: Any = None, settings: Any = None, **options: Any) -> Any:
    """Have *text* spoken, with *faults* of the protocol on. Returns the session and how it was closed."""
    closed = []

    async def act(session: Talk) -> None:
        closed.append(await session.spoken(text, **(settings or {})))

    async def run(bench: Bench) -> Talk:
        for key, value in options.items():
            bench.providers.dashscope.set_option(key, value)
        if mishap is not None:
            bench.providers.dashscope.script("realtime_session", body=mishap)
        async with talk(bench, model=model) as session:
            await act(session)
        return session

    return on_bench(run, *faults), closed[0]
