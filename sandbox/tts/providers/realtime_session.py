"""One realtime session: reads what the client says, keeps its text, and lets the speaker speak (protocol sheet, 6).

What the sheet leaves open is decided as in its section 12. What a client does that it should not is noted in the
session's log entry under `violations`, whether or not it is answered with an error.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType

from sandbox.tts.providers.dashscope_rules import Refused
from sandbox.tts.providers.realtime_events import new_id
from sandbox.tts.providers.realtime_settings import Invalid, Settings
from sandbox.tts.providers.realtime_speaker import Say, Speaker
from sandbox.tts.providers.realtime_wire import Ended, Wire
from sandbox.tts.providers.standin import shortened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import WSMessage, web

SENTENCE_ENDS = ".!?;。！？；…\n"
LOGGED_EVENTS = 200
SILENT_LEAVE_S = 0.05
UPDATE = "session.update"
APPEND = "input_text_buffer.append"
FINISH = "session.finish"


@dataclass
class Surroundings:
    """What a session needs of its provider: options, holds, and the pairing of voices with models."""

    option: Callable[[str], Any]
    pause: Callable[[str], Awaitable[None]]
    check_pairing: Callable[[str, str], None]
    fault: Callable[[str], bool]


@dataclass
class Heard:
    """What the log keeps of a client: its events, and what was wrong with them."""

    events: list[Any] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def note(self, event: dict[str, Any]) -> None:
        """Keep *event*, and what is wrong with its id."""
        if len(self.events) < LOGGED_EVENTS:
            self.events.append(shortened(event))
        event_id = event.get("event_id")
        if not isinstance(event_id, str) or not event_id:
            self.violations.append(f"P-30: {event.get('type')} without event_id")
        elif event_id in self.ids:
            self.violations.append(f"P-30: event_id {event_id} was used before")
        else:
            self.ids.add(event_id)


class Session:
    """A session of *model* with one client. `run` returns when it is over."""

    def __init__(self, model: str, socket: web.WebSocketResponse, wire: Wire, around: Surroundings) -> None:
        self.model = model
        self.id = new_id("sess")
        self.settings = Settings()
        self.wire = wire
        self.heard = Heard()
        self.option = around.option
        self.pause = around.pause
        self._check_pairing = around.check_pairing
        self._fault = around.fault
        self._socket = socket
        self._speaker = Speaker(self)
        self._text = ""
        self._texts = 0
        self._begun = self._finishing = False
        self._answers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            UPDATE: self._update,
            APPEND: self._append,
            "input_text_buffer.commit": self._commit,
            "input_text_buffer.clear": self._clear,
            FINISH: self._finish,
            "response.cancel": self._cancel,
        }

    @property
    def live(self) -> bool:
        """Whether the session behaves as recordings show it, rather than as strictly as the documents allow."""
        return bool(self.option("realtime_live_like"))

    async def run(self) -> None:
        """Greet, read and speak until either side is done, then close."""
        limit_s = float(self.option("realtime_session_s")) or None
        parts = [asyncio.ensure_future(part) for part in (self._read(), self._speak())]
        try:
            done, _ = await asyncio.wait(parts, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if not done and not self.wire.silent:
                with suppress(Ended):
                    await self.wire.fail("RequestTimeOut", "The session lasted too long.")
        finally:
            for part in parts:
                part.cancel()
            outcomes = await asyncio.gather(*parts, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, (Ended, ConnectionError)):
                raise outcome
        await self.wire.hang_up()

    async def leave(self) -> None:
        """Greet, and close without a word: what becomes of a model that does not exist. P-25: it stays, in silence."""
        with suppress(Ended):
            await self.wire.send("session.created", session=self._shown())
            self.wire.silent = self._fault("P-25")
            await (self._read() if self.wire.silent else asyncio.sleep(SILENT_LEAVE_S))
            await self.wire.close(1000)
        await self.wire.hang_up()

    async def _speak(self) -> None:
        await self.pause("realtime_created")
        await self.wire.send("session.created", session=self._shown())
        await self._speaker.run()
        await self.pause("realtime_finished")
        await self.wire.send("session.finished")
        await self.wire.close(1000)

    def _shown(self) -> dict[str, Any]:
        shown = self.settings.shown()
        return {"object": "realtime.session", **shown, "model": self.model, "id": self.id}

    # What the client says

    async def _read(self) -> None:
        idle_s = float(self.option("realtime_idle_s")) or None
        while True:
            try:
                message = await self._socket.receive(timeout=idle_s)
            except TimeoutError:
                await self.wire.fail("RequestTimeOut", "The session was idle for too long.")
            if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                self._left(message)
                return
            await self._take(message)

    def _left(self, message: WSMessage) -> None:
        if message.type is WSMsgType.CLOSE and not self.wire.closed:
            self.wire.closed = {"by": "client", "code": message.data, "reason": message.extra or ""}

    async def _take(self, message: WSMessage) -> None:
        if message.type is not WSMsgType.TEXT:
            self.heard.violations.append("P-21: a binary frame")
            await self.wire.fail("InvalidParameter", "Binary frames are not supported.")
        try:
            event = json.loads(message.data)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            self.heard.violations.append("P-21: a frame that is no JSON object")
            await self.wire.fail("InvalidParameter", "The message is not a JSON object.")
        self.heard.note(event)
        kind = event.get("type")
        answer = self._answers.get(kind) if isinstance(kind, str) else None
        if answer is None:
            await self._wrong("invalid_value", f"Invalid value: '{kind}' for 'type'.", f"event of type {kind}")
        elif self._finishing:
            self.heard.violations.append(f"P-30: {kind} after {FINISH}")
        else:
            await answer(event)

    async def _update(self, event: dict[str, Any]) -> None:
        given = event.get("session")
        if self._begun and not self._fault("P-27"):
            self.heard.violations.append("P-27: session.update after synthesis had begun")
            text = "Session update error: the session cannot be updated after synthesis has begun."
            await self._refuse("invalid_value", text, fatal=True)
            return
        try:
            wanted = self.settings.updated(given if isinstance(given, dict) else {})
        except Invalid as invalid:
            await self._wrong("invalid_value", str(invalid), invalid.param)
            return
        if not await self.check_voice(wanted.voice):
            return
        self.settings = wanted
        await self.pause("realtime_updated")
        shown = {**self._shown(), "language_type": self.settings.language_type}
        await self.wire.send("session.updated", session=shown)

    async def _append(self, event: dict[str, Any]) -> None:
        text = event.get("text")
        if not isinstance(text, str):
            await self._wrong("invalid_value", "'text' must be a string.", "append without text")
            return
        self._texts += len(text)
        most = int(self.option("realtime_text_chars"))
        if most and self._texts > most:
            await self._wrong("InvalidParameter", f"Range of input length should be [0, {most}]", "too much text")
            return
        self._text += text
        if self.settings.mode == "server_commit":
            self._say_sentences()

    def _say_sentences(self) -> None:
        """What is complete need not wait for a commit."""
        end = 1 + max(self._text.rfind(mark) for mark in SENTENCE_ENDS)
        end += len(self._text[end:]) - len(self._text[end:].lstrip())
        if self._text[:end].strip():
            self._say(Say(self._text[:end]))
            self._text = self._text[end:]

    def _say(self, job: Say) -> None:
        self._begun = True
        self._speaker.say(job)

    async def _commit(self, _event: dict[str, Any]) -> None:
        if not self._text.strip():
            await self._wrong("invalid_value", "The input text buffer is empty.", "commit of an empty buffer")
            return
        self._say(Say(self._text, committed=True))
        self._text = ""

    async def _clear(self, _event: dict[str, Any]) -> None:
        if not self._fault("P-26"):
            self._text = ""
        await self.wire.send("input_text_buffer.cleared")

    async def _finish(self, _event: dict[str, Any]) -> None:
        self._finishing = True
        if self._text.strip():
            self._say(Say(self._text))
            self._text = ""
        self._speaker.say(None)

    async def _cancel(self, _event: dict[str, Any]) -> None:
        self._speaker.cancel()

    # Refusals

    async def check_voice(self, voice: str, *, at_last: bool = False) -> bool:
        """Whether the model takes *voice*; refused if not. Live-like: only when it is to be heard, *at_last*."""
        if (self.live and not at_last) or self._fault("P-24"):
            return True
        try:
            self._check_pairing(voice, self.model)
        except Refused as refused:
            reason = f"<400> InternalError.Algo.InvalidParameter: Voice '{voice}' is not supported."
            await self._refuse(refused.code, reason if self.live else refused.message, fatal=True)
            return False
        return True

    async def _wrong(self, code: str, text: str, what: str) -> None:
        self.heard.violations.append(f"P-30: {what}")
        await self._refuse(code, text, fatal=False)

    async def _refuse(self, code: str, text: str, *, fatal: bool) -> None:
        """An error; what follows it can be set: `realtime_errors` is `as_documented`, `fatal` or `survived`."""
        habit = self.option("realtime_errors")
        if habit == "fatal" or (fatal and habit != "survived"):
            await self.wire.fail(code, text)
        await self.wire.send("error", error={"code": code, "message": text})
