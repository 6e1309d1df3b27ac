"""Tells the person who waits what the run is doing, from the run's own events."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.5
# What goes on for long is said less and less often: nobody reads a line each five seconds for half an hour.
_SLOWER, _QUIETEST_S = 1.5, 60.0
# A line begins with its time and its kind; the many of other kinds need not be read.
_OF_USE = re.compile(rb'"event":"(?:note|flow_started|flow_finished)"')
_HEAD = 120


class Progress:
    """Follows the event log and writes its notes, and after *quiet_s* seconds of silence what is still going on.

    As long as nothing begins or ends, it says so less and less often, at last once a minute.
    """

    def __init__(self, path: Path, write: Callable[[str], None], *, quiet_s: float = 5.0) -> None:
        self._path = path
        self._write = write
        self._quiet_s = self._next_s = quiet_s
        self._read = 0
        self._running: dict[str, float] = {}
        self._spoke = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait until it has stopped."""
        self._stopped.set()
        self._thread.join()

    def _follow(self) -> None:
        ended = False
        while not ended:
            ended = self._stopped.wait(_LOOK_EVERY_S)  # and one last look, so that no note is lost
            for event in self._news():
                self._take(event)
            if self._running and time.monotonic() - self._spoke > self._next_s:
                self._say(self._going_on())
                self._next_s = max(self._quiet_s, min(self._next_s * _SLOWER, _QUIETEST_S))

    def _news(self) -> Iterable[Mapping[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._read)
            content = file.read()
        whole = content.rfind(b"\n") + 1
        self._read += whole
        return [json.loads(line) for line in content[:whole].split(b"\n") if _OF_USE.search(line, 0, _HEAD)]

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "note":
                self._say(str(event.get("text")))
            case "flow_started":
                self._next_s = self._quiet_s
                self._running[_name(event)] = time.monotonic()
            case "flow_finished":
                self._next_s = self._quiet_s
                self._running.pop(_name(event), None)

    def _going_on(self) -> str:
        now = time.monotonic()
        oldest = sorted(self._running.items(), key=lambda pair: pair[1])
        named = [f"{name} ({now - since:.0f} s)" for name, since in oldest[:4]]
        more = f" and {len(oldest) - 4} more" if len(oldest) > len(named) else ""
        return f"still running: {', '.join(named)}{more}"

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        self._write(text)


def _name(event: Mapping[str, Any]) -> str:
    cell = event.get("cell")
    return f"{event.get('flow')} [{cell}]" if cell else str(event.get("flow"))
