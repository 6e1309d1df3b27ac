"""The incident records that are on file, and what is missing in each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.evidence.incident import gaps
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    from rollout_gates.conductor import Context
    from rollout_gates.records import Incident

_MOST_BYTES = 4 * 2**20


@dataclass(frozen=True)
class IncidentRecord:
    """One incident on file: what the records call it, and what is *missing* in its document, one line a thing."""

    name: str
    missing: tuple[str, ...]


@flow("incidents")
async def incidents(context: Context) -> tuple[IncidentRecord, ...]:
    """Read all documents. Raises `NotConfigured` where no incident is on file: then there is nothing to judge."""
    records = context.environment.records
    if records is None or not records.incident:
        raise NotConfigured(
            "no [[incident]] is on record; a rehearsal leaves one too: rollout-gates incident DIR fills it in"
        )
    return tuple([await asyncio.to_thread(_read, each) for each in records.incident])


def _read(incident: Incident) -> IncidentRecord:
    path: Path | None = incident.file
    name = f"the incident of {incident.opened:%Y-%m-%dT%H:%MZ}"
    if path is None:
        return IncidentRecord(name, ("it has no file",))
    name = f"{name}, {path}"
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError as problem:
        return IncidentRecord(name, (f"it cannot be read: {problem.strerror}",))
    return IncidentRecord(name, tuple(gaps(text)))
