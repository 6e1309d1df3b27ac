"""Makes entries and ledgers of an invented system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rollout_gates.evidence.files import digest
from rollout_gates.ledger import Entry, append, open_store, read_ledger, told_of
from rollout_gates.ledger.entry import canonical, digest_of
from rollout_gates.ledger.evidence import compare


def run_id(number: int) -> str:
    return f"20260314T09{number:02d}00Z-00000{number:x}"


def document(number: int, verdict: str = "GO", **changes: Any) -> dict[str, Any]:
    """What evidence.json holds, as far as the ledger reads it."""
    outcome = {"GO": "green", "NO-GO": "red"}.get(verdict, "inconclusive")
    clauses = [
        {"id": f"SHOP-{name}", "system": "shop", "required": True, "outcome": each, "cells": [
            {"cell": "card", "judged": True}, {"cell": "invoice", "judged": False}]}
        for name, each in (("SMOKE-01", outcome), ("SMOKE-02", "green"))
    ]  # fmt: skip
    plain = {
        "run": {
            "id": run_id(number), "started": f"2026-03-14T09:{number:02d}:00.000Z",
            "finished": f"2026-03-14T09:{number:02d}:59.000Z", "env": "shop-1", "kind": "staging",
            "profile": "strict", "markers": "smoke", "systems": ["shop"], "revision": "abc",
            "facts": {"shop": {"pays": "card"}},
        },
        "verdict": verdict, "problems": [], "gates": [{"marker": "smoke", "verdict": verdict}], "clauses": clauses,
        "files": {},
    }  # fmt: skip
    return plain | changes


def evidence(folder: Path, number: int, verdict: str = "GO", **changes: Any) -> Path:
    """Write the evidence of a run below *folder*, and return its directory."""
    run = folder / run_id(number)
    run.mkdir(parents=True)
    (run / "events.jsonl").write_text("{}\n")
    files = {"events.jsonl": {"sha256": digest(run / "events.jsonl")}}
    (run / "evidence.json").write_text(json.dumps(document(number, verdict, files=files, **changes)))
    return run


def entered(place: Path | str, number: int, verdict: str = "GO", folder: Path | None = None) -> Entry:
    """Append the entry of a run."""
    told = told_of(document(number, verdict), folder or Path("nowhere"), "2026-03-14T10:00:00.000Z", verdict)
    return append(open_store(str(place)), told)


def ledger_of(folder: Path, runs: int = 4) -> Path:
    """Make a ledger with the entries of *runs* runs, the second of them NO-GO."""
    for number in range(1, runs + 1):
        entered(folder, number, "NO-GO" if number == 2 else "GO")
    return folder


def found(folder: Path | str) -> list[str]:
    """Return what is wrong with a ledger."""
    ledger = read_ledger(open_store(str(folder)))
    return [*ledger.problems, *compare(ledger).problems]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def rewrite(path: Path, *, seal: bool = False, **changes: Any) -> None:
    """Change an entry as somebody would who has a text editor, or, with *seal*, who knows how entries are sealed."""
    body = json.loads(path.read_bytes()) | changes
    if seal:
        body["hash"] = digest_of(body)
    path.chmod(0o644)
    path.write_bytes(canonical(body))
