"""A small JSON document that all workers of a run share through the run directory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_MOST_BYTES = 1 << 22


class SharedState:
    """`with state.changed() as document:` reads, lets the caller change and writes back, under a lock.

    The lock is `flock` on the file itself, kept open: some 20 µs a change, which is little enough to take it without
    leaving the event loop (opening a lock file each time costs twenty times as much). The document is written by a
    single call, so a killed process leaves the old one or the new one. Raises ``ValueError`` for a damaged file:
    what was counted must not be forgotten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread_lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def close(self) -> None:
        """Close the file; a closed state cannot be used any more."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __del__(self) -> None:
        self.close()

    @contextlib.contextmanager
    def changed(self) -> Iterator[dict[str, Any]]:
        """Yield the document; what the caller left in it is written on a clean exit."""
        with self._locked() as file:
            before = os.pread(file, _MOST_BYTES, 0)
            document = self._document(before)
            yield document
            after = json.dumps(document, separators=(",", ":")).encode() + b"\n"
            if after != before[: len(after)]:
                os.pwrite(file, after, 0)

    def read(self) -> dict[str, Any]:
        """Return a copy of the document."""
        with self._locked() as file:
            return self._document(os.pread(file, _MOST_BYTES, 0))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        if self._file is None:
            raise ValueError(f"{self._path} is closed")
        with self._thread_lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield self._file
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _document(self, data: bytes) -> dict[str, Any]:
        # A shorter document leaves the end of the longer one behind it: the first line counts.
        line = data.partition(b"\n")[0]
        if not line:
            return {}
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ValueError(f"{self._path} is damaged")  # noqa: TRY004 - the file's content, not a type
        return document
