"""One entry: what it says of a run, its one form as bytes, and its hash.

The form is canonical JSON (RFC 8785). The hash is the SHA-256 of that form without the key ``hash``. A key may be added
later, none is renamed, while the number of the schema stays the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import rfc8785
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rollout_gates.evidence.document import FILE_NAME as EVIDENCE
from rollout_gates.evidence.files import digest

SCHEMA: Final = "rollout-gates/ledger/1"
GENESIS: Final = "0" * 64
"""What the first entry rests on."""

Hash = str
_HASH: Final = r"^[0-9a-f]{64}$"
_NAME: Final = re.compile(r"(?P<sequence>[0-9]{8,})-(?P<previous>[0-9a-f]{12})\.json")
_BLOCKING: Final = ("red", "inconclusive")


class Evidence(BaseModel):
    """Where the evidence of the run was written, and the digest of its ``evidence.json``, if there is one."""

    model_config = ConfigDict(frozen=True, extra="allow")

    folder: str
    sha256: str | None = Field(pattern=_HASH)


class Entry(BaseModel):
    """One verdict, as it was said.

    *previous* is the hash of the entry before; *clauses* has the outcome of each clause by its ID, *blockers* the IDs
    of those that kept the run from GO, *cells* the configurations of each system that were judged.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_: Literal["rollout-gates/ledger/1"] = Field(alias="schema")
    sequence: int = Field(ge=1)
    previous: Hash = Field(pattern=_HASH)
    hash: Hash = Field(pattern=_HASH)
    run: str
    started: AwareDatetime | None
    finished: AwareDatetime
    env: str
    kind: str
    profile: str
    markers: str
    systems: tuple[str, ...]
    facts: Mapping[str, Mapping[str, str]]
    cells: Mapping[str, tuple[str, ...]]
    revision: str | None
    verdict: Literal["GO", "NO-GO", "INCONCLUSIVE"]
    problems: int
    gates: Mapping[str, str]
    clauses: Mapping[str, str]
    blockers: tuple[str, ...]
    evidence: Evidence

    @property
    def name(self) -> str:
        """The name of the entry's file."""
        return file_name(self.sequence, self.previous)


def told_of(document: Mapping[str, Any], folder: Path, finished: str, verdict: str) -> dict[str, Any]:
    """Return what an entry says of the run in *document*, which is the content of its ``evidence.json``.

    *verdict* is the one that stands: it may be less than the document's, where the evidence was lost.
    """
    run, clauses = document["run"], document["clauses"]
    path = folder / EVIDENCE
    return {
        "schema": SCHEMA,
        "run": run["id"],
        "started": run["started"],
        "finished": run["finished"] or finished,
        **{key: run[key] for key in ("env", "kind", "profile", "markers", "systems", "revision")},
        "facts": run.get("facts") or {},
        "cells": _cells(clauses),
        "verdict": verdict,
        "problems": len(document["problems"]),
        "gates": {gate["marker"]: gate["verdict"] for gate in document["gates"]},
        "clauses": {clause["id"]: clause["outcome"] for clause in clauses},
        "blockers": sorted(clause["id"] for clause in clauses if clause["required"] and clause["outcome"] in _BLOCKING),
        "evidence": {"folder": folder.as_posix(), "sha256": digest(path) if path.is_file() else None},
    }


def _cells(clauses: Any) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for clause in clauses:
        found.setdefault(clause["system"], set()).update(cell["cell"] for cell in clause["cells"] if cell["judged"])
    return {system: sorted(cells) for system, cells in found.items()}


def sealed(told: Mapping[str, Any], sequence: int, previous: Hash) -> tuple[str, bytes]:
    """Return the name and the content of the file with which *told* becomes entry number *sequence*."""
    body = {**told, "sequence": sequence, "previous": previous}
    return file_name(sequence, previous), canonical({**body, "hash": digest_of(body)})


def digest_of(body: Mapping[str, Any]) -> Hash:
    """Return the hash of an entry: that of its canonical form without the key ``hash``."""
    return hashlib.sha256(canonical({key: value for key, value in body.items() if key != "hash"})).hexdigest()


def canonical(value: Any) -> bytes:
    """Return *value* in the one form of RFC 8785."""
    return rfc8785.dumps(value)


def file_name(sequence: int, previous: Hash) -> str:
    """Return the name of an entry's file: its number, and the beginning of the hash that it rests on.

    Two runs that append to the same head want the same name. So the one that comes second is refused by whatever
    creates files exclusively, and the chain cannot fork.
    """
    return f"{sequence:08d}-{previous[:12]}.json"


def parsed_name(name: str) -> tuple[int, str] | None:
    """Return number and beginning of the hash in the *name* of a file, or ``None`` where it is not that of an entry."""
    found = _NAME.fullmatch(name)
    return (int(found["sequence"]), found["previous"]) if found else None
