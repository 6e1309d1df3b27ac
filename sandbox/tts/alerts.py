"""The alert feed: one JSON object for each alert that fires, made of the log lines as they are written.

    {"timestamp": "...", "signal": "rate_limited", "count": 5, "window_s": 60}

Signals, by what is counted: `rate_limited` (429 in tier 1), `auth_denied` (401 and 403), `server_error` (5xx of the
routes that make something), `provider_error` (outcomes at a provider with an error category). A signal fires when
`THRESHOLD` of its lines fall into `WINDOW_S` seconds, and then not again within them.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox.clock import Clock

WINDOW_S = 60
THRESHOLD = 5
MAKING = ("/api/generate", "/api/voices/design", "/api/clone")


class Alerts:
    """Counts log lines and keeps what fired; appended to *file* as well, if there is one."""

    def __init__(self, clock: Clock, fault: Callable[[str], bool], *, file: Path | None = None) -> None:
        self.fired: list[dict[str, Any]] = []
        self._clock = clock
        self._fault = fault
        self._file = file
        self._seen: dict[str, deque[float]] = {}

    def observe(self, line: Mapping[str, Any]) -> None:
        """Take note of a log line. F-87: nobody does."""
        for signal in () if self._fault("F-87") else signals(line):
            self._count(signal)

    def _count(self, signal: str) -> None:
        now, seen = self._clock.time(), self._seen.setdefault(signal, deque(maxlen=THRESHOLD))
        seen.append(now)
        if len(seen) == THRESHOLD and now - seen[0] <= WINDOW_S:
            seen.clear()
            alert = {"timestamp": self._clock.now().isoformat(), "signal": signal, "count": THRESHOLD}
            self.fired.append({**alert, "window_s": WINDOW_S})
            append_line(self._file, self.fired[-1])


def signals(line: Mapping[str, Any]) -> Iterator[str]:
    """Yield the signals that a log line counts for."""
    status, path = line.get("status_code"), str(line.get("path", ""))
    if status == 429 and line.get("tier") == "tier1":
        yield "rate_limited"
    if status in {401, 403}:
        yield "auth_denied"
    if isinstance(status, int) and status >= 500 and path.startswith(MAKING):
        yield "server_error"
    if line.get("error_category"):
        yield "provider_error"


def append_line(file: Path | None, line: Mapping[str, Any]) -> None:
    """Append *line* to *file* as JSON, if there is one."""
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{json.dumps(line)}\n")
