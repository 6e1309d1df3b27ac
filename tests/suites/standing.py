"""Makes records and ledger entries as they stand before a switch, for the expectations about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rollout_gates.ledger import Entry, append, open_store, told_of
from rollout_gates.ledger.entry import GENESIS, SCHEMA
from rollout_gates.records import Records
from rollout_gates.systems.tts.flows.preflight.on_file import OnFile

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BUILD = "build-7"
LANE = "task"


def signatures(**changes: Any) -> list[dict[str, Any]]:
    plain = {"by": "A. Person", "on": NOW.date() - timedelta(days=3), "build": BUILD}
    return [{"item": f"task-{number:02d}", **plain, **changes} for number in range(1, 11)]


def records(**changes: Any) -> Records:
    plain = {
        "build": BUILD,
        "sign_off": signatures(),
        "on_call": [
            {"name": "B. Person", "contact": "+00 1", "since": NOW - timedelta(1), "until": NOW + timedelta(1)}
        ],
        "deployed": {"schema_at": NOW - timedelta(days=2), "code_at": NOW - timedelta(days=1)},
    }
    return Records.model_validate(plain | changes)


def entry(gate: str = "smoke", verdict: str = "GO", days: float = 1, number: int = 1, **changes: Any) -> Entry:
    at = NOW - timedelta(days=days)
    plain = {
        "schema": SCHEMA, "sequence": number, "previous": GENESIS, "hash": "a" * 64, "run": f"run-{number}",
        "started": at - timedelta(minutes=5), "finished": at, "env": "staging-1", "kind": "staging", "profile": "strict",
        "markers": gate, "systems": ("tts",), "facts": {"tts": {"mode": "qwen", "lane": LANE}}, "cells": {"tts": ()},
        "revision": None, "verdict": verdict, "problems": 0, "gates": {gate: verdict}, "clauses": {}, "blockers": (),
        "evidence": {"folder": "x", "sha256": None},
    }  # fmt: skip
    return Entry.model_validate(plain | changes)


BOTH = {"tts": ("modal-task", "qwen-task")}


def on_file(*entries: Entry, **changes: Any) -> OnFile:
    """What is on file with these entries, by default with a matrix in both modes and a rehearsal."""
    usual = (entry("mode-matrix", cells=BOTH), entry("restoration", number=2))
    plain = OnFile(records(), "reports/staging/ledger", entries or usual, NOW, LANE)
    return replace(plain, **changes)


def grown(place: Path, gate: str, verdict: str = "GO", number: int = 1, **changes: Any) -> None:
    """Append an entry as if a run of *gate* had just ended."""
    at = datetime.now(UTC)
    document = {
        "run": {
            "id": f"{at:%Y%m%dT%H%M%SZ}-{number:06x}", "started": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "finished": f"{at:%Y-%m-%dT%H:%M:%SZ}", "env": "before", "kind": "local", "profile": "strict",
            "markers": gate, "systems": ["tts"], "revision": None, "facts": {"tts": {"mode": "qwen", "lane": LANE}},
        },
        "verdict": verdict, "problems": [], "gates": [{"marker": gate, "verdict": verdict}],
        "clauses": [{"id": "TTS-MODE-01", "system": "tts", "required": True, "outcome": "green", "cells": [
            {"cell": cell, "judged": True} for cell in BOTH["tts"]]}],
    }  # fmt: skip
    append(open_store(str(place)), told_of(document | changes, Path("elsewhere"), "", verdict))
