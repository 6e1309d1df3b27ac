"""Sees, as the role that opened the connection, what an attempt did to the rows that were planted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from rollout_gates.row_policy.acting import Actor
from rollout_gates.row_policy.catalogue import Catalogue
from rollout_gates.row_policy.model import ALL, NONE, OWN, Identity, Operation
from rollout_gates.row_policy.owning import Owners
from rollout_gates.row_policy.planting import Ground, Row

Image = Mapping[Row, str]
_COUNTED_ROWS = 50_000


def _by_identity(row: Row) -> int:
    return id(row)


@dataclass(frozen=True)
class Effect:
    """Planted rows that an attempt changed or removed: how many *outside* of the scope, how many *inside*."""

    outside: int
    inside: int


class Watcher:
    """Measures. Conditions are evaluated for one identity at a time."""

    def __init__(self, actor: Actor, catalogue: Catalogue, owners: Owners, ground: Ground) -> None:
        self.actor = actor
        self.catalogue = catalogue
        self.owners = owners
        self.ground = ground
        self._images: dict[str, dict[int, str]] = {}

    def me(self, identity: Identity) -> dict[str, str | None]:
        """Return the values for the placeholders of conditions."""
        return {kind: identity.me.get(kind) for kind in self.owners.intent.kinds}

    def fulfilling(self, rows: Iterable[Row], condition: sql.Composable, identity: Identity) -> list[Row]:
        """Return those of *rows*, all of one table, that fulfil *condition* for *identity*."""
        listed = [row for row in rows if row.key]
        if not listed:
            return []
        asked = sql.SQL(" union all ").join(
            sql.SQL("select {} from {} as r where {} and ({})").format(
                sql.Literal(at), self.catalogue.relations[row.table].sql, row.same(), condition
            )
            for at, row in enumerate(listed)
        )
        return [listed[found[0]] for found in self.actor.run(asked, self.me(identity)).rows]

    def image(self, tables: Iterable[str]) -> dict[int, str]:
        """Return the version of each planted row of *tables*, by the row's place in memory."""
        rows = [row for table in tables for row in self.ground.rows.get(table, ()) if row.key]
        if not rows:
            return {}
        asked = sql.SQL(" union all ").join(
            sql.SQL("select {}, xmin::text || ctid::text from {} as r where {}").format(
                sql.Literal(at), self.catalogue.relations[row.table].sql, row.same()
            )
            for at, row in enumerate(rows)
        )
        return {_by_identity(rows[at]): version for at, version in self.actor.run(asked).rows}

    def as_planted(self, table: str) -> dict[int, str]:
        """Return the image of *table* as it is outside of all attempts: each is rolled back, so it stays the same."""
        if table not in self._images:
            self._images[table] = self.image([table])
        return self._images[table]

    def effect(
        self,
        tables: Iterable[str],
        before: Mapping[int, str],
        inside: Iterable[Row],
        *,
        conditions: Mapping[str, sql.Composable],
        identity: Identity,
        removable: Iterable[Row] | None = None,
    ) -> Effect:
        """Compare with the image *before*. A row is inside if it was in scope, and still is where it is there.

        For rows that are gone *removable* takes the place of *inside*.
        """
        listed = list(tables)
        after = self.image(listed)
        was_inside = {_by_identity(row) for row in inside}
        might_go = was_inside if removable is None else {_by_identity(row) for row in removable}
        outside = within = 0
        for table in listed:
            changed = [r for r in self.ground.rows.get(table, ()) if r.key and before.get(id(r)) != after.get(id(r))]
            there = [row for row in changed if id(row) in after]
            still = {id(row) for row in self.fulfilling(there, conditions[table], identity)} if there else set()
            for row in changed:
                good = id(row) in was_inside & still if id(row) in after else id(row) in might_go
                within, outside = within + good, outside + (not good)
        return Effect(outside, within)

    def readable(self, identity: Identity) -> set[tuple[int, str]]:
        """Return every planted (row, column) that *identity* may read by intent."""
        found: set[tuple[int, str]] = set()
        for table, rows in self.ground.rows.items():
            access = self.owners.access(table, identity.audience)
            if not rows:
                continue
            plain = set(self.catalogue.relations[table].columns) - set(access.columns)
            by_scope: dict[str, set[str]] = {access.select: plain}
            for column, scope in access.columns.items():
                by_scope.setdefault(scope, set()).add(column)
            for scope, columns in by_scope.items():
                good = rows if scope == ALL else [] if scope == NONE else None
                if good is None:
                    good = self.fulfilling(rows, self.owners.condition(table, scope), identity)
                found |= {(id(row), column) for row in good for column in columns}
        return found

    def strangers(self, identity: Identity) -> dict[str, int]:
        """Return, by table, how many rows there are that *identity* may not have made; big tables are left out."""
        counts: list[sql.Composable] = []
        for table, relation in self.catalogue.relations.items():
            if relation.is_table and relation.estimated_rows < _COUNTED_ROWS and self.judged(table, identity):
                condition = self.owners.condition(table, self.made(table, identity))
                counts.append(
                    sql.SQL("select {}, count(*) from {} as r where not coalesce(({}), false)").format(
                        sql.Literal(table), relation.sql, condition
                    )
                )
        if not counts:
            return {}
        return dict(self.actor.run(sql.SQL(" union all ").join(counts), self.me(identity)).rows)

    def judged(self, table: str, identity: Identity) -> bool:
        """Tell whether what a function does to *table* can be judged: rows have owners, or access is declared."""
        return self.owners.is_owned(table) and self.owners.access(table, identity.audience).insert != ALL

    def made(self, table: str, identity: Identity) -> str:
        """Return the scope of rows that a function may make in *table*: the declared one, or one's own."""
        scope = self.owners.scope(table, identity.audience, Operation.INSERT)
        return OWN if scope == NONE else scope

    def changed(self, table: str, identity: Identity, operation: Operation) -> str:
        """Return the scope of rows that a function may change in, or remove from, *table*."""
        scope = self.owners.scope(table, identity.audience, operation)
        return OWN if scope == NONE else scope

    def within(self, tables: Iterable[str], identity: Identity, operation: Operation) -> list[Row]:
        """Return the planted rows of *tables* that a function may change, or remove, for *identity*."""
        found: list[Row] = []
        for table in tables:
            condition = self.owners.condition(table, self.changed(table, identity, operation))
            found += self.fulfilling(self.ground.rows.get(table, ()), condition, identity)
        return found
