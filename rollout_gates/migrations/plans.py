"""What is read of a database, and how a system's migrations are rehearsed. Light to import, unlike what acts on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Plan:
    """What to read. *groups*: the columns that rows of a table are counted by. *born*: the column with a row's time.

    *columns*: those to hash, of each table; absent: all. *until*: rows that are younger are left out.
    """

    schemas: tuple[str, ...] = ("public",)
    rules: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    born: str = "created_at"
    columns: Mapping[str, tuple[str, ...]] | None = None
    until: str | None = None

    def after(self, columns: Mapping[str, tuple[str, ...]], until: str | None = None) -> Plan:
        """Return the plan for a later moment: the *columns* from before, of rows from before."""
        return replace(self, columns=columns, until=until)


@dataclass(frozen=True)
class Manners:
    """How a system is rehearsed. *writes*: the columns that old code names in an insert, by table; absent: all."""

    plan: Plan = field(default_factory=Plan)
    writes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: tuple[str, ...] = ("anon", "authenticated")
