"""The way out of a realtime session: every event passes here, and what was planned to go wrong happens here."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from sandbox.tts.providers import realtime_mishaps as mishaps
from sandbox.tts.providers.realtime_events import new_id
from sandbox.tts.providers.realtime_violations import CUT, FINISHED, Violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from sandbox.tts.providers.realtime_mishaps import Mishap

MAX_REASON_BYTES = 123
FATAL = 1007


class Ended(Exception):
    """The session is over; what had to be sent was sent."""


class Wire:
    """Sends events to one client. *planned*: the mishaps of this session."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        planned: list[Mishap],
        fault: Callable[[str], bool],
    ) -> None:
        self._request = request
        self._socket = socket
        self._planned = planned
        self._fault = fault
        self._violations = Violations(fault)
        self.silent = False  # whether nothing is sent any more
        self.sent: Counter[str] = Counter()
        self.closed: dict[str, Any] = {}

    async def send(self, kind: str, **fields: Any) -> None:
        """Send an event. Raises Ended when a mishap ended the session."""
        for mishap in [one for one in self._planned if one.due(kind)]:
            if mishap.do == "skip":
                return
            await self._befall(mishap, kind, fields)
        await self._put(kind, fields)

    async def fail(self, code: str, message: str, *, close: int = FATAL, reason: str | None = None) -> NoReturn:
        """An `error` event and a close. Raises Ended."""
        await self.send("error", error={"code": code, "message": message})
        await self.close(close, message if reason is None else reason)

    async def close(self, code: int, reason: str = "") -> NoReturn:
        """End the session with *code*, unless it has fallen silent: then wait until the client goes. Raises Ended."""
        if self.silent or (self.sent[FINISHED] and self._fault("P-20")):
            await asyncio.Event().wait()
        self.closed = {"by": "server", "code": code, "reason": reason}
        raise Ended

    async def hang_up(self) -> None:
        """Send the close frame that `close` decided on, if it did, and wait a little for the client's."""
        if self.closed.get("by") == "server" and self.closed["code"] is not None:
            await self._socket.close(code=self.closed["code"], message=_cut(self.closed["reason"]))

    def drop(self) -> NoReturn:
        """Cut the connection. Raises Ended."""
        self.closed = {"by": "server", "code": None, "reason": "connection cut"}
        if self._request.transport is not None:
            self._request.transport.abort()
        raise Ended

    async def _put(self, kind: str, fields: dict[str, Any]) -> None:
        for sent in self._violations.of({"event_id": new_id("event"), "type": kind, **fields}):
            if sent is CUT:
                self.drop()
            if isinstance(sent, bytes):
                await self._bytes(sent)
            else:
                await self._text(sent if isinstance(sent, str) else json.dumps(sent))
        self.sent[kind] += 1

    async def _text(self, text: str) -> None:
        if not self.silent:
            await self._socket.send_str(text)

    async def _bytes(self, data: bytes) -> None:
        if not self.silent:
            await self._socket.send_bytes(data)

    async def _befall(self, mishap: Mishap, kind: str, fields: dict[str, Any]) -> None:
        if mishap.do == "silence":
            self.silent = True
        elif mishap.do == "wait":
            await asyncio.sleep(mishap.seconds)
        elif mishap.do == "drop":
            self.drop()
        elif mishap.do == "close":
            await self.close(mishap.close_code, mishap.reason)
        elif mishap.do == "error":
            await self._put("error", {"error": {"code": mishap.code or "InternalError", "message": mishap.message}})
            if mishap.close:
                await self.close(mishap.close, mishap.reason or mishap.message)
        else:
            await self._say(mishap, kind, fields)

    async def _say(self, mishap: Mishap, kind: str, fields: dict[str, Any]) -> None:
        """What does not belong into the session is said, and the session goes on."""
        if mishap.do == "binary":
            await self._bytes(bytes(mishap.bytes))
        elif mishap.do == "text":
            await self._text(mishap.data)
        elif mishap.do == "event":
            await self._text(json.dumps(mishap.event))
        elif mishap.do in {"huge", "many"} and kind == mishaps.DELTA:
            place = {key: value for key, value in fields.items() if key != "delta"}
            for _ in range(mishap.count if mishap.do == "many" else 1):
                await self._put(kind, mishaps.delta(place, mishap.bytes))


def _cut(reason: str) -> bytes:
    """*reason* as a close frame may carry it."""
    return reason.encode()[:MAX_REASON_BYTES].decode("utf-8", "ignore").encode()
