"""Faults that sit in the database itself: switched on and off by statements, whenever a switch has moved.

`faults/F-xx.on.sql` and `F-xx.off.sql` hold the statements; `F-xx.migration.sql` is what a fault adds to a migration.
Where a function has a defect, its migration marks the
part that the defect lacks with `-- F-xx begins` and `-- F-xx ends`, and the function is replaced by one without it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg

from sandbox.tts.database.setup import HERE, migrations, read_sql, without_marked

if TYPE_CHECKING:
    from sandbox.tts.platform.jwt import Faults

_BY_STATEMENT = tuple(sorted(path.name.partition(".")[0] for path in (HERE / "faults").glob("*.on.sql")))
_BY_FUNCTION = {"F-63": "trial_or_debit", "F-80": "rate_limit"}
DATABASE_FAULTS = (*_BY_STATEMENT, *_BY_FUNCTION)


class DatabaseFaults:
    """Keeps one database in step with the fault switches."""

    def __init__(self, dsn: str, faults: Faults) -> None:
        """Take the *dsn* of the superuser and the switches."""
        self._dsn = dsn
        self._faults = faults
        self._applied: frozenset[str] = frozenset()
        self._lock = asyncio.Lock()

    async def follow(self) -> None:
        """Apply what was switched on since the last call, and undo what was switched off. Free when nothing was."""
        wanted = frozenset(fault for fault in DATABASE_FAULTS if self._faults.on(fault))
        if wanted == self._applied:
            return
        reference = getattr(self._faults, "position", "") == "reference"
        async with self._lock, await psycopg.AsyncConnection.connect(self._dsn) as connection:
            for fault in self._applied - wanted:
                await connection.execute(statements(fault, on=False))
            for fault in wanted - self._applied:
                await connection.execute(statements(fault, on=True, reference=reference))
            self._applied = wanted


def statements(fault: str, *, on: bool, reference: bool = False) -> LiteralString:
    """The statements that switch *fault* on or off; the *reference* build may have only a part of it."""
    part = HERE / "faults" / f"{fault}.reference.sql"
    if on and reference and part.is_file():
        return read_sql(part)
    if fault in _BY_FUNCTION:
        text = read_sql(_migration(_BY_FUNCTION[fault]))
        return without_marked(text, fault) if on else text
    return read_sql(HERE / "faults" / f"{fault}.{'on' if on else 'off'}.sql")


def _migration(name: str) -> Path:
    return next(path for path in migrations() if path.stem.endswith(name))
