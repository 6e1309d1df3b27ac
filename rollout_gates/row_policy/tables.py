"""What the oracle found, as tables for the report: one of rows and who got at them, one of functions and who calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from rollout_gates.matrix import Cell, Matrix, Outcome
from rollout_gates.row_policy.model import Finding, Operation, Report, Verdict

_OUTCOMES: Final = {
    Verdict.LEAK: Outcome.LEAKED,
    Verdict.ALLOWED: Outcome.HELD,
    Verdict.DENIED: Outcome.HELD,
    Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE,
}
_OF_ROWS: Final = tuple(one for one in Operation if one not in {Operation.CALL, Operation.SET})
_NOTE: Final = "Acted out inside of the database, as each identity, in a transaction that was rolled back."
_LONGEST: Final = 200


def matrices(report: Report, who: Collection[str]) -> Iterator[Matrix]:
    """Yield the tables of *report* about the identities *who*; what nobody could act on is missing in them."""
    yield _table("Rows in the database", report, who, _OF_ROWS)
    yield _table("Functions in the database", report, who, (Operation.CALL,))


def _table(title: str, report: Report, who: Collection[str], operations: tuple[Operation, ...]) -> Matrix:
    mine = [found for found in report.findings if found.operation in operations and found.identity in who]
    cells = {(found.object, _column(found.identity, found.operation)): _cell(found) for found in mine}
    columns = tuple(_column(one, operation) for one in who for operation in operations)
    return Matrix(title, _NOTE, tuple(sorted({found.object for found in mine})), columns, cells)


def _column(identity: str, operation: Operation) -> str:
    return f"{identity}: {operation}"


def _cell(found: Finding) -> Cell:
    told = f"{found.verdict}, {found.way}: {found.evidence}" if found.way else f"{found.verdict}: {found.evidence}"
    return Cell(_OUTCOMES[found.verdict], told[:_LONGEST])
