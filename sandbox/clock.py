"""The clock of a sandbox: real time plus what a test has skipped.

Everything that expires or falls into a window (tokens, signed URLs, provider URLs, rate windows) asks this clock, so a
test moves an hour on without waiting for it. Latencies and timeouts are real time and ask the event loop instead.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall time in UTC, moved forward by `skip`. It never goes back."""

    def __init__(self) -> None:
        self._skipped_s = 0.0

    @property
    def skipped_s(self) -> float:
        """Seconds skipped since the start."""
        return self._skipped_s

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._skipped_s

    def now(self) -> datetime:
        """The same instant as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def skip(self, seconds: float) -> None:
        """Move on by *seconds*. Raises ValueError for a negative or endless skip."""
        if not 0 <= seconds <= 10 * 366 * 86400:
            raise ValueError(f"cannot skip {seconds} seconds: a skip is between 0 and ten years")
        self._skipped_s += seconds
