"""What was said in one realtime session, frame by frame, and how it ended. Frozen: many rules look at one dialogue."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

DELTA = "response.audio.delta"
CREATED, UPDATED, FINISHED = "session.created", "session.updated", "session.finished"
UPDATE, APPEND, COMMIT, CLEAR = (
    "session.update", "input_text_buffer.append", "input_text_buffer.commit", "input_text_buffer.clear",
)  # fmt: skip
FINISH = "session.finish"
COMMITTED, CLEARED = "input_text_buffer.committed", "input_text_buffer.cleared"
RESPONSE, DONE = "response.created", "response.done"
ERROR = "error"


class Kind(StrEnum):
    """What a frame holds."""

    EVENT = "event"
    """A JSON object with a type."""
    UNTYPED = "a JSON object without a type"
    NO_OBJECT = "JSON that is no object"
    NO_JSON = "text that is no JSON"
    NO_TEXT = "text that is no UTF-8"
    BINARY = "binary data"


class Ending(StrEnum):
    """How a dialogue ended."""

    REFUSED = "the handshake was refused"
    SERVER_CLOSED = "the server closed"
    CLIENT_CLOSED = "the client closed, since the server did not"
    LOST = "the connection was lost without a close frame"
    IDLE = "nothing came for longer than the idle limit"
    OVERTIME = "it went on for longer than the total limit"
    TOO_MANY = "more frames came than a session may have"
    TOO_LARGE = "more came than is held in memory"
    BROKEN = "the frames themselves violated the WebSocket protocol"
    CUT_OFF = "the run ended it"


@dataclass(frozen=True, repr=False)
class Delta:
    """The audio of one delta: its bytes, or the *problem* why there are none."""

    data: bytes = b""
    problem: str = ""

    @cached_property
    def sha256(self) -> str:
        """The digest of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Frame:
    """One message. *at_s* is seconds after the handshake began; *event* is empty for what is none.

    The ``delta`` of an audio event is taken out of it and decoded. *shown* is the start of what is no event.
    """

    at_s: float
    sent: bool
    kind: Kind
    event: Mapping[str, Any] = field(default_factory=dict)
    delta: Delta | None = None
    shown: str = ""

    @property
    def type(self) -> str:
        """The type of the event, or an empty text."""
        return str(self.event.get("type", "")) if self.kind is Kind.EVENT else ""


@dataclass(frozen=True)
class Asked:
    """What a dialogue asked for. *texts* are what is to be spoken, one a commit in mode `commit`."""

    model: str
    voice: str
    mode: str = "server_commit"
    response_format: str = "pcm"
    sample_rate: int = 24_000
    language_type: str = "Auto"
    texts: tuple[str, ...] = ()

    @property
    def session(self) -> dict[str, Any]:
        """The object of `session.update`."""
        keys = ("voice", "mode", "response_format", "sample_rate", "language_type")
        return {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Dialogue:
    """One session. *status* is that of a refused handshake; *close_code* and *close_reason* are the server's.

    *exchange_id* and *transcript* say where it is recorded.
    """

    name: str
    asked: Asked
    frames: tuple[Frame, ...]
    ending: Ending
    ended_s: float
    status: int | None = None
    close_code: int | None = None
    close_reason: str = ""
    exchange_id: str = ""
    transcript: str = ""

    @cached_property
    def heard(self) -> tuple[tuple[int, Frame], ...]:
        """What the server said, with the index of each frame."""
        return tuple((index, frame) for index, frame in enumerate(self.frames) if not frame.sent)

    def of(self, *types: str, sent: bool = False) -> tuple[tuple[int, Frame], ...]:
        """Return the events of *types* of one side, with their indexes."""
        return tuple(
            (index, frame) for index, frame in enumerate(self.frames) if frame.sent is sent and frame.type in types
        )

    def first(self, *types: str, sent: bool = False) -> int | None:
        """Return the index of the first event of *types* of one side."""
        return next((index for index, _ in self.of(*types, sent=sent)), None)

    @property
    def finished(self) -> bool:
        """Whether the server said that the session is finished."""
        return self.first(FINISHED) is not None

    def told(self) -> str:
        """Return in one line how it ended."""
        code = f" with {self.close_code}" if self.close_code is not None else ""
        reason = f" {self.close_reason!r}" if self.close_reason else ""
        status = f" with HTTP {self.status}" if self.status is not None else ""
        return f"{self.ending.value}{code}{reason}{status} after {self.ended_s:.1f} s"
