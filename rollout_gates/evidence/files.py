"""The files of an evidence directory: written whole or not at all, and known by their digests."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "digests.json"
MANIFEST_SCHEMA: Final = "rollout-gates/digests/1"
STATEMENT: Final = "statement.dsse.json"
NOT_LISTED: Final = frozenset({MANIFEST, STATEMENT})
"""Files that the manifest leaves out: itself, and the statement that is signed over it later."""


class EvidenceNotWritten(Exception):
    """A file of the evidence could not be written. The run's verdict cannot be GO."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write *content* so that a reader finds the old file or the new one, never a part. Raises `EvidenceNotWritten`."""
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(file, "wb") as part:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise EvidenceNotWritten(f"{path}: could not be written: {problem.strerror}") from problem


def canonical_json(value: Any) -> str:
    """Return *value* as JSON in its one form: two blanks of indent, keys in the order given, one line end last."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def digest(path: Path) -> str:
    """Return the SHA-256 of the file at *path* in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def evidence_files(directory: Path) -> Iterator[Path]:
    """Yield every file below *directory* that the manifest lists, sorted by name."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.relative_to(directory).as_posix() not in NOT_LISTED:
            yield path


def described(directory: Path, paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return digest and size in bytes of each of *paths*, by its name below *directory*."""
    return {
        path.relative_to(directory).as_posix(): {"sha256": digest(path), "size_bytes": path.stat().st_size}
        for path in paths
    }


def manifest(directory: Path) -> str:
    """Return the manifest of *directory* as it has to stand in ``digests.json``, byte for byte."""
    return canonical_json({"schema": MANIFEST_SCHEMA, "files": described(directory, evidence_files(directory))})
