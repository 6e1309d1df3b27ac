"""Who answers for a clause that is open, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

DUE_DAYS: Final[Mapping[str, int]] = {"critical": 1, "high": 7, "medium": 30, "low": 90}
"""Days after the run by which an open clause is to be mended, by its severity; the environment file may say other."""


def owner_of(clause: str, owners: Mapping[str, str]) -> str | None:
    """Return who answers for the group that *clause* is in: the longest key of *owners* that its ID begins with."""
    groups = [group for group in owners if clause.startswith(group)]
    return owners[max(groups, key=len)] if groups else None


def due(finished: str, severity: str, days: Mapping[str, int] | None = None) -> date:
    """Return the day by which a clause of *severity* is to be mended; *finished* is the end of the run, ISO 8601."""
    try:
        end = datetime.fromisoformat(finished)
    except ValueError:
        end = datetime.now(UTC)
    return end.date() + timedelta(days={**DUE_DAYS, **(days or {})}.get(severity, max(DUE_DAYS.values())))


def responsibility(clause: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[str, str]:
    """Return owner and day of one open *clause* of a run; of a waived one those of its waiver. Empty where unknown."""
    waiver = clause.get("waiver") or {}
    if clause.get("waiver_state") == "active":
        return str(waiver.get("owner") or ""), str(waiver.get("expires") or "")
    owner = owner_of(clause["id"], run.get("owners") or {})
    ended = str(run.get("finished") or run.get("started") or "")
    return owner or "", due(ended, clause["severity"], run.get("due_days")).isoformat()
