"""A small JSON document that all workers of a run share through the run directory."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock


class SharedState:
    """`with state.changed() as document:` reads, lets the caller change and writes back, under a lock.

    Held for microseconds, so it is taken without leaving the event loop.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{path}.lock", thread_local=False)

    @contextlib.contextmanager
    def changed(self) -> Iterator[dict[str, Any]]:
        """Yield the document; what the caller left in it is written on a clean exit."""
        with self._lock:
            document = self._read()
            before = json.dumps(document, sort_keys=True)
            yield document
            after = json.dumps(document, sort_keys=True)
            if after != before:
                self._write(after)

    def read(self) -> dict[str, Any]:
        """Return a copy of the document."""
        with self._lock:
            return self._read()

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def _write(self, text: str) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self._path)
