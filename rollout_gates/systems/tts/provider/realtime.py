"""A client of the provider's realtime protocol (protocol sheet, section 6): it says, hears and records.

    async with talking(line, "greeting", asked) as talk:
        await talk.until("session.created")
        await talk.say("session.update", session=asked.session)
        ...
        await talk.to_the_end()
    talk.dialogue

Whatever a provider does once it was reached is a `Dialogue` with an `Ending`. Raises the kinds of `CouldNotJudge` when
nothing that speaks HTTP answered the handshake. No proxy is used, TLS is always verified, no redirect is followed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from rollout_gates.json_text import parse
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.provider.frames import DELTA, FINISHED, Asked, Delta, Dialogue, Ending, Frame, Kind
from rollout_gates.systems.tts.provider.recording import record
from rollout_gates.wire.client import current_transcript
from rollout_gates.wire.errors import CouldNotJudge, TargetUnreachable, TimedOut, TlsFailed, one_line, shown_url

if TYPE_CHECKING:
    from rollout_gates.environment import Secret
    from rollout_gates.wire import Wire

MOST_FRAMES = 20_000
MOST_FRAME_BYTES = 8 * 2**20
MOST_AUDIO_BYTES = 64 * 2**20
# Of all that is no audio: what is kept of events.
MOST_EVENT_BYTES = 16 * 2**20
NORMAL, INVALID_DATA, TOO_BIG, PROTOCOL_ERROR = 1000, 1007, 1009, 1002
_SHOWN = 120
_CLOSE_S = 3.0


@dataclass(frozen=True)
class Limits:
    """Seconds: without a frame, in all, for the handshake, and for the server to close once it said it is finished."""

    idle_s: float = 15.0
    total_s: float = 60.0
    open_s: float = 10.0
    finish_s: float = 10.0

    @classmethod
    def of(cls, timeout_s: float) -> Limits:
        """Derive them from the one limit of the environment file."""
        short = min(10.0, timeout_s)
        return cls(idle_s=min(15.0, timeout_s), total_s=2 * timeout_s, open_s=short, finish_s=short)


@dataclass(frozen=True)
class Line:
    """Where sessions are opened, and how they are recorded. *key* None sends no credential."""

    wire: Wire
    url: str
    key: Secret | None
    limits: Limits = Limits()
    tls: ssl.SSLContext | None = None

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers of a handshake that are not the protocol's own."""
        credential = [] if self.key is None else [("Authorization", f"Bearer {self.key.reveal()}")]
        return [*credential, ("User-Agent", self.wire.user_agent)]

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context of a handshake; none for an address of this machine without TLS."""
        if not self.url.startswith("wss:"):
            return None
        if self.tls is not None:
            return self.tls
        import httpx  # noqa: PLC0415 - for its way to the certificates alone, as the transport does it

        return httpx.create_ssl_context(trust_env=False)


class _Connect(connect):
    """A connect that never goes elsewhere: a redirect would carry the key to wherever it leads."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@contextlib.asynccontextmanager
async def talking(line: Line, name: str, asked: Asked) -> AsyncIterator[Talk]:
    """Open a session for *asked*, and record it when the block ends, however it ends.

    A refused handshake is a talk that has ended already.
    """
    talk = Talk(line, name, asked)
    try:
        await talk.open()
        yield talk
    finally:
        await talk.close()


@dataclass
class Talk:
    """One session while it goes on."""

    line: Line
    name: str
    asked: Asked
    frames: list[Frame] = field(default_factory=list)
    ending: Ending | None = None
    _status: int | None = None
    _code: int | None = None
    _reason: str = ""
    _audio_bytes: int = 0
    _event_bytes: int = 0
    _socket: ClientConnection | None = None
    _dialogue: Dialogue | None = None
    _finish_at: float | None = None

    def __post_init__(self) -> None:
        self._started = time.perf_counter()
        self._sent = datetime.now(UTC)
        self._idle_s = self.line.limits.idle_s
        self._until = self.line.limits.total_s
        self._exchange_id = self.line.wire.recorder.next_id()

    @property
    def over(self) -> bool:
        """Whether nothing more can be said or heard."""
        return self.ending is not None

    @property
    def dialogue(self) -> Dialogue:
        """The whole of it, once the block has ended."""
        assert self._dialogue is not None, "the dialogue is still going on"
        return self._dialogue

    async def open(self) -> None:
        """Shake hands. Raises kinds of `CouldNotJudge` when there is nobody to do so with."""
        url, limits = self._url, self.line.limits
        place = shown_url(self.line.url)
        try:
            async with asyncio.timeout(limits.open_s):
                self._socket = await _Connect(
                    url,
                    ssl=self.line.context(),
                    additional_headers=self.line.headers(),
                    user_agent_header=None,
                    compression=None,
                    proxy=None,
                    max_size=MOST_FRAME_BYTES,
                    max_queue=4,
                    ping_interval=None,
                    open_timeout=None,
                    close_timeout=_CLOSE_S,
                )
        except InvalidStatus as refused:
            self._status = refused.response.status_code
            self._end(Ending.REFUSED)
            self._note_body(bytes(refused.response.body or b""))
        except TimeoutError:
            raise TimedOut(f"{place}: no answer to the handshake within {limits.open_s:g} s") from None
        except ssl.SSLError as problem:
            reason = one_line(getattr(problem, "verify_message", "") or problem.reason or "no reason given", 120)
            raise TlsFailed(f"{place}: the TLS handshake failed: {reason}") from None
        except (InvalidHandshake, EOFError, ValueError) as problem:
            raise TargetUnreachable(
                f"{place}: the answer is no WebSocket handshake: {one_line(problem, 120)}"
            ) from None
        except OSError as problem:
            raise TargetUnreachable(f"{place}: no connection: {one_line(problem.strerror or problem, 120)}") from None

    @property
    def _url(self) -> str:
        return f"{self.line.url}?model={quote(self.asked.model, safe='')}"

    async def say(self, kind: str, **fields: Any) -> None:
        """Send one event with an id of its own. Nothing is sent once the session is over."""
        if self._socket is None or self.over:
            return
        event = {"event_id": f"event_{uuid.uuid4().hex}", "type": kind, **fields}
        try:
            async with asyncio.timeout(self._left_s()):
                await self._socket.send(dumps(event))
        except ConnectionClosed:
            return  # what came before the close is still to be heard
        except TimeoutError:
            self._end(Ending.OVERTIME)
            return
        self.frames.append(Frame(self._now(), sent=True, kind=Kind.EVENT, event=event))

    async def hear(self, *, within_s: float | None = None) -> Frame | None:
        """Return the next frame; None once it is over, or when nothing came *within_s*, which ends nothing."""
        if self._socket is None or self.over:
            return None
        patience_s = min(self._idle_s if within_s is None else within_s, self._left_s())
        try:
            async with asyncio.timeout(patience_s):
                message = await self._socket.recv()
        except TimeoutError:
            if self._left_s() <= 0:
                self._end(Ending.OVERTIME)
            elif within_s is None:
                self._end(Ending.IDLE)
            return None
        except ConnectionClosed as closed:
            self._closed(closed)
            return None
        frame = _frame(message, self._now())
        self.frames.append(frame)
        self._count(frame, len(message))
        if frame.type == FINISHED and self._finish_at is None:
            self._finish_at = self._now() + self.line.limits.finish_s
        return frame

    async def until(self, *types: str) -> Frame | None:
        """Hear up to the next event of *types*, and return it; None when it does not come."""
        while (frame := await self.hear()) is not None:
            if frame.type in types:
                return frame
        return None

    async def quiet(self, seconds: float) -> None:
        """Listen for *seconds* without saying anything, whatever comes."""
        end = self._now() + seconds
        while (left := end - self._now()) > 0 and not self.over:
            await self.hear(within_s=left)

    async def to_the_end(self) -> None:
        """Hear what there is, until the server closes; close in its place when it is long finished and does not."""
        while not self.over:
            left_s = None if self._finish_at is None else max(0.0, self._finish_at - self._now())
            if await self.hear(within_s=left_s) is None and not self.over:
                await self._leave()

    async def _leave(self) -> None:
        """Close, as nobody else does, and hear whether that is answered."""
        if self._socket is None:
            return
        self._end(Ending.CLIENT_CLOSED)
        await self._socket.close(NORMAL)
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                while True:
                    await self._socket.recv()
        answer = self._socket.protocol.close_rcvd
        self._code, self._reason = (answer.code, answer.reason) if answer else (None, "")

    async def close(self) -> None:
        """Let go of the connection, and write down what there was."""
        if self._socket is not None:
            if not self.over:
                self._end(Ending.CUT_OFF)
            self._socket.transport.abort()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._socket.wait_closed(), _CLOSE_S)
        if self.ending is None:
            self._end(Ending.LOST)
            return  # nothing was reached, and somebody is told so already
        self._dialogue = self._frozen()
        self._record(self._dialogue)

    def _frozen(self) -> Dialogue:
        assert self.ending is not None
        return Dialogue(
            name=self.name,
            asked=self.asked,
            frames=tuple(self.frames),
            ending=self.ending,
            ended_s=self._ended_s,
            status=self._status,
            close_code=self._code,
            close_reason=self._reason,
            exchange_id=self._exchange_id,
            transcript=current_transcript.get(),
        )

    def _record(self, dialogue: Dialogue) -> None:
        wire = self.line.wire
        if self.line.key is not None:
            wire.recorder.redactor.register(self.line.key.reveal(), "provider_key")
        try:
            record(
                wire.recorder,
                dialogue.transcript,
                dialogue.frames,
                exchange_id=dialogue.exchange_id,
                sent=self._sent,
                actor="provider_key" if self.line.key is not None else "anon",
                url=self._url,
                headers=self.line.headers(),
                status=101 if self._status is None else self._status,
                elapsed_s=dialogue.ended_s,
                told=f"realtime session {self.name!r}: {dialogue.told()}",
            )
        except OSError as problem:
            told = f"the session {self.name!r} could not be recorded: {problem.strerror}"
            raise CouldNotJudge(Reason.CHECK_ERRORED, told) from None

    # How it ends

    def _now(self) -> float:
        return time.perf_counter() - self._started

    def _left_s(self) -> float:
        return self._until - self._now()

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending
            self._ended_s = self._now()

    def _closed(self, closed: ConnectionClosed) -> None:
        """Understand how the connection ended: by the server, by nobody, or by ours since its frames were wrong."""
        ours = closed.sent.code if closed.sent is not None and not closed.rcvd_then_sent else None
        if closed.rcvd is not None and ours is None:
            self._code, self._reason = closed.rcvd.code, closed.rcvd.reason
            self._end(Ending.SERVER_CLOSED)
        elif ours == INVALID_DATA:
            self.frames.append(Frame(self._now(), sent=False, kind=Kind.NO_TEXT, shown=closed.sent.reason))  # type: ignore[union-attr]
            self._end(Ending.BROKEN)
        elif ours == TOO_BIG:
            self._end(Ending.TOO_LARGE)
        elif ours is not None:
            self._reason = one_line(closed.sent.reason if closed.sent else "", 120)
            self._end(Ending.BROKEN)
        else:
            self._end(Ending.LOST)

    def _count(self, frame: Frame, size: int) -> None:
        if frame.delta is not None:
            self._audio_bytes += len(frame.delta.data)
        else:
            self._event_bytes += size
        if len(self.frames) >= MOST_FRAMES:
            self._end(Ending.TOO_MANY)
        elif self._audio_bytes > MOST_AUDIO_BYTES or self._event_bytes > MOST_EVENT_BYTES:
            self._end(Ending.TOO_LARGE)

    def _note_body(self, body: bytes) -> None:
        """Keep what a refused handshake said."""
        if body:
            shown = one_line(body[: 8 * _SHOWN].decode("utf-8", "replace"), 4 * _SHOWN)
            self.frames.append(Frame(self._now(), sent=False, kind=Kind.NO_OBJECT, shown=shown))


def _frame(message: str | bytes, at_s: float) -> Frame:
    """Return *message* as a frame, its audio decoded."""
    if isinstance(message, bytes):
        return Frame(at_s, sent=False, kind=Kind.BINARY, shown=f"{len(message)} bytes: {message[:16].hex()}")
    shown = one_line(message[: 4 * _SHOWN], _SHOWN)
    try:
        event = parse(message)
    except ValueError:
        return Frame(at_s, sent=False, kind=Kind.NO_JSON, shown=shown)
    if not isinstance(event, dict):
        return Frame(at_s, sent=False, kind=Kind.NO_OBJECT, shown=shown)
    if not isinstance(event.get("type"), str) or not event["type"]:
        return Frame(at_s, sent=False, kind=Kind.UNTYPED, event=event, shown=shown)
    if event["type"] != DELTA:
        return Frame(at_s, sent=False, kind=Kind.EVENT, event=event)
    rest = {name: value for name, value in event.items() if name != "delta"}
    return Frame(at_s, sent=False, kind=Kind.EVENT, event=rest, delta=_delta(event))


def _delta(event: Mapping[str, Any]) -> Delta:
    """Decode strictly: the standard alphabet, padded, and not empty (protocol sheet, 6.4)."""
    given = event.get("delta")
    if not isinstance(given, str):
        return Delta(problem=f"it is {type(given).__name__}, not a text")
    if not given:
        return Delta(problem="it is empty")
    try:
        return Delta(base64.b64decode(given.encode("ascii"), validate=True))
    except (binascii.Error, ValueError) as problem:
        return Delta(problem=f"{one_line(problem, 60)}; it begins with {given[:24]!r}")
