"""Tries every write on every table, and through every view that takes writes, as every identity."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from psycopg import sql

from rollout_gates.row_policy.acting import Actor, Outcome
from rollout_gates.row_policy.catalogue import Relation
from rollout_gates.row_policy.model import ALL, NONE, Attempt, Identity, Operation, Result
from rollout_gates.row_policy.planting import NOBODY, Planter, Row, insertion
from rollout_gates.row_policy.rights import Rights
from rollout_gates.row_policy.values import candidates, token_of
from rollout_gates.row_policy.watching import Watcher

_FOREIGN, _SLOTS, _MOVES = 3, 4, 4
_NO_TRUNCATE = "0A000"
_LOCKED = "55P03"


@dataclass
class Writer:
    """Writes as one identity. Each method yields attempts; the first that leaks ends it."""

    actor: Actor
    watcher: Watcher
    planter: Planter
    identity: Identity
    rights: Rights
    _splits: dict[tuple[str, str], tuple[list[Row], list[Row]]] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)

    def condition(self, base: Relation, operation: Operation) -> sql.Composable:
        """Return the scope of *operation* on rows of *base*."""
        scope = self.watcher.owners.scope(base.name, self.identity.audience, operation)
        return self.watcher.owners.condition(base.name, scope)

    def scope(self, base: Relation, operation: Operation) -> str:
        """Return the declared or default scope."""
        return self.watcher.owners.scope(base.name, self.identity.audience, operation)

    def rows(self, base: Relation) -> list[Row]:
        """Return the planted rows of *base* that can be found again."""
        return [row for row in self.watcher.ground.rows.get(base.name, ()) if row.key]

    def split(self, base: Relation, operation: Operation) -> tuple[list[Row], list[Row]]:
        """Return planted rows within and outside of the scope of *operation*."""
        key = (base.name, self.scope(base, operation))
        if key not in self._splits:
            rows = self.rows(base)
            inside = self.watcher.fulfilling(rows, self.condition(base, operation), self.identity)
            self._splits[key] = inside, [row for row in rows if not any(row is mine for mine in inside)]
        return self._splits[key]

    # --- update

    def update(self, surface: Relation, base: Relation) -> Iterator[Attempt]:
        """Change rows of others, take them, give own ones away, write what is frozen, take over by an upsert."""
        inside, outside = self.split(base, Operation.UPDATE)
        may = [name for name in surface.columns if name in self.rights.update.get(surface.name, frozenset())]
        payload = self._payload(surface, base, may)
        if payload is None:
            yield self._refusal(surface, "update")
            return
        column, value = payload
        yield self._changing(surface, base, inside, {column: value}, row=None, way=f"update of {column}, every row")
        for row in outside[:_FOREIGN]:
            yield self._changing(surface, base, inside, {column: value}, row=row, way=f"update of {column} by key")
        yield from self._moves(surface, base, inside, outside, may)
        yield from self._frozen(surface, base, inside, may)
        if surface is base and outside:
            yield self._upsert(base, inside, outside[0], column, value)

    def _payload(self, surface: Relation, base: Relation, may: list[str]) -> tuple[str, str] | None:
        free = self.planter.free(base)
        values = self.planter.fresh(
            base, NOBODY if not self.planter.principals else next(iter(self.planter.principals))
        )
        bound = set(base.key) | set(self.watcher.owners.slots.get(base.name, {}))
        frozen = set(self.watcher.owners.access(base.name, self.identity.audience).frozen)
        ranked = sorted(may, key=lambda name: (name not in free, name in frozen, name in bound, name not in values))
        for name in ranked:
            column = base.columns.get(name) or surface.columns[name]
            if not column.generated:
                return name, values.get(name) or self._present(base, name) or self._any(surface, name)
        return None

    def _present(self, base: Relation, name: str) -> str | None:
        return next((value for row in self.rows(base) if (value := row.values.get(name))), None)

    def _any(self, surface: Relation, name: str) -> str:
        return self.planter.value(surface, surface.columns[name], minimal=False, shift=0) or ""

    def _refusal(self, surface: Relation, verb: str) -> Attempt:
        """Show that a write without any grant is refused, with the first column there is."""
        column = next((c.name for c in surface.columns.values() if not c.generated and c.identity != "a"), None)
        if column is None:
            return Attempt(verb, Result.NOTHING, "there is no column")
        statement = sql.SQL("update {} set {} = null").format(surface.sql, sql.Identifier(column))
        with self.actor.undone():
            outcome = self.actor.act(self.identity, statement)
        return Attempt(verb, Result.DENIED if outcome.refused else Result.UNCLEAR, outcome.told)

    def _changing(
        self,
        surface: Relation,
        base: Relation,
        inside: list[Row],
        values: Mapping[str, str],
        *,
        row: Row | None,
        way: str,
    ) -> Attempt:
        statement = _update(surface, values, row)
        if row is not None and not all(name in surface.columns for name, _value in row.key):
            return Attempt(way, Result.NOTHING, "the key of the rows is not in the view")
        with self.actor.undone():
            before = self.watcher.as_planted(base.name)
            outcome = self.actor.act(self.identity, statement)
            if not outcome.ok:
                if row is not None and outcome.stopped_by_uniqueness and outcome.on == base.name and row not in inside:
                    return Attempt(way, Result.LEAK, f"row policies let it through; {outcome.told} stopped it")
                return _stopped(way, outcome)
            condition = {base.name: self.condition(base, Operation.UPDATE)}
            effect = self.watcher.effect([base.name], before, inside, conditions=condition, identity=self.identity)
        return _judged(way, effect.outside, effect.inside, "changed")

    def _moves(
        self, surface: Relation, base: Relation, inside: list[Row], outside: list[Row], may: list[str]
    ) -> Iterator[Attempt]:
        """Yield attempts to take rows of others, and to give own rows away."""
        mine = inside[0].values if inside else self._mine(base)
        for columns in self._slots(base):
            if not set(columns) <= set(may):
                continue
            taken = {c: str(mine[c]) for c in columns if mine.get(c)}
            if taken:
                for row in [None, *outside[:1]]:
                    yield self._changing(
                        surface, base, inside, taken, row=row, way=f"taking rows by {', '.join(columns)}"
                    )
            for other in outside[:_MOVES]:
                given = {c: str(other.values[c]) for c in columns if other.values.get(c)}
                if given and any(row.values.get(c) != value for row in inside for c, value in given.items()):
                    for row in [None, *inside[:1]]:
                        yield self._giving(
                            surface, base, inside, given, row=row, way=f"giving rows away by {', '.join(columns)}"
                        )

    def _giving(
        self,
        surface: Relation,
        base: Relation,
        inside: list[Row],
        given: Mapping[str, str],
        *,
        row: Row | None,
        way: str,
    ) -> Attempt:
        """Move own rows; where a key blocks it that others hold, the policies have let it through before."""
        with self.actor.undone():
            before = self._before.setdefault(base.name, -1)
            if before < 0:
                before = self._before[base.name] = self._outside(base)
            outcome = self.actor.act(self.identity, _update(surface, given, row))
            after = self._outside(base)
        if outcome.stopped_by_uniqueness and outcome.on == base.name:
            moved = [{**mine.values, **given} for mine in ([row] if row else inside)]
            good = [self._hypothetical(base, values, Operation.UPDATE) for values in moved]
            if not any(good):
                return Attempt(way, Result.LEAK, f"row policies let it through; {outcome.told} stopped it")
        if not outcome.ok:
            return _stopped(way, outcome)
        return _judged(way, max(after - before, 0), 0, "moved out of the scope")

    def _outside(self, base: Relation) -> int:
        """Return how many rows of *base* are outside of the update scope, among those that were planted or moved."""
        condition = self.condition(base, Operation.UPDATE)
        statement = sql.SQL("select count(*) from {} as r where not coalesce(({}), false)").format(base.sql, condition)
        rows = self.actor.run(statement, self.watcher.me(self.identity)).rows
        return int(rows[0][0]) if rows else 0

    def _mine(self, base: Relation) -> Mapping[str, str]:
        name = self.identity.name
        return self.planter.fresh(base, name) if name in self.planter.principals else {}

    def _slots(self, base: Relation) -> list[tuple[str, ...]]:
        """Return the groups of columns that say whose a row is: owner columns, and keys of owned parents."""
        owners = self.watcher.owners
        groups: list[tuple[str, ...]] = [(column,) for column in owners.slots.get(base.name, {})]
        groups += [r.columns for r in base.references if owners.is_owned(r.target) and r.columns not in groups]
        return groups[:_SLOTS]

    def _frozen(self, surface: Relation, base: Relation, inside: list[Row], may: list[str]) -> Iterator[Attempt]:
        """Yield attempts to write, into own rows, what a caller may not choose."""
        for name in self.watcher.owners.access(base.name, self.identity.audience).frozen:
            if name not in may or not inside:
                continue
            value = self._other(base, name, inside[0].values.get(name))
            for row in [None, inside[0]]:
                with self.actor.undone():
                    outcome = self.actor.act(self.identity, _update(surface, {name: value}, row))
                    changed = self._holds(base, inside[0], name, value)
                way = f"update of {name}, which is not for callers"
                yield Attempt(way, Result.LEAK, "it was written") if changed else _stopped(way, outcome)

    def _other(self, base: Relation, name: str, now: str | None) -> str:
        column = base.columns[name]
        if column.type == "bool":
            return "false" if now == "true" else "true"
        choices = candidates(column, self.planter.checks(base, column))
        return next((value for value in choices if value != now), "1")

    def _holds(self, base: Relation, row: Row, name: str, value: str) -> bool:
        statement = sql.SQL("select r.{} = {} from {} as r where {}").format(
            sql.Identifier(name), sql.Literal(value), base.sql, row.same()
        )
        rows = self.actor.run(statement).rows
        return bool(rows and rows[0][0])

    def _upsert(self, base: Relation, inside: list[Row], target: Row, column: str, value: str) -> Attempt:
        """Insert a row of one's own under the key of another's row, and change that one instead."""
        way = "insert ... on conflict do update"
        values = dict(self._mine(base)) | dict(target.key)
        may = self.rights.insert.get(base.name, frozenset())
        if not set(dict(target.key)) <= may or dict(target.key).keys() != set(base.key):
            return Attempt(way, Result.NOTHING, "the key may not be inserted")
        statement = sql.SQL("{} on conflict ({}) do update set {} = {}").format(
            insertion(base, {n: v for n, v in values.items() if n in may}, overriding=True),
            sql.SQL(", ").join(map(sql.Identifier, base.key)), sql.Identifier(column), sql.Literal(value),
        )  # fmt: skip
        with self.actor.undone():
            before = self.watcher.as_planted(base.name)
            outcome = self.actor.act(self.identity, statement)
            condition = {base.name: self.condition(base, Operation.UPDATE)}
            effect = self.watcher.effect([base.name], before, inside, conditions=condition, identity=self.identity)
        return _judged(way, effect.outside, effect.inside, "changed") if outcome.ok else _stopped(way, outcome)

    # --- delete

    def delete(self, surface: Relation, base: Relation) -> Iterator[Attempt]:
        """Delete rows of others, by key and blindly, and own ones."""
        inside, outside = self.split(base, Operation.DELETE)
        blind = sql.SQL("delete from {}").format(surface.sql)
        found = self._deleting(base, inside, blind, "delete of every row", alone=True)
        yield found
        if found.result is Result.DENIED and "permission denied" in found.because:
            return
        if found.result is Result.UNCLEAR:
            yield self._blind_without_own(base, blind)
        for row in outside[:_FOREIGN]:
            if all(name in surface.columns for name, _value in row.key):
                statement = sql.SQL("delete from {} as r where {}").format(surface.sql, row.same())
                yield self._deleting(base, inside, statement, "delete by key")

    def _deleting(
        self, base: Relation, inside: list[Row], statement: sql.Composed, way: str, *, alone: bool = False
    ) -> Attempt:
        with self.actor.undone():
            before = self.watcher.as_planted(base.name)
            outcome = self.actor.act(self.identity, statement)
            if not outcome.ok:
                if outcome.stopped_by_reference and not alone:
                    return Attempt(way, Result.LEAK, f"row policies let it through; {outcome.told} stopped it")
                return _stopped(way, outcome)
            condition = {base.name: self.condition(base, Operation.DELETE)}
            effect = self.watcher.effect([base.name], before, inside, conditions=condition, identity=self.identity)
        return _judged(way, effect.outside, effect.inside, "deleted")

    def _blind_without_own(self, base: Relation, blind: sql.Composed) -> Attempt:
        """Try again when nothing of one's own is left: whatever a foreign key stops then, belongs to somebody else."""
        way = "delete of every row, with none of one's own"
        condition = self.condition(base, Operation.DELETE)
        with self.actor.undone():
            for _ in range(2):
                for rows in reversed(list(self.watcher.ground.rows.values())):
                    for row in [r for r in rows if r.principal == self.identity.name and r.key]:
                        relation = self.watcher.catalogue.relations[row.table]
                        self.actor.run(sql.SQL("delete from {} as r where {}").format(relation.sql, row.same()))
            left = self.watcher.fulfilling(self.rows(base), condition, self.identity)
            outcome = self.actor.act(self.identity, blind)
        if outcome.stopped_by_reference and not left:
            return Attempt(way, Result.LEAK, f"row policies let it through; {outcome.told} stopped it")
        return (
            _stopped(way, outcome) if not outcome.ok else Attempt(way, Result.NOTHING, "no row of others was deleted")
        )

    # --- insert

    def insert(self, surface: Relation, base: Relation) -> Iterator[Attempt]:
        """Insert rows for oneself, for others, and every mixture of owners and parents."""
        may = self.rights.insert.get(surface.name, frozenset())
        others = [name for name in self.planter.principals if name != self.identity.name]
        if self.watcher.owners.is_owned(base.name):
            for way, values in self._mixtures(base, others):
                yield self._inserting(surface, base, may, values, way)
        else:
            yield self._inserting(surface, base, may, self.planter.fresh(base, NOBODY), "insert of a row of nobody's")
        yield from self._chosen(surface, base, may)

    def _mixtures(self, base: Relation, others: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
        me = self.identity.name if self.identity.name in self.planter.principals else None
        if me is not None:
            yield "insert for oneself", self.planter.fresh(base, me)
        for other in others[:_FOREIGN]:
            yield "insert for another", self.planter.fresh(base, other)
        slots = self._slots(base)
        if me is None or not others or len(slots) < 2:
            return
        theirs = self._sources(base, others[-1])
        for choice in product((True, False), repeat=len(slots)):
            if len(set(choice)) == 1:
                continue
            values = self.planter.fresh(base, me)
            for mine, columns in zip(choice, slots, strict=True):
                values |= {} if mine else {c: theirs[c] for c in columns if theirs.get(c)}
            named = ", ".join(c for mine, columns in zip(choice, slots, strict=True) if not mine for c in columns)
            yield f"insert with {named} of another", values

    def _sources(self, base: Relation, other: str) -> dict[str, str]:
        return self.planter.fresh(base, other)

    def _chosen(self, surface: Relation, base: Relation, may: frozenset[str]) -> Iterator[Attempt]:
        name = self.identity.name
        if name not in self.planter.principals:
            return
        for column in self.watcher.owners.access(base.name, self.identity.audience).frozen:
            if column not in may:
                continue
            with self.actor.undone():
                self._make_room(base)
                values = self.planter.fresh(base, name)
                values[column] = self._other(base, column, None)
                outcome = self.actor.act(
                    self.identity, insertion(surface, {n: v for n, v in values.items() if n in may})
                )
                row = self._as_row(base, {n: v for n, v in values.items() if n in may})
                written = outcome.ok and self._holds(base, row, column, values[column])
            way = f"insert with {column}, which is not for callers"
            let_through = outcome.stopped_by_uniqueness
            yield Attempt(way, Result.LEAK, "it was written") if written or let_through else _stopped(way, outcome)

    def _make_room(self, base: Relation) -> None:
        """Remove one's own rows, where a user has one at most."""
        for row in self.rows(base):
            if row.principal == self.identity.name:
                self.actor.run(sql.SQL("delete from {} as r where {}").format(base.sql, row.same()))

    def _as_row(self, base: Relation, values: Mapping[str, str]) -> Row:
        key = [n for n in base.key if n in values]
        names = key if key and len(key) == len(base.key) else [n for n, v in values.items() if token_of(v)]
        kept = [n for n in names if n in base.columns and base.columns[n].type not in {"json", "jsonb", "xml", "bytea"}]
        return Row(base.name, tuple((n, values[n]) for n in kept), self.identity.name, values)

    def _inserting(
        self, surface: Relation, base: Relation, may: frozenset[str], values: Mapping[str, str], way: str
    ) -> Attempt:
        sent = {name: value for name, value in values.items() if name in may and name in surface.columns}
        always = {name for name, column in surface.columns.items() if column.identity == "a"}
        sent = {name: value for name, value in sent.items() if name not in always}
        if not may:
            sent = {name: value for name, value in values.items() if name in surface.columns and name not in always}
        with self.actor.undone():
            outcome = self.actor.act(self.identity, insertion(surface, sent))
            if outcome.stopped_by_uniqueness and outcome.on == base.name:
                good = self._hypothetical(base, sent, Operation.INSERT)
                return Attempt(
                    way,
                    Result.ALLOWED if good else Result.LEAK,
                    f"row policies let it through; {outcome.told} stopped it",
                )
            if not outcome.ok:
                return _stopped(way, outcome)
            return self._landed(base, sent, way)

    def _landed(self, base: Relation, sent: Mapping[str, str], way: str) -> Attempt:
        row = self._as_row(base, sent)
        if not row.key:
            return Attempt(way, Result.UNCLEAR, "the new row cannot be told from others")
        condition = self.condition(base, Operation.INSERT)
        statement = sql.SQL("select coalesce(({}), false) from {} as r where {}").format(
            condition, base.sql, row.same()
        )
        found = self.actor.run(statement, self.watcher.me(self.identity)).rows
        if not found:
            return Attempt(way, Result.NOTHING, "no row was made")
        outside = sum(not good for (good,) in found)
        return _judged(way, outside, len(found) - outside, "made")

    def _hypothetical(self, base: Relation, sent: Mapping[str, str | None], operation: Operation) -> bool:
        """Tell whether a row that a unique key kept out would have been within the scope."""
        condition = self.condition(base, operation)
        statement = sql.SQL("select coalesce(({}), false) from jsonb_populate_record(null::{}, {}::jsonb) as r").format(
            condition, base.sql, sql.Literal(json.dumps(dict(sent)))
        )
        found = self.actor.run(statement, self.watcher.me(self.identity)).rows
        return bool(found and found[0][0])

    # --- truncate

    def truncate(self, table: Relation) -> Iterator[Attempt]:
        """Empty the table, with all that refers to it where that is needed."""
        held = table.name in self.rights.truncate
        for way, tail in (("truncate", ""), ("truncate cascade", " cascade")):
            with self.actor.undone():
                outcome = self.actor.act(self.identity, sql.SQL("truncate {}" + tail).format(table.sql))
            if outcome.ok:
                public = self.scope(table, Operation.TRUNCATE) == ALL
                yield Attempt(way, Result.ALLOWED if public else Result.LEAK, "it emptied the table")
                return
            if not held:
                yield _stopped(way, outcome)
                return
            if outcome.state == _LOCKED:
                break
        if held and self.scope(table, Operation.TRUNCATE) == NONE:
            yield Attempt("grant", Result.LEAK, f"truncate is granted; {outcome.told} stopped it")


def _update(surface: Relation, values: Mapping[str, str], row: Row | None) -> sql.Composed:
    assigned = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()
    )
    where = sql.SQL("") if row is None else sql.SQL(" where ") + row.same()
    return sql.SQL("update {} as r set {}").format(surface.sql, assigned) + where


def _judged(way: str, outside: int, inside: int, what: str) -> Attempt:
    if outside:
        return Attempt(way, Result.LEAK, f"{outside} rows {what} that are outside of the scope")
    if inside:
        return Attempt(way, Result.ALLOWED, f"{inside} rows {what}, all within the scope")
    return Attempt(way, Result.NOTHING, f"no row was {what}")


def _stopped(way: str, outcome: Outcome) -> Attempt:
    if outcome.ok:
        return Attempt(way, Result.NOTHING, "it had no effect")
    raised = outcome.state is not None and outcome.state.startswith("P0")
    return Attempt(way, Result.DENIED if outcome.refused or raised else Result.UNCLEAR, outcome.told)


def first_leak(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return the attempts up to the first that leaks."""
    made: list[Attempt] = []
    for attempt in attempts:
        made.append(attempt)
        if attempt.result is Result.LEAK:
            break
    return made
