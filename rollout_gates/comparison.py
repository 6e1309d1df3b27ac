"""Two moments side by side: what was before, what is after, and the difference; counts by group as bars.

A flow hands a `Comparison` to ``context.compare``: it stands in ``evidence.json`` under ``comparisons``, and in the
report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

EVENT: Final = "comparison"


@dataclass(frozen=True)
class Line:
    """One thing that is compared. *good*: whether it is as it has to be; ``None`` where it is only told."""

    name: str
    before: str
    after: str
    difference: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Bar:
    """How many there are of one group, before and after."""

    group: str
    before: int
    after: int


@dataclass(frozen=True)
class Comparison:
    """A table of *lines*, and *bars* where counts by group are compared."""

    title: str
    note: str
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return the fields of the event."""
        return {
            "title": self.title,
            "note": self.note,
            "lines": [vars(line) for line in self.lines],
            "bars": [vars(bar) for bar in self.bars],
        }
