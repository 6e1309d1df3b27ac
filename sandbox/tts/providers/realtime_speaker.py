"""Speaks the responses of a realtime session, one after the other (protocol sheet, 6.4, 6.5 and 6.7)."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.tts.providers.audio import speech_pcm
from sandbox.tts.providers.dashscope_rules import billed_characters
from sandbox.tts.providers.encoders import encoder
from sandbox.tts.providers.realtime_events import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.tts.providers.realtime_session import Session


@dataclass(frozen=True)
class Say:
    """A text to be spoken. *committed*: a commit asked for it, and is answered first."""

    text: str
    committed: bool = False


class Speaker:
    """Works off what a session has to say. `None` in the queue is the end of it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._jobs: asyncio.Queue[Say | None] = asyncio.Queue()
        self._headed = False
        self._cancelled = False
        self.speaking = False

    def say(self, job: Say | None) -> None:
        """Queue *job*."""
        self._jobs.put_nowait(job)

    def cancel(self) -> None:
        """Stop the response that is being spoken, if one is."""
        self._cancelled = self.speaking

    async def run(self) -> None:
        """Speak until the end is asked for."""
        while (job := await self._jobs.get()) is not None:
            await self._respond(job)

    async def _respond(self, job: Say) -> None:
        session = self._session
        response = Response(session.settings.voice, billed_characters(job.text), live=session.live)
        if job.committed:
            await session.wire.send("input_text_buffer.committed", item_id="" if session.live else response.item_id)
        if not await session.check_voice(session.settings.voice, at_last=True):
            return
        self.speaking, self._cancelled = True, False
        await asyncio.sleep(float(session.option("realtime_first_s")))
        await self._open(response)
        await self._audio(response, job.text)
        await self._close(response)
        self.speaking = False

    async def _open(self, response: Response) -> None:
        send = self._session.wire.send
        await self._session.pause("realtime_response")
        await send("response.created", response=response.created())
        await send("response.output_item.added", response_id=response.id, output_index=0, item=_opened(response))
        await send("response.content_part.added", **response.place, part={"type": "audio", "text": ""})

    async def _audio(self, response: Response, text: str) -> None:
        """All deltas; the last one is known before it is sent, so that it can be held back."""
        kept: bytes | None = None
        for piece in self._pieces(response, text):
            if kept is not None:
                await self._delta(response, kept)
                await asyncio.sleep(float(self._session.option("realtime_delta_s")))
            if self._cancelled:
                return
            kept = piece
        if kept is not None:
            await self._session.pause("realtime_last_delta")
            if not self._cancelled:
                await self._delta(response, kept)

    async def _delta(self, response: Response, piece: bytes) -> None:
        await self._session.pause("realtime_delta")
        delta = base64.b64encode(piece).decode()
        await self._session.wire.send("response.audio.delta", **response.place, delta=delta)

    def _pieces(self, response: Response, text: str) -> Iterator[bytes]:
        """The audio of *text*, as much a piece as the option `realtime_chunk_ms` says; none is empty."""
        settings = self._session.settings
        work = encoder(settings.response_format, settings.sample_rate, settings.bit_rate, headed=self._headed)
        self._headed = True
        samples = speech_pcm(text, rate_hz=settings.sample_rate)
        step = max(1, int(settings.sample_rate * self._session.option("realtime_chunk_ms") / 1000)) * 2
        for start in range(0, len(samples), step):
            fed = samples[start : start + step]
            response.audio_s += len(fed) / 2 / settings.sample_rate
            if piece := work.feed(fed):
                yield piece
        if piece := work.end():
            yield piece

    async def _close(self, response: Response) -> None:
        send = self._session.wire.send
        response.status = "incomplete" if self._cancelled else "completed"
        await send("response.audio.done", **response.place)
        await send("response.content_part.done", **response.place, part={"type": "audio", "text": ""})
        done = {"response_id": response.id, "output_index": 0, "item": response.item_done()}
        await send("response.output_item.done", **done)
        await self._session.pause("realtime_response_done")
        await send("response.done", response=response.done())


def _opened(response: Response) -> dict[str, object]:
    return {**response.item(), "content": []}
