"""Windows of time: half open, back to back, so that no moment is judged twice and none is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
LONGEST_S: Final = 7 * 86_400.0


def duration_s(text: str) -> float:
    """Return the seconds in *text*: ``30s``, ``30m``, ``2h``, ``1h30m``. Raises ``ValueError`` for anything else."""
    parts = _DURATION.findall(text.strip())
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text.strip():
        raise ValueError("is not a duration such as 30s, 30m, 2h or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not 1 <= seconds <= LONGEST_S:
        raise ValueError("is not between 1s and 7d")
    return seconds


@dataclass(frozen=True, order=True)
class Window:
    """The moments from *start* up to, but without, *end*; seconds since the epoch."""

    start: float
    end: float

    def __contains__(self, at: float) -> bool:
        return self.start <= at < self.end

    def __str__(self) -> str:
        return f"{clock_time(self.start)} to {clock_time(self.end)} UTC"

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def share(self, now: float) -> float:
        """Return how much of it is over at *now*, from 0 to 1."""
        return min(1.0, max(0.0, (now - self.start) / self.seconds)) if self.seconds > 0 else 1.0


def back_to_back(end: float, seconds: float, count: int) -> tuple[Window, ...]:
    """Return *count* windows of *seconds* each, the oldest first, of which the last ends at *end*."""
    starts = [end - seconds * number for number in range(count, 0, -1)]
    return tuple(Window(start, start + seconds) for start in starts)


def clock_time(at: float) -> str:
    """Return the time of day at *at*, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
