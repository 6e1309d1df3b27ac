"""Keeps a copy of the rows that were there before, and finds those that are not there any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    import psycopg

    from rollout_gates.migrations.snapshot import Snapshot


class Kept:
    """Copies of all tables, in the session's own schema; they go with the session."""

    def __init__(self, connection: psycopg.Connection[Any], before: Snapshot) -> None:
        """Copy every table of *before*."""
        self._connection = connection
        self._before = before
        self._copies = {table: f"kept_from_before_{number}" for number, table in enumerate(before.tables)}
        for table, copy in self._copies.items():
            connection.execute(
                sql.SQL("create temporary table {} as select * from {}").format(sql.Identifier(copy), _name(table))
            )

    def missing(self, after: Snapshot) -> dict[str, int]:
        """Return how many rows of each table are gone, or differ in a column that is still what it was."""
        found = {}
        for table, copy in self._copies.items():
            if table not in after.tables:
                continue
            columns = [name for name in after.tables[table].hashes if self._same(table, name, after)]
            count = self._missing(table, copy, columns)
            if count:
                found[table] = count
        return found

    def _same(self, table: str, column: str, after: Snapshot) -> bool:
        """Tell whether a column has the type that it had."""
        name = f"{table}.{column}"
        was, now = (side.facts["column"].get(name) for side in (self._before, after))
        return was is not None and now is not None and was["type"] == now["type"]

    def _missing(self, table: str, copy: str, columns: list[str]) -> int:
        if not columns:
            return 0
        whole = sql.SQL("select row({})::text from").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
        statement = sql.SQL("select count(*) from ({} {} except all {} {}) gone").format(
            whole, sql.Identifier(copy), whole, _name(table)
        )
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row is not None else 0


def _name(table: str) -> sql.Identifier:
    schema, _, name = table.partition(".")
    return sql.Identifier(schema, name)
