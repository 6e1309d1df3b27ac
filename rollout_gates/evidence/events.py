"""The event log of a run: one JSON object a line, appended while the run goes.

Everything else in an evidence directory is a rendering of this file, so it is written to survive: each event is one
``write`` of one whole line to a file opened for appending, which several processes may do at once, and a run that is
cut short leaves every line but perhaps the last one whole. The reader says what it could not read instead of hiding it.

Free text passes through a redactor before it is written. Counts, outcomes, reasons and digests stand in fields of
their own that no redactor touches, so that a verdict cannot lose its numbers to one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

SCHEMA: Final = "rollout-gates/events/1"
FILE_NAME: Final = "events.jsonl"

FREE_TEXT: Final = frozenset(
    {"message", "text", "error", "why", "how", "detail", "argv", "problem", "output", "command", "remedy"}
)
"""Fields, at any depth, that hold text from outside: from a target, an exception, a person."""

DURABLE: Final = frozenset(
    {
        *("run_started", "run_finished", "resource_planned", "resource_made", "resource_removed", "resource_left"),
        *("change_planned", "change_running", "change_made"),
    }
)
"""Kinds that reach the disk before `append` returns: without them nobody could clean up after a crash."""

Redact = Callable[[str], str]
Event = dict[str, Any]


class EventLogFailed(Exception):
    """An event could not be written whole. The run's evidence is incomplete and its verdict cannot be GO."""


def utc_now() -> str:
    """Return the time as ISO 8601 with milliseconds, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class EventLog:
    """Appends events to *path*; safe to be opened by several processes, and used by several threads, at once.

    *redact* is applied to free text (`FREE_TEXT`), and to nothing else. Raises `EventLogFailed` when the file cannot be
    opened, or a line not written whole.
    """

    def __init__(self, path: Path, redact: Redact | None = None, *, now: Callable[[], str] = utc_now) -> None:
        self.path = path
        self._redact = redact or (lambda text: text)
        self._now = now
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._end_cut_line(self._file)
        except OSError as problem:
            raise EventLogFailed(f"{path}: cannot be opened for appending: {problem.strerror}") from problem

    def append(self, kind: str, /, **fields: Any) -> None:
        """Write one event. Its ``t`` is the time of this call, in UTC."""
        if self._file is None:
            raise EventLogFailed(f"{self.path}: is closed, {kind} was not written")
        event = {"t": self._now(), "event": kind, **self._clean(fields)}
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"
        self._write(kind, line.encode("utf-8", "replace"))
        if kind in DURABLE:
            os.fsync(self._file)

    def close(self) -> None:
        """Bring everything to the disk, and close. Closing twice is allowed."""
        if self._file is None:
            return
        os.fsync(self._file)
        os.close(self._file)
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, kind: str, line: bytes) -> None:
        assert self._file is not None
        try:
            written = os.write(self._file, line)
        except OSError as problem:
            raise EventLogFailed(f"{self.path}: {kind} was not written: {problem.strerror}") from problem
        if written != len(line):
            raise EventLogFailed(f"{self.path}: {kind} was cut after {written} of {len(line)} bytes")

    @staticmethod
    def _end_cut_line(file: int) -> None:
        # A run that was killed in the middle of a line must not swallow the first line of who comes after it.
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")

    def _clean(self, value: Any, *, free: bool = False) -> Any:
        if isinstance(value, str):
            return self._redact(str(value)) if free else str(value)
        if isinstance(value, Mapping):
            return {str(key): self._clean(item, free=free or key in FREE_TEXT) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(item, free=free) for item in value]
        if isinstance(value, (set, frozenset)):
            return sorted(self._clean(item, free=free) for item in value)
        return value


@dataclass(frozen=True)
class Events:
    """What was read: *events* in the order of the file, and one line of *damage* for each line that is no event."""

    events: list[Event]
    damage: list[str] = field(default_factory=list)

    def of(self, *kinds: str) -> Iterator[Event]:
        """Yield the events of these kinds, in order."""
        return (event for event in self.events if event["event"] in kinds)

    def first(self, kind: str) -> Event:
        """Return the first event of *kind*, or an empty one."""
        return next(self.of(kind), {})

    def last(self, kind: str) -> Event:
        """Return the last event of *kind*, or an empty one."""
        found: Event = {}
        for event in self.of(kind):
            found = event
        return found


def read_events(path: Path) -> Events:
    """Read an event log. A line that cannot be read, such as a cut last one, becomes a line of damage; nothing raises.

    A missing file gives no events and one line of damage.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        return Events([], [f"{path.name}: cannot be read: {problem.strerror}"])
    events: list[Event] = []
    damage: list[str] = []
    # An empty line is what `EventLog` leaves when it opens the file while another process is in the middle of a write.
    lines = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        event = _event(line)
        if event is None:
            what = "is cut short" if number == len(lines) else "is not an event"
            damage.append(f"{path.name} line {number} {what} ({len(line)} bytes)")
        else:
            events.append(event)
    return Events(events, damage)


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line.decode("utf-8"))
    except ValueError:
        return None
    if isinstance(event, dict) and isinstance(event.get("event"), str) and isinstance(event.get("t"), str):
        return event
    return None
