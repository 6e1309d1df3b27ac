"""Fills tables with rows that the catalogue lets in: as many as can be made, and why where none can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql

from rollout_gates.row_policy.catalogue import Column, Relation, read
from rollout_gates.row_policy.planting import in_order, is_partition
from rollout_gates.row_policy.values import TEXTS, candidates

if TYPE_CHECKING:
    from rollout_gates.row_policy.catalogue import Catalogue

Checks: TypeAlias = Mapping[str, tuple[tuple[str, ...], str]]
"""The checks of a table by name: the columns of each, and its text."""
UNIQUE = "23505"
_TRIES = 60
_CHOICES = 24
_PARENTS = 200


@dataclass
class Seeded:
    """What came of it: *rows* that were made a table, what no row could be made for and why."""

    rows: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class Seeder:
    """Makes rows by a catalogue that it reads once; so it knows a table's columns as they were then."""

    def __init__(self, connection: psycopg.Connection[Any], schemas: Sequence[str]) -> None:
        """Read the catalogue of *schemas*; *connection* is in a transaction that the caller ends."""
        self._connection = connection
        self._schemas = frozenset(schemas)
        self.catalogue: Catalogue = read(connection, list(schemas))
        self._refused: dict[tuple[str, str], set[int]] = {}
        self._tried: dict[str, int] = {}
        self._parents: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
        self._checks: Mapping[str, Checks] = {}
        self.unfilled: set[str] = set()
        """Tables that no row could be made for."""

    @property
    def tables(self) -> list[Relation]:
        """Return the tables of the schemas, parents first; of other schemas those that rows are needed of."""
        wanted = [name for name, each in self.catalogue.relations.items() if each.schema in self._schemas]
        return [each for each in in_order(self.catalogue, wanted) if not is_partition(self.catalogue, each)]

    def seed(self, count: int, connection: psycopg.Connection[Any] | None = None) -> Seeded:
        """Make *count* rows in each table."""
        done = Seeded()
        connection = connection or self._connection
        for relation in self.tables:
            for number in range(count):
                problem = self.insert(connection, relation, number)
                if problem is not None:
                    done.failures[relation.name] = problem
                    break
            # A trigger may have made rows already, one for each parent that there can be.
            done.rows[relation.name] = _count(connection, relation)
        done.failures = {name: why for name, why in done.failures.items() if not done.rows[name]}
        self.unfilled = set(done.failures)
        return done

    def reserved(self, connection: psycopg.Connection[Any], relation: Relation, problem: str) -> bool:
        """Tell whether only a key stopped a row of which there can be no more: each parent has one already."""
        return UNIQUE in problem and _count(connection, relation) > 0

    def insert(
        self,
        connection: psycopg.Connection[Any],
        relation: Relation,
        number: int,
        only: Sequence[str] | None = None,
        checks: Checks | None = None,
    ) -> str | None:
        """Make one row, of the columns *only* if they are given. Return why it could not be made, or ``None``.

        *checks* are those that hold now, where they are not those of the catalogue.
        """
        self._checks = {relation.name: checks if checks is not None else relation.checks}
        left_out: set[str] = set()
        problem = "no value that the catalogue lets in was found"
        for turn in range(_TRIES):
            values = {
                name: value
                for name, value in self._values(connection, relation, number + turn // 4).items()
                if name not in left_out and (only is None or name in only)
            }
            found = _inserted(connection, relation, values)
            if found is None:
                return None
            problem = _told(found)
            if not self._learn(relation, found, left_out):
                break
        return problem

    def _values(self, connection: psycopg.Connection[Any], relation: Relation, number: int) -> dict[str, Any]:
        values = self._keys_of_parents(connection, relation, number)
        self._tried.clear()
        for column in relation.columns.values():
            if column.name not in values and not column.generated and not column.counted:
                value = self._value(relation, column, number)
                if value is not None:
                    values[column.name] = value
        return {name: value for name, value in values.items() if value is not None}

    def _keys_of_parents(self, connection: psycopg.Connection[Any], relation: Relation, number: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for reference in relation.references:
            target = self.catalogue.relations.get(reference.target)
            if target is None:
                continue
            place = (reference.target, reference.target_columns)
            if not self._parents.get(place):
                self._parents[place] = _keys(connection, target, reference.target_columns)
            if found := self._parents[place]:
                values |= dict(zip(reference.columns, found[number % len(found)], strict=True))
        return values

    def _value(self, relation: Relation, column: Column, number: int) -> str | None:
        checks = [text for columns, text in self._checks[relation.name].values() if column.name in columns]
        if column.default and column.type not in {"text", "varchar", "int4", "jsonb", "bool"}:
            return None
        refused = self._refused.get((relation.name, column.name), set())
        offered = enumerate(islice(candidates(column, [*checks, *column.rules]), _CHOICES))
        choices = [(place, value) for place, value in offered if place not in refused]
        if not choices:
            return None
        # Where a check or a type names the values, rows go through them in turn.
        named = column.labels or (column.type in TEXTS and any("'" in text for text in checks))
        place, value = choices[number % len(choices) if named else 0]
        self._tried[column.name] = place
        return value

    def _learn(self, relation: Relation, problem: psycopg.Error, left_out: set[str]) -> bool:
        """Choose other values next time. Return whether there is any use in another try."""
        if isinstance(problem, psycopg.errors.UniqueViolation):
            return True
        if isinstance(problem, psycopg.errors.CheckViolation):
            blamed = self._checks[relation.name].get(problem.diag.constraint_name or "", ((), ""))[0]
            tried = [name for name in blamed if name in self._tried]
            for name in sorted(tried, key=lambda name: len(self._refused.get((relation.name, name), ())))[:1]:
                self._refused.setdefault((relation.name, name), set()).add(self._tried[name])
            return bool(tried)
        if isinstance(problem, (psycopg.errors.ForeignKeyViolation, psycopg.DataError)):
            optional = {name for name, each in relation.columns.items() if not each.required and name not in left_out}
            left_out |= optional
            return bool(optional)
        return False


def _keys(connection: psycopg.Connection[Any], target: Relation, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return keys of rows that another table may refer to."""
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("select {} from {} order by 1 limit {}").format(named, target.sql, _PARENTS)
    return connection.execute(statement).fetchall()


def _count(connection: psycopg.Connection[Any], relation: Relation) -> int:
    row = connection.execute(sql.SQL("select count(*) from {}").format(relation.sql)).fetchone()
    return int(row[0]) if row is not None else 0


def _inserted(
    connection: psycopg.Connection[Any], relation: Relation, values: Mapping[str, Any]
) -> psycopg.Error | None:
    """Insert a row; what stops it is returned, and nothing of it is left."""
    if values:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            relation.sql,
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Literal, values.values())),
        )
    else:
        statement = sql.SQL("insert into {} default values").format(relation.sql)
    try:
        with connection.transaction():
            connection.execute(statement)
    except psycopg.Error as problem:
        return problem
    return None


def _told(problem: psycopg.Error) -> str:
    """Return what stopped it, without a value of a row."""
    on = problem.diag.constraint_name or problem.diag.column_name
    return f"SQLSTATE {problem.sqlstate}" + (f" on {on}" if on else "")
