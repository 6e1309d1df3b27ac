"""The files of an evidence directory: written whole or not at all, and known by their digests."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

MANIFEST: Final = "digests.json"
MANIFEST_SCHEMA: Final = "rollout-gates/digests/1"
STATEMENT: Final = "statement.dsse.json"
_COMMA: Final = ",\n"
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


def canonical_json(value: Any, levels: int = 2) -> str:
    """Return *value* as JSON in its one form: keys in the order given, what lies deeper than *levels* on one line.

    So a list of records has a line a record, which a person can search, and is written ten times as fast as with full
    indentation.
    """
    return f"{_laid_out(value, levels, '')}\n"


def _laid_out(value: Any, levels: int, indent: str) -> str:
    if levels == 0 or not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(key)}: {_laid_out(item, levels - 1, deeper)}" for key, item in value.items()]
        return f"{{\n{_COMMA.join(lines)}\n{indent}}}"
    return f"[\n{_COMMA.join(deeper + _laid_out(item, levels - 1, deeper) for item in value)}\n{indent}]"


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


def manifest(directory: Path, known: Mapping[str, Any] | None = None) -> str:
    """Return the manifest of *directory* as it has to stand in ``digests.json``, byte for byte.

    *known* are files described a moment ago, which are not read again.
    """
    told = dict(known or {})
    fresh = (path for path in evidence_files(directory) if path.relative_to(directory).as_posix() not in told)
    files = told | described(directory, fresh)
    return canonical_json({"schema": MANIFEST_SCHEMA, "files": dict(sorted(files.items()))})
