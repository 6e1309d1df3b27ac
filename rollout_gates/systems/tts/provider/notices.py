"""What the vendor announced about its models: data with days and sources, from notices.toml."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Notice:
    """One notice. *source* is `vendor` or `reader`, *where* says it in words; *noticed* is None where it is unknown."""

    models: tuple[str, ...]
    off_line: date
    source: str
    where: str
    noticed: date | None = None

    def told(self, model: str) -> str:
        """Return what is announced for *model*, with day and source."""
        return f"{model}: announced to go off line on {self.off_line} ({self.where})"


@functools.cache
def notices() -> tuple[Notice, ...]:
    """Return all notices, oldest first."""
    table = tomllib.loads(Path(__file__).with_name("notices.toml").read_text(encoding="utf-8"))
    return tuple(Notice(**{**row, "models": tuple(row["models"])}) for row in table["notice"])


def notice_of(model: str) -> Notice | None:
    """Return the notice that speaks of *model*, or None."""
    return next((each for each in notices() if any(fnmatchcase(model, pattern) for pattern in each.models)), None)
