"""Which rows are somebody's own: declared, or found by keys to the owners' table, by names, or through a parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from psycopg import sql

from rollout_gates.row_policy.catalogue import Catalogue, Reference, Relation
from rollout_gates.row_policy.model import (
    ALL,
    ANON,
    EVERYTHING,
    NONE,
    NOTHING,
    OWN,
    READ_ALL,
    SERVICE,
    Access,
    Intent,
    Operation,
)

_DEEPEST = 6
FALSE, TRUE = sql.SQL("false"), sql.SQL("true")


@dataclass(frozen=True)
class Owners:
    """What makes a row of each table one's own, and what may be done with it.

    *columns* are the owner columns of each table by kind, *slots* all columns that hold a key of an owner, with
    its kind; *parents* the references that lead to an owner.
    """

    catalogue: Catalogue
    intent: Intent
    columns: Mapping[str, Mapping[str, str]]
    slots: Mapping[str, Mapping[str, str]]
    parents: Mapping[str, Reference]

    def is_owned(self, name: str) -> bool:
        """Tell whether rows of table *name* belong to somebody."""
        return name in self.intent.own or bool(self.columns.get(name)) or name in self.parents

    def access(self, name: str, audience: str) -> Access:
        """Return what *audience* may do with object *name*, by declaration or by default."""
        relation = self.catalogue.relations.get(name)
        root = name if relation is None else self.catalogue.root(relation).name
        for declared in (self.intent.access.get(name, {}), self.intent.access.get(root, {})):
            if found := declared.get(audience) or declared.get("*"):
                return found
        if audience == SERVICE:
            return EVERYTHING
        if self.intent.undeclared is not None and relation is not None and relation.is_table:
            return self.intent.undeclared
        if audience == ANON:
            return replace(NOTHING, call=self.intent.functions)
        if relation is not None and relation.is_table and not self.is_owned(name):
            return READ_ALL
        return Access(call=self.intent.functions)

    def condition(self, name: str, scope: str) -> sql.Composable:
        """Return *scope* of table *name* as a condition on row ``r``."""
        if scope == ALL:
            return TRUE
        if scope == NONE:
            return FALSE
        return self.own(name) if scope == OWN else sql.SQL(scope)

    def own(self, name: str, alias: str = "r", depth: int = 0) -> sql.Composable:
        """Return the condition that makes row *alias* of table *name* one's own."""
        if name in self.intent.own:
            condition: sql.Composable = sql.SQL(self.intent.own[name])
            return condition if alias == "r" else _renamed(self.catalogue.relations[name], condition, alias)
        if found := self.columns.get(name):
            kind, column = next(iter(found.items()))
            return sql.SQL("{} = {}").format(sql.Identifier(alias, column), sql.Placeholder(kind))
        reference = self.parents.get(name)
        if reference is None or depth > _DEEPEST:
            return FALSE
        above = f"r{depth + 1}"
        return sql.SQL("exists (select 1 from {} as {} where {} and {})").format(
            self.catalogue.relations[reference.target].sql, sql.Identifier(above),
            _joined(alias, above, reference), self.own(reference.target, above, depth + 1),
        )  # fmt: skip

    def readable(self, name: str, access: Access) -> sql.Composable:
        """Return the condition under which at least one column of a row may be read."""
        scopes = {access.select, *access.columns.values()}
        return sql.SQL("({})").format(sql.SQL(" or ").join(self.condition(name, scope) for scope in sorted(scopes)))

    def scope(self, name: str, audience: str, operation: Operation) -> str:
        """Return the scope of *operation* on table *name*."""
        return self.access(name, audience).scope(operation)


def find(catalogue: Catalogue, intent: Intent) -> Owners:
    """Find the owner columns of all tables."""
    tables = [relation for relation in catalogue.relations.values() if relation.is_table]
    columns = {table.name: _owner_columns(table, intent) for table in tables}
    owners = {name for name, found in columns.items() if found} | set(intent.own)
    parents: dict[str, Reference] = {}
    for _ in range(_DEEPEST):
        for table in tables:
            if table.name not in owners | parents.keys() and (lead := _lead(table, owners | parents.keys())):
                parents[table.name] = lead
    slots = {table.name: _slots(table, intent) for table in tables}
    return Owners(catalogue, intent, columns, slots, parents)


def _owner_columns(table: Relation, intent: Intent) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, kind in intent.kinds.items():
        if table.name == kind.table:
            return {name: kind.column}
        by_key = [
            reference.columns[0]
            for reference in table.references
            if reference.target == kind.table and reference.target_columns == (kind.column,)
        ]
        by_name = [column for column in kind.names if column in table.columns]
        if both := [*[c for c in by_name if c in by_key], *by_key, *by_name]:
            found[name] = both[0]
    return found


def _slots(table: Relation, intent: Intent) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, kind in intent.kinds.items():
        found |= dict.fromkeys((column for column in kind.names if column in table.columns), name)
        found |= {
            reference.columns[0]: name
            for reference in table.references
            if reference.target == kind.table and reference.target_columns == (kind.column,)
        }
        if table.name == kind.table:
            found[kind.column] = name
    return found


def _lead(table: Relation, owned: set[str]) -> Reference | None:
    """Return the reference that leads to an owner: one that belongs to the row more than others do."""
    leads = [reference for reference in table.references if reference.target in owned - {table.name}]

    def closeness(reference: Reference) -> tuple[bool, bool, bool]:
        required = all(table.columns[column].required for column in reference.columns)
        return (not required, not reference.cascades, not set(reference.columns) & set(table.key))

    return min(leads, key=closeness, default=None)


def _joined(alias: str, above: str, reference: Reference) -> sql.Composable:
    pairs = zip(reference.columns, reference.target_columns, strict=True)
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(above, theirs), sql.Identifier(alias, mine)) for mine, theirs in pairs
    )


def _renamed(relation: Relation, condition: sql.Composable, alias: str) -> sql.Composable:
    """Return a declared condition on ``r`` for a row that goes by another name, found again by its key."""
    if not relation.key:
        return FALSE
    same = sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier("r", c), sql.Identifier(alias, c)) for c in relation.key
    )
    return sql.SQL("exists (select 1 from {} as r where {} and ({}))").format(relation.sql, same, condition)
