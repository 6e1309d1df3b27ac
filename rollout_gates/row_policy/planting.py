"""Plants rows for each owner, valid by the catalogue, and remembers where each distinctive value stands."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from psycopg import sql

from rollout_gates.row_policy.acting import Actor, Outcome
from rollout_gates.row_policy.catalogue import Catalogue, Column, Reference, Relation
from rollout_gates.row_policy.model import Identity
from rollout_gates.row_policy.owning import Owners
from rollout_gates.row_policy.values import NUMBERS, TEXTS, candidates, token_of

NOBODY = ""
_TRIES = 60
_OTHERS = 6
_CHECK, _UNIQUE, _KEY = "23514", "23505", "23503"


@dataclass(frozen=True)
class Row:
    """A row that stands in *table*: its *key* as text by column, whose it is, and its columns as text."""

    table: str
    key: tuple[tuple[str, str], ...]
    principal: str
    values: Mapping[str, str | None]

    def same(self) -> sql.SQL:
        """Return the condition on ``r`` that finds it, with its values in it."""
        return self._same

    @cached_property
    def _same(self) -> sql.SQL:
        parts = [sql.SQL("r.{} = {}").format(sql.Identifier(c), sql.Literal(value)) for c, value in self.key]
        # Written out once: it is asked for again and again.
        return sql.SQL(sql.SQL("({})").format(sql.SQL(" and ").join(parts)).as_string(None))


@dataclass
class Ground:
    """What was planted. *places* are the rows and columns where a distinctive value stands; *gone* rows are no more."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    gone: list[Row] = field(default_factory=list)
    places: dict[str, list[tuple[Row, str]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, row: Row, *, known: frozenset[str] | None = None) -> None:
        """Remember *row* and its values. Given *known*, it was found, and other columns may hold copies."""
        self.rows.setdefault(row.table, []).append(row)
        self.note(row, known=known)

    def note(self, row: Row, *, known: frozenset[str] | None = None) -> None:
        """Remember the values of *row*; those outside of the columns *known* only where they stand nowhere else."""
        fresh: dict[str, list[tuple[Row, str]]] = {}
        for column, value in row.values.items():
            for token in token_of(value or ""):
                if known is None or column in known or token not in self.places:
                    fresh.setdefault(token, []).append((row, column))
        for token, places in fresh.items():
            self.places.setdefault(token, []).extend(places)

    def of(self, table: str, principal: str) -> Row | None:
        """Return the first row of *principal* in *table*."""
        return next((row for row in self.rows.get(table, ()) if row.principal == principal), None)


class Planter:
    """Plants rows as the role that opened the connection."""

    def __init__(self, actor: Actor, catalogue: Catalogue, owners: Owners, principals: Mapping[str, Identity]) -> None:
        self.actor = actor
        self.catalogue = catalogue
        self.owners = owners
        self.principals = principals
        self.ground = Ground()
        self._styles: dict[tuple[str, str], int] = {}

    def plant_all(self, reachable: Iterable[str]) -> None:
        """Plant rows for everybody in every table of *reachable* and in whatever they refer to, parents first."""
        wanted = list(reachable)
        for relation in in_order(self.catalogue, wanted):
            whose = list(self.principals) if self.owners.is_owned(relation.name) else [NOBODY]
            for principal in whose:
                self.plant(relation, principal)
            if relation.name in wanted and relation.kind == "p":
                for principal in whose:
                    self.plant(relation, principal, shift=1)

    def wear_out(self, reachable: Iterable[str]) -> None:
        """Plant, change and remove one more row where triggers watch, so that what they copy is somewhere."""
        for name in reachable:
            relation = self.catalogue.relations[name]
            if relation.triggers and self.owners.is_owned(name):
                for principal in self.principals:
                    self._wear_out(relation, principal)

    def _wear_out(self, relation: Relation, principal: str) -> None:
        before = len(self.ground.rows.get(relation.name, ()))
        row = self.plant(relation, principal)
        if row is None or len(self.ground.rows[relation.name]) == before:
            return
        changed = self.refresh(row)
        outcome = self.actor.run(sql.SQL("delete from {} as r where {}").format(relation.sql, row.same()))
        if outcome.touched:
            self.ground.rows[relation.name].remove(row)
            self.ground.gone += [row] if changed is row else [row, changed]

    def plant(self, relation: Relation, principal: str, *, shift: int = 0) -> Row | None:
        """Plant one row of *principal*, or adopt the one that a unique key reserves. Returns it."""
        if relation.name in self._avoided:
            self.ground.failures.setdefault(relation.name, "its triggers act outside of the transaction")
            return None
        for minimal, speaking in ((relation.schema in self._outside, False), (True, False), (False, True)):
            outcome = self._insert(relation, principal, minimal=minimal, shift=shift, speaking=speaking)
            if outcome.ok:
                row = self.row(relation, principal, outcome.rows[0][0])
                self.ground.add(row)
                return row
            if outcome.stopped_by_uniqueness and (found := self._adopted(relation, principal)):
                return found
        self.ground.failures.setdefault(relation.name, outcome.told)
        return None

    _outside: frozenset[str] = frozenset()
    _avoided: frozenset[str] = frozenset()

    def avoid(self, tables: Iterable[str]) -> None:
        """Plant nothing in *tables*, be they parents or not."""
        self._avoided = frozenset(tables)

    def keep_minimal(self, schemas: Iterable[str]) -> None:
        """Fill only what is required in tables of *schemas*: they are parents, nobody judges them."""
        self._outside = frozenset(schemas)

    def fresh(self, relation: Relation, principal: str, *, minimal: bool = False, shift: int = 0) -> dict[str, str]:
        """Return values for a new row of *principal* that the catalogue lets in, as far as it was learned."""
        values = self._given(relation, principal)
        for column in relation.columns.values():
            if column.name not in values and (value := self.value(relation, column, minimal=minimal, shift=shift)):
                values[column.name] = value
        return {name: value for name, value in values.items() if value is not None}

    def _given(self, relation: Relation, principal: str) -> dict[str, str | None]:
        """Return owner values and keys of parents."""
        values: dict[str, str | None] = {}
        me = self.principals[principal].me if principal else {}
        for reference in relation.references:
            parent = self._parent(relation, reference, principal)
            for mine, theirs in zip(reference.columns, reference.target_columns, strict=True):
                column = relation.columns[mine]
                if parent is not None and values.get(mine) is None:
                    values[mine] = parent.values.get(theirs)
                elif not column.required:
                    values.setdefault(mine, None)
        for name, kind in self.owners.slots.get(relation.name, {}).items():
            if kind in me:
                values[name] = me[kind]
        return values

    def _parent(self, relation: Relation, reference: Reference, principal: str) -> Row | None:
        """Return a parent of the same owner; that of another only where there is no other way."""
        if found := self.ground.of(reference.target, principal):
            return found
        optional = any(not relation.columns[column].required for column in reference.columns)
        if self.owners.is_owned(reference.target) and principal and optional:
            return None
        return next(iter(self.ground.rows.get(reference.target, ())), None)

    def value(self, relation: Relation, column: Column, *, minimal: bool, shift: int) -> str | None:
        if column.generated or (minimal and (not column.required or (column.default and not column.counted))):
            return None
        checks = self.checks(relation, column)
        if column.default and not column.counted and (column.type not in TEXTS | NUMBERS or checks):
            return None
        if column.counted and column.type == "int2":
            return "30000"
        style = self._styles.get((relation.name, column.name), 0)
        return next(islice(candidates(column, checks), style + shift * (column.type in _DATES), None), None)

    def checks(self, relation: Relation, column: Column) -> list[str]:
        mine = [text for columns, text in relation.checks.values() if column.name in columns]
        return [*mine, *column.rules]

    def _insert(
        self, relation: Relation, principal: str, *, minimal: bool, shift: int, speaking: bool = False
    ) -> Outcome:
        """Insert a row; *speaking*: with the settings of its owner, for triggers that ask who calls."""
        settings = self.principals[principal].settings if principal and speaking else {}
        for name, value in settings.items():
            self.actor.run(sql.SQL("select set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value)))
        outcome = self._tries(relation, principal, minimal=minimal, shift=shift)
        for name in settings:
            self.actor.run(sql.SQL("select set_config({}, '', true)").format(sql.Literal(name)))
        return outcome

    def _tries(self, relation: Relation, principal: str, *, minimal: bool, shift: int) -> Outcome:
        left_out: set[str] = set()
        outcome = Outcome(state="XX000")
        for _ in range(_TRIES):
            values = self.fresh(relation, principal, minimal=minimal, shift=shift)
            statement = insertion(relation, {k: v for k, v in values.items() if k not in left_out}, overriding=True)
            outcome = self.actor.run(statement + sql.SQL(" returning to_jsonb(r)"))
            if outcome.ok or not self._learn(relation, outcome, left_out):
                break
        return outcome

    def _learn(self, relation: Relation, outcome: Outcome, left_out: set[str]) -> bool:
        """Choose other values where a check refused the ones that were tried. Returns whether there are any."""
        if outcome.state == _KEY and outcome.on == relation.name:
            optional = {
                c for r in relation.references for c in r.columns if not relation.columns[c].required
            } - left_out
            left_out |= optional
            return bool(optional)
        if outcome.state != _CHECK:
            return False
        if outcome.datatype:
            blamed = [c.name for c in relation.columns.values() if c.domain == outcome.datatype]
        elif outcome.constraint is not None and outcome.constraint in relation.checks:
            blamed = list(relation.checks[outcome.constraint][0])
        else:  # no partition takes the row
            blamed = [c.name for c in relation.columns.values() if c.type in _DATES]
        blamed = [name for name in blamed if self._more(relation, relation.columns[name])]
        if not blamed:
            return False
        least = min(blamed, key=lambda name: self._styles.get((relation.name, name), 0))
        self._styles[relation.name, least] = self._styles.get((relation.name, least), 0) + 1
        return True

    def _more(self, relation: Relation, column: Column) -> bool:
        style = self._styles.get((relation.name, column.name), 0)
        return next(islice(candidates(column, self.checks(relation, column)), style + 1, None), None) is not None

    def unseen(self, relation: Relation, principal: str) -> Row | None:
        """Plant one more row without remembering it."""
        outcome = self._insert(relation, principal, minimal=False, shift=0)
        return self.row(relation, principal, outcome.rows[0][0]) if outcome.ok else None

    def row(self, relation: Relation, principal: str, found: Mapping[str, object]) -> Row:
        """Return a row as the database gave it."""
        values = {name: _text(value) for name, value in found.items()}
        return Row(relation.name, self._key(relation, values), principal, values)

    def _key(self, relation: Relation, values: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
        unique = [names for names in (relation.key, *relation.uniques) if names]
        telling = tuple(n for n, v in values.items() if v and token_of(v) and relation.columns[n].type in _COMPARABLE)
        for names in (*unique, telling):
            pairs = [(name, values[name]) for name in names]
            if pairs and all(value is not None for _name, value in pairs):
                return tuple((name, str(value)) for name, value in pairs)
        return ()

    def _adopted(self, relation: Relation, principal: str) -> Row | None:
        """Return the row of *principal* that is there already, made by a trigger; its free texts are filled in."""
        if not principal:
            return None
        known = self.ground.of(relation.name, principal)
        if known is not None:
            return known
        statement = sql.SQL("select to_jsonb(r) from {} as r where {} limit 1").format(
            relation.sql, self.owners.own(relation.name)
        )
        outcome = self.actor.run(statement, self.me(self.principals[principal]))
        if not outcome.rows:
            return None
        row = self.refresh(self.row(relation, principal, outcome.rows[0][0]), learned=False)
        self.ground.add(row, known=self.linked(relation))
        return row

    def linked(self, relation: Relation) -> frozenset[str]:
        """Return the columns that hold keys: of owners, of parents, of the row itself."""
        references = {column for reference in relation.references for column in reference.columns}
        return frozenset(references | set(relation.key) | set(self.owners.slots.get(relation.name, {})))

    def me(self, identity: Identity) -> dict[str, str | None]:
        """Return the values for the placeholders of conditions: null for what *identity* has not got."""
        return {kind: identity.me.get(kind) for kind in self.owners.intent.kinds}

    def refresh(self, row: Row, columns: Iterable[str] | None = None, *, learned: bool = True) -> Row:
        """Write new distinctive values into *columns* of *row* (all free ones by default). Returns it as it is then."""
        relation = self.catalogue.relations[row.table]
        names = list(self.free(relation) if columns is None else columns) if row.key else []
        changed = self._rewrite_all(relation, row, names) or row
        for name in names if changed is row else ():
            changed = self._rewrite(relation, row, name) or changed
        if learned and changed is not row:
            self.ground.note(changed)
        return changed

    def _rewrite_all(self, relation: Relation, row: Row, names: list[str]) -> Row | None:
        """Write other values into all columns at once, as far as one of the first choice is another."""
        fresh = {name: self.value(relation, relation.columns[name], minimal=False, shift=0) for name in names}
        if not fresh or any(value is None or value == row.values.get(name) for name, value in fresh.items()):
            return None
        # Texts get another length as well: a view may tell nothing but that.
        fresh = {
            name: f"{value}{'.' * (1 + secrets.randbelow(9))}" if relation.columns[name].type in TEXTS else value
            for name, value in fresh.items()
        }
        assigned = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Literal(value)) for n, value in fresh.items()]
        outcome = self.actor.run(
            sql.SQL("update {} as r set {} where {} returning to_jsonb(r)").format(
                relation.sql, sql.SQL(", ").join(assigned), row.same()
            )
        )
        return self.row(relation, row.principal, outcome.rows[0][0]) if outcome.rows else None

    def _rewrite(self, relation: Relation, row: Row, name: str) -> Row | None:
        """Write another value into one column, the first that the checks let in."""
        column = relation.columns[name]
        style = self._styles.get((relation.name, name), 0)
        for value in islice(candidates(column, self.checks(relation, column)), style, style + _OTHERS):
            if value == row.values.get(name):
                continue
            statement = sql.SQL("update {} as r set {} = {} where {} returning to_jsonb(r)").format(
                relation.sql, sql.Identifier(name), sql.Literal(value), row.same()
            )
            outcome = self.actor.run(statement)
            if outcome.ok and outcome.rows:
                return self.row(relation, row.principal, outcome.rows[0][0])
        return None

    def free(self, relation: Relation) -> list[str]:
        """Return the columns that may hold anything: no key, no owner, no reference."""
        bound = set(self.owners.slots.get(relation.name, {})) | {c for r in relation.references for c in r.columns}
        bound |= {name for names in (relation.key, *relation.uniques) for name in names}
        return [
            column.name
            for column in relation.columns.values()
            if column.name not in bound and not column.generated and column.type in _FREE
        ]


_DATES = frozenset({"date", "timestamp", "timestamptz"})
_FREE = TEXTS | NUMBERS | {"jsonb", "json", "bytea", "uuid", "_text"}
_COMPARABLE = TEXTS | NUMBERS | {"uuid"}


def insertion(relation: Relation, values: Mapping[str, str], *, overriding: bool = False) -> sql.Composed:
    """Return an insert of *values* into *relation*, called ``r``."""
    if not values:
        return sql.SQL("insert into {} as r default values").format(relation.sql)
    return sql.SQL("insert into {} as r ({}) {} values ({})").format(
        relation.sql,
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL("overriding system value" if overriding else ""),
        sql.SQL(", ").join(map(sql.Literal, values.values())),
    )


def in_order(catalogue: Catalogue, wanted: Iterable[str]) -> Iterator[Relation]:
    """Yield the tables of *wanted* and all that they refer to, parents first; a circle is cut somewhere."""
    seen: set[str] = set()

    def visit(relation: Relation) -> Iterator[Relation]:
        if relation.name in seen:
            return
        seen.add(relation.name)
        for reference in relation.references:
            if reference.target in catalogue.relations:
                yield from visit(catalogue.relations[reference.target])
        if relation.is_table and not is_partition(catalogue, relation):
            yield relation

    for name in wanted:
        yield from visit(catalogue.relations[name])


def is_partition(catalogue: Catalogue, relation: Relation) -> bool:
    """Tell whether rows get into *relation* through the table above it."""
    above = catalogue.relations.get(relation.parent or "")
    return above is not None and above.kind == "p"


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
