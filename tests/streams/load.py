"""Keeps processors busy, in processes that are started and ended by their id."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# It ends by itself after two minutes, should nobody be left to end it.
_BUSY = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: sum(range(10_000))"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Have *processes* compute while the block runs."""
    started = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(10)
