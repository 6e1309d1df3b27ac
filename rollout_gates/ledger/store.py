"""Where a ledger lies: a directory, or a URL that `fsspec` knows. Files are created, whole, and never changed.

LedgerFailed is raised for whatever goes wrong between the run and the place: a full disk, no rights, no network.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.text import one_line

_READ_ONLY = 0o444


class LedgerFailed(Exception):
    """The ledger could not be read or written. A run that could not append its entry is never GO."""


class Store(Protocol):
    """A flat folder of small files."""

    place: str

    def names(self) -> list[str]:
        """Return the names of all files, sorted; none where the place does not exist yet."""

    def read(self, name: str) -> bytes:
        """Return the content of one file."""

    def create(self, name: str, content: bytes) -> None:
        """Create a file, whole or not at all. Raises ``FileExistsError`` where the name is taken."""


def usual_place(reports: Path, environment: str) -> str:
    """Return where the ledger of *environment* lies when its file does not say: beside the evidence of its runs."""
    return (reports / environment / "ledger").as_posix()


def open_store(place: str) -> Store:
    """Return the store at *place*, a directory or a URL. Raises `UsageProblem` for a URL that nothing here can open."""
    if "://" not in place:
        return FolderStore(Path(place))
    if place.startswith("file://"):
        return FolderStore(Path(urlsplit(place).path))
    return UrlStore(place)


class FolderStore:
    """A directory. A file appears whole, under a name that is linked once, and is read-only from then on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder.as_posix()

    def names(self) -> list[str]:
        """Return the names of all files."""
        try:
            return sorted(entry.name for entry in self.folder.iterdir() if not entry.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise LedgerFailed(f"{self.place}: cannot be listed: {problem.strerror}") from None

    def read(self, name: str) -> bytes:
        """Return the content of one file."""
        try:
            return (self.folder / name).read_bytes()
        except OSError as problem:
            raise LedgerFailed(f"{self.place}/{name}: cannot be read: {problem.strerror}") from None

    def create(self, name: str, content: bytes) -> None:
        """Write a part file, bring it to the disk, and link it under its name, which fails where the name is taken."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file, part = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.", suffix=".part")
            try:
                with os.fdopen(file, "wb") as writer:
                    writer.write(content)
                    writer.flush()
                    os.fsync(writer.fileno())
                Path(part).chmod(_READ_ONLY)
                os.link(part, self.folder / name)
            finally:
                Path(part).unlink(missing_ok=True)
            self._sync()
        except FileExistsError:
            if (self.folder / name).exists():
                raise
            raise LedgerFailed(f"{self.place}: is no directory") from None
        except OSError as problem:
            raise LedgerFailed(f"{self.place}/{name}: could not be written: {problem.strerror}") from None

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class UrlStore:
    """A folder that `fsspec` reaches. How exclusive its creation is depends on the backend; see ``docs/ledger.md``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.password:
            raise UsageProblem("ledger: credentials never stand in a URL; give them as the backend documents")
        self.place = url.rstrip("/")
        self._files, self._folder = _filesystem(self.place)

    def names(self) -> list[str]:
        """Return the names of all files, as they are now: listings that were remembered do not count."""
        try:
            self._files.invalidate_cache()
            found = self._files.ls(self._folder, detail=False)
        except FileNotFoundError:
            return []
        except Exception as problem:  # noqa: BLE001 - each backend has errors of its own
            raise LedgerFailed(f"{self.place}: cannot be listed: {_told(problem)}") from None
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)
        return sorted(name for name in names if not name.startswith("."))

    def read(self, name: str) -> bytes:
        """Return the content of one file."""
        try:
            content: bytes = self._files.cat_file(f"{self._folder}/{name}")
        except Exception as problem:  # noqa: BLE001 - as above
            raise LedgerFailed(f"{self.place}/{name}: cannot be read: {_told(problem)}") from None
        return content

    def create(self, name: str, content: bytes) -> None:
        """Create a file; where the backend only looks before it writes, look again whose content stands there."""
        path = f"{self._folder}/{name}"
        try:
            try:
                self._files.pipe_file(path, content, mode="create")
            except FileNotFoundError:
                self._files.makedirs(self._folder, exist_ok=True)
                self._files.pipe_file(path, content, mode="create")
        except FileExistsError:
            raise
        except Exception as problem:  # noqa: BLE001 - as above
            # Some backends have a word of their own for a name that is taken, and an answer may get lost.
            if name not in self.names():
                raise LedgerFailed(f"{self.place}/{name}: could not be written: {_told(problem)}") from None
        if self.read(name) != content:
            raise FileExistsError(name)


def _filesystem(url: str) -> tuple[Any, str]:
    """Return `fsspec`'s file system for *url*, and the path within. It is loaded by those who have a URL only."""
    import fsspec  # noqa: PLC0415

    try:
        files, folder = fsspec.url_to_fs(url)
    except (ImportError, ValueError, OSError) as problem:
        raise UsageProblem(f"ledger: {url} cannot be opened: {_told(problem)}") from None
    return files, str(folder).rstrip("/")


def _told(problem: Exception) -> str:
    return f"{type(problem).__name__}: {one_line(problem, 300)}"
