"""Reading answers without judging them: what is missing or renamed is left to the check that looks for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rollout_gates.wire.errors import BadAnswer
from rollout_gates.wire.reply import Reply
from rollout_gates.wire.urls import joined

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
TERMINAL = frozenset({"completed", "failed", "cancelled"})
ACTIVE = frozenset({"pending", "processing"})


def json_object(reply: Reply | None) -> Mapping[str, Any]:
    """Return the JSON object in *reply*; an empty one when there is no reply, no JSON, or another value."""
    if reply is None:
        return {}
    try:
        found = reply.json()
    except BadAnswer:
        return {}
    return found if isinstance(found, dict) else {}


def value(found: Mapping[str, Any], name: str) -> Any:
    """Return member *name*; failing that, a member that differs in case and underscores only.

    A renamed member is a finding of the clause that guards it. The flow goes on, so that other clauses are judged.
    """
    if name in found:
        return found[name]
    plain = _plain(name)
    return next((member for key, member in found.items() if _plain(str(key)) == plain), None)


def text(found: Mapping[str, Any], name: str) -> str | None:
    """Return member *name* (see `value`) when it is a string that is not empty."""
    member = value(found, name)
    return member if isinstance(member, str) and member else None


def rows(reply: Reply | None, name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the objects listed under *name* in *reply*; none when there is no such list."""
    listed = value(json_object(reply), name)
    return tuple(row for row in listed if isinstance(row, dict)) if isinstance(listed, list) else ()


def row_of(reply: Reply | None, name: str, row_id: str | None) -> Mapping[str, Any] | None:
    """Return the row with *row_id* from the list under *name*, or ``None``."""
    return next((row for row in rows(reply, name) if row_id is not None and row.get("id") == row_id), None)


def ids(listed: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ids of *listed*, in order."""
    return tuple(str(row.get("id")) for row in listed)


def detail(reply: Reply | None) -> str | None:
    """Return the error text of *reply*: the member ``detail`` of a JSON object, else ``None``."""
    return text(json_object(reply), "detail")


def status_of(reply: Reply | None) -> str | None:
    """Return the ``status`` of a task answer."""
    return text(json_object(reply), "status")


def is_terminal(reply: Reply) -> bool:
    """Whether waiting is over: the task has ended, or the answer is none that a later one could mend."""
    if reply.status in (429, 500, 502, 503, 504):
        return False
    return reply.status != 200 or status_of(reply) not in ACTIVE


def absolute(url: str, *, api_url: str, answered: str) -> str:
    """Return *url* out of an answer as something that can be fetched.

    ``/api/...`` is relative to the web application, so it is taken to the function's host (section 1.2). Anything
    else is relative to *answered*, the URL of the request that was answered. Raises `BadAnswer` for no http(s) URL.
    """
    if url == "/api" or url.startswith("/api/"):
        return api_url + url.removeprefix("/api")
    return joined(answered, url)


@dataclass(frozen=True)
class Playback:
    """A route that leads to bytes: the answer of the *route* itself, and the *media* where its redirects end."""

    route: Reply
    media: Reply | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes were heard; 0 unless the last answer was a success."""
        return len(self.media.body) if self.media is not None and self.heard else 0

    @property
    def heard(self) -> bool:
        """Whether bytes came whole, with status 200 or 206."""
        return self.media is not None and self.media.status in (200, 206) and self.media.fault is None

    @property
    def sha256(self) -> str:
        """The digest of the bytes, in hex."""
        return hashlib.sha256(self.media.body if self.media is not None else b"").hexdigest()


def is_uuid(word: object) -> bool:
    """Whether *word* is a UUID in its usual form."""
    return isinstance(word, str) and _UUID.fullmatch(word) is not None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
