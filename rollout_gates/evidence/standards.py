"""Which entries of the public standards that clauses point at were judged, and which were not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rollout_gates.verdict import CheckResult, ClauseResult, Outcome

Row = Mapping[str, Any]

COVERED: Final = "covered"
NOT_JUDGED: Final = "not judged"
NOT_COVERED: Final = "not covered"
"""Of an entry: a clause about it was judged; there are clauses, but none of them was; there is no clause at all."""

_JUDGED: Final = (Outcome.GREEN, Outcome.RED, Outcome.WAIVED)


def coverage(standards: Iterable[Row], clauses: Iterable[ClauseResult]) -> list[dict[str, Any]]:
    """Return each of *standards* (as the event ``expected`` tells them) with the clauses of each entry.

    A standard that is not whole lists only the entries that a clause of the run points at.
    """
    listed = list(clauses)
    return [
        {
            "key": standard["key"],
            "title": standard["title"],
            "whole": standard["whole"],
            "entries": [
                entry
                for entry in (_entry(name, title, listed) for name, title in standard["entries"].items())
                if standard["whole"] or entry["clauses"]
            ],
        }
        for standard in standards
    ]


def of_check(check: CheckResult, clauses: Iterable[ClauseResult]) -> list[str]:
    """Return the references of the clauses that *check* claims, each once."""
    return list(dict.fromkeys(name for clause in clauses if clause.id in check.clauses for name in clause.references))


def _entry(name: str, title: str, clauses: Iterable[ClauseResult]) -> dict[str, Any]:
    mine = [clause for clause in clauses if name in clause.references]
    judged = any(clause.outcome in _JUDGED for clause in mine)
    state = COVERED if judged else NOT_JUDGED if mine else NOT_COVERED
    return {"id": name, "title": title, "state": state, "clauses": [clause.id for clause in mine]}
