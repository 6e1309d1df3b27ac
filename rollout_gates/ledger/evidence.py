"""Comparing a ledger with the evidence that is still there: each entry with its run, and each run with the entries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollout_gates.evidence.document import FILE_NAME as EVIDENCE
from rollout_gates.evidence.files import digest
from rollout_gates.ledger.chain import Ledger
from rollout_gates.ledger.entry import Entry

NOT_ENTERED: Final = "the ledger entry was not written"
"""How the problem of a run begins that could not append."""

_RUN_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True)
class Compared:
    """*there*: how many entries have their evidence here. *problems*: one line for each thing that does not agree."""

    there: int
    problems: tuple[str, ...]


def compare(ledger: Ledger) -> Compared:
    """Compare *ledger* with what evidence of it can be found: where an entry says, or beside the ledger."""
    found = {entry.sequence: folder for entry in ledger.entries if (folder := _folder(ledger, entry)) is not None}
    problems = [
        f"entry {entry.sequence} (run {entry.run}): {line}"
        for entry in ledger.entries
        if entry.sequence in found
        for line in _differences(entry, found[entry.sequence])
    ]
    return Compared(len(found), (*problems, *_without_entry(ledger)))


def _folder(ledger: Ledger, entry: Entry) -> Path | None:
    for folder in (Path(entry.evidence.folder), Path(ledger.place).parent / entry.run):
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    return None


def _differences(entry: Entry, folder: Path) -> Iterator[str]:
    path = folder / EVIDENCE
    if entry.evidence.sha256 is None:
        return
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except (OSError, ValueError) as problem:
        yield f"{path}: cannot be read: {getattr(problem, 'strerror', None) or 'it is not JSON'}"
        return
    if document.get("run", {}).get("id") != entry.run:
        return  # another run was written there since; the evidence of this one is gone
    if digest(path) != entry.evidence.sha256:
        yield f"{path}: was changed since, or written by another version; its digest is not the one in the entry"
        return
    # A run that lost evidence at its very end says less in the ledger than what it had written by then.
    if document["verdict"] != entry.verdict and entry.verdict != "INCONCLUSIVE":
        yield f"{path}: says {document['verdict']}, the entry says {entry.verdict}"
    for name, told in document["files"].items():
        if not (folder / name).is_file():
            yield f"{folder / name}: is missing"
        elif digest(folder / name) != told["sha256"]:
            yield f"{folder / name}: was changed; its digest is not the one in {EVIDENCE}"


def _without_entry(ledger: Ledger) -> Iterator[str]:
    """Yield the runs beside a ledger that ended after its first entry and have none: a removed last entry, say."""
    beside = Path(ledger.place).parent
    if "://" in ledger.place or not ledger.entries or not beside.is_dir():
        return
    entered = {entry.run for entry in ledger.entries}
    first = min(entry.run for entry in ledger.entries)
    for path in sorted(beside.glob(f"*/{EVIDENCE}")):
        run = path.parent.name
        if not _RUN_ID.fullmatch(run) or run in entered or run < first:
            continue
        if (document := _read(path)) is not None and _should_be_entered(document):
            why = "it was removed, or is being written just now"
            yield f"run {run} ended with {document['verdict']} and has no entry: {why}; see {path.parent}"


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("run"), dict) else None


def _should_be_entered(document: Mapping[str, Any]) -> bool:
    """Whether the run came to its end, and did not say itself that it could not append."""
    told = any(str(problem).startswith(NOT_ENTERED) for problem in document.get("problems", ()))
    return bool(document["run"].get("finished")) and not told
