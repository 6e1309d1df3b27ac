"""What can be wrong with a migration, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Hazard(StrEnum):
    """What a statement does to what is there already."""

    LOSES = "drops, renames or retypes what exists"
    ALTERS = "deletes or overwrites rows that exist"
    REFUSES = "makes old reads or writes fail"
    OPENS = "opens what was closed"
    BLOCKS = "locks or rewrites a table that is in use"
    HIDES = "cannot be read"


class Weight(StrEnum):
    """What follows from a finding."""

    REFUSED = "refused"
    DOUBT = "doubt"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """One statement that is no harmless addition: which one, and *why* in one line."""

    hazard: Hazard
    rule: str
    file: str
    line: int
    statement: str
    why: str
    weight: Weight = Weight.REFUSED

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why} ({self.rule}): {self.statement}"
