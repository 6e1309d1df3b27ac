"""What was acted out, as a table: who or what was tried in its rows, the ways in its columns, an outcome in each cell.

A flow hands a `Matrix` to ``context.show``: it stands in ``evidence.json`` under ``matrices``, and in the report.
Parts of the same title are put together, so that several flows may fill one table; a cell told twice keeps the worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

EVENT: Final = "matrix"
Try = TypeVar("Try")


class Outcome(StrEnum):
    """How one cell ended, the worst first."""

    LEAKED = "leaked"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Cell:
    """One outcome, and why in a few words."""

    outcome: Outcome
    reason: str = ""


def worse(one: Cell, other: Cell) -> Cell:
    """Return the worse of two cells, *one* where neither is."""
    order = list(Outcome)
    return other if order.index(other.outcome) < order.index(one.outcome) else one


def worst(
    tries: Iterable[Try], place: Callable[[Try], tuple[str, str]], judged: Callable[[Try], Cell]
) -> dict[tuple[str, str], Cell]:
    """Return the worst outcome of *tries* in each place."""
    cells: dict[tuple[str, str], Cell] = {}
    for one in tries:
        cell = judged(one)
        cells[place(one)] = worse(cells[place(one)], cell) if place(one) in cells else cell
    return cells


@dataclass(frozen=True)
class Matrix:
    """A table of outcomes. *cells* are named by (row, column); a cell that is not among them counts as missing.

    A column called ``group: name`` stands below a heading ``group`` that it shares with its neighbours.
    """

    title: str
    note: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]

    def told(self) -> dict[str, Any]:
        """Return the fields of the event. Raises ``ValueError`` for a cell outside of the table."""
        if outside := [place for place in self.cells if place[0] not in self.rows or place[1] not in self.columns]:
            raise ValueError(f"{self.title}: {outside[0]} is neither a row nor a column")
        return {
            "title": self.title,
            "note": self.note,
            "rows": list(self.rows),
            "columns": list(self.columns),
            "cells": [
                {"row": row, "column": column, "outcome": str(cell.outcome), "why": cell.reason}
                for (row, column), cell in self.cells.items()
            ],
        }
