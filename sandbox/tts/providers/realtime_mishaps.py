"""What can be made to go wrong in a realtime session, by a script for the call `realtime_session`.

The script's body is one mishap, or a list of them:

    {"at": "response.audio.delta", "after": 2, "do": "error", "code": "InternalError", "message": "...", "close": 1007}

*at* is the type of the server event before which it happens, *after* how many of that type were sent before it. *do*:

    error    an `error` event, then a close with *close* (1007; 0: the session goes on)
    close    a close with *code* (1011) and *reason*
    drop     the TCP connection is cut, without a close frame
    silence  nothing is sent any more, and nothing closed
    skip     this event is left out
    wait     *seconds* pass
    binary   a binary frame of *bytes* zeros
    text     *data* as a text frame, as it stands
    event    *event* as JSON
    huge     one more delta of *bytes*
    many     *count* more deltas of *bytes* each
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, fields
from typing import Any

DEEDS = ("error", "close", "drop", "silence", "skip", "wait", "binary", "text", "event", "huge", "many")
DELTA = "response.audio.delta"


@dataclass
class Mishap:
    """One mishap of one session. *seen* counts the events of type *at* that came by."""

    do: str
    at: str = DELTA
    after: int = 0
    code: str | int = ""
    message: str = "An internal error has occurred."
    reason: str = ""
    close: int = 1007
    seconds: float = 1.0
    bytes: int = 64
    count: int = 1
    data: str = "this is not JSON"
    event: dict[str, Any] = field(default_factory=dict)
    seen: int = 0

    def due(self, kind: str) -> bool:
        """Whether it happens before this event of type *kind*, which is counted."""
        if kind != self.at:
            return False
        self.seen += 1
        return self.seen == self.after + 1

    @property
    def close_code(self) -> int:
        """The code of a `close`."""
        return self.code if isinstance(self.code, int) else 1011


def read(body: Any) -> list[Mishap]:
    """The mishaps that the body of a script names. Raises ValueError."""
    listed = body if isinstance(body, list) else [body]
    return [_mishap(one) for one in listed]


def _mishap(given: Any) -> Mishap:
    known = [one.name for one in fields(Mishap) if one.name != "seen"]
    if not isinstance(given, dict) or not set(given) <= set(known):
        raise ValueError(f"a mishap is an object with {', '.join(known)}")
    if given.get("do") not in DEEDS:
        raise ValueError(f"a mishap does one of {', '.join(DEEDS)}")
    return Mishap(**given)


def delta(place: dict[str, Any], size_bytes: int) -> dict[str, Any]:
    """The fields of a delta of *size_bytes* zeros."""
    return {**place, "delta": base64.b64encode(bytes(size_bytes)).decode()}
