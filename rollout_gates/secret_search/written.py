"""Files that a run wrote, of any size: searched a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from rollout_gates.secret_search.finding import Finding, Scan
from rollout_gates.secret_search.searching import ANSWERS, Allowed, Searcher, without_repeats

TITLE: Final = "Evidence of this run"
MOST_BYTES: Final = 512 * 2**20
_SUBJECT: Final = "the evidence directory, while the run went"
_BATCH: Final = 4 * 2**20


def search_written(folder: Path, searcher: Searcher, *, allowed: Allowed) -> Scan:
    """Search all files below *folder*; *allowed* says what may stand there although it looks like a key."""
    findings: list[Finding] = []
    left_out: list[str] = []
    searched = size_bytes = 0
    cut = None
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        place, size = path.relative_to(folder).as_posix(), path.stat().st_size
        if size_bytes + size > MOST_BYTES:
            cut = f"the limit of {MOST_BYTES} bytes was reached before {place}"
            break
        if not _is_text(path):
            left_out.append(f"{place} (not text)")
            continue
        searched, size_bytes = searched + 1, size_bytes + size
        findings += _in_file(path, place, searcher, allowed)
    remarks = tuple(searcher.told(ANSWERS))
    return Scan(TITLE, _SUBJECT, searched, size_bytes, without_repeats(findings), tuple(left_out), remarks, cut)


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\x00" not in file.read(8192)


def _in_file(path: Path, place: str, searcher: Searcher, allowed: Allowed) -> Iterator[Finding]:
    before = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        # Whole lines: a secret that the end of a batch halved would be missed.
        while lines := file.readlines(_BATCH):
            for finding in searcher.search("".join(lines), place, ANSWERS, allowed=allowed):
                yield replace(finding, line=before + (finding.line or 1))
            before += len(lines)
