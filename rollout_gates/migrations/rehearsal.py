"""Rehearses pending migrations on a database of its own: rows from before, old reads and writes, a second run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from rollout_gates.migrations.applying import Applied, NotApplied, apply, bring_about
from rollout_gates.migrations.facts import Difference, differences
from rollout_gates.migrations.files import Migrations
from rollout_gates.migrations.keeping import Kept
from rollout_gates.migrations.plans import Manners
from rollout_gates.migrations.scratch import Scratch
from rollout_gates.migrations.seeding import Seeder
from rollout_gates.migrations.snapshot import Snapshot, take
from rollout_gates.migrations.visible import Visible, look

if TYPE_CHECKING:
    from rollout_gates.row_policy.catalogue import Relation

_ROWS = 30
_CHECK_REFUSED = "23514"


class CannotRehearse(Exception):
    """The state before cannot be brought about; the message is one line and says why."""


@dataclass(frozen=True)
class Rehearsal:
    """What came of it.

    *failed* says why the migration could not be applied; then there is no `after`. *lacks_the_base*: it builds on
    something that is in no file. *altered* tells how many rows of a table are gone or hold something else. *reads* and
    *writes* are what old code could do before and cannot do any more. *second* is the refusal of a second run, empty
    when it went through; *again* is how the database stood after it.
    """

    files: tuple[str, ...]
    rows: Mapping[str, int]
    unseeded: Mapping[str, str]
    before: Snapshot
    failed: str = ""
    lacks_the_base: bool = False
    after: Snapshot | None = None
    again: Snapshot | None = None
    applied: Applied = field(default_factory=Applied)
    altered: Mapping[str, int] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    second: str = ""
    seen_before: Visible = field(default_factory=dict)
    seen_after: Visible = field(default_factory=dict)

    @property
    def changed(self) -> tuple[Difference, ...]:
        """Return what the migration changed in the catalogue."""
        return differences(self.before.facts, self.after.facts) if self.after is not None else ()


_OF_THE_PLATFORM = (
    "auth", "storage", "extensions", "graphql", "graphql_public", "information_schema", "realtime", "vault", "cron",
    "supabase_migrations", "supabase_functions", "pgsodium", "net",
)  # fmt: skip
_OWN_SCHEMAS = """
select n.nspname from pg_namespace n where n.nspname <> all(%s) and n.nspname not like 'pg\\_%%'
  and exists (select 1 from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p')) order by 1
"""
# What a statement fails with when the tables that it builds on are not there.
_ABSENT = {"42P01", "42703", "42704", "42883", "3F000"}


def rehearse(scratch: Scratch, migrations: Migrations, manners: Manners, name: str = "rehearsal") -> Rehearsal:
    """Rehearse the pending files of *migrations* on a database called *name*. Raises `CannotRehearse`."""
    with psycopg.connect(scratch.copy(name, scratch.platform), autocommit=True) as connection:
        return _Rehearser(connection, migrations, manners).act()


class _Rehearser:
    def __init__(self, connection: psycopg.Connection[Any], migrations: Migrations, manners: Manners) -> None:
        self._connection = connection
        self._migrations = migrations
        self._manners = manners

    def act(self) -> Rehearsal:
        """Go through all of it, in order."""
        self._deploy()
        self._schemas = self._own_schemas()
        self._plan = replace(self._manners.plan, schemas=self._schemas)
        with self._connection.transaction():
            seeder = Seeder(self._connection, self._schemas)
            seeded = seeder.seed(_ROWS)
        before = take(self._connection, self._plan)
        self._kept = Kept(self._connection, before)
        told: dict[str, Any] = {
            "files": tuple(file.name for file in self._migrations.pending),
            "rows": seeded.rows,
            "unseeded": seeded.failures,
            "before": before,
            "seen_before": look(self._connection, before, self._manners.roles),
        }
        applied, writes = Applied(), list[str]()
        # What old code cannot do to begin with is no fault of the migration.
        unable = self._old_writes(seeder).keys()
        for file in self._migrations.pending:
            try:
                _add(applied, apply(self._connection, [file], self._schemas))
            except NotApplied as problem:
                lacks = problem.state in _ABSENT
                return Rehearsal(**told, failed=str(problem), lacks_the_base=lacks, applied=applied)
            writes += [
                f"after {file.name} {what} {table} in the old shape fails: {problem}"
                for (what, table), problem in self._old_writes(seeder).items()
                if (what, table) not in unable
            ]
        return self._ended(told, applied, tuple(dict.fromkeys(writes)))

    def _deploy(self) -> None:
        try:
            bring_about(self._connection, self._migrations.deployed)
        except NotApplied as problem:
            raise CannotRehearse(f"what is deployed cannot be brought about: {problem}") from None

    def _own_schemas(self) -> tuple[str, ...]:
        """Return the schemas that are not the platform's, the usual ones before any others."""
        usual = self._manners.plan.schemas
        found = self._connection.execute(_OWN_SCHEMAS, (list(_OF_THE_PLATFORM),)).fetchall()
        return tuple(dict.fromkeys([*usual, *(str(row[0]) for row in found)]))

    def _ended(self, told: Mapping[str, Any], applied: Applied, writes: tuple[str, ...]) -> Rehearsal:
        before: Snapshot = told["before"]
        plan = self._plan
        after = take(self._connection, plan.after(before.columns()))
        reads = tuple(self._old_reads(before))
        seen = look(self._connection, before, self._manners.roles)
        altered = self._kept.missing(after)
        whole = take(self._connection, plan)
        second = self._second_run()
        again = take(self._connection, plan)
        return Rehearsal(
            **told,
            after=after,
            again=Snapshot(again.taken, again.database, again.server, again.facts, _only_changed(whole, again)),
            applied=applied,
            altered=altered,
            reads=reads,
            writes=writes,
            second=second,
            seen_after=seen,
        )

    def _second_run(self) -> str:
        """Apply everything once more, on a session of its own; return why it was refused."""
        try:
            with psycopg.connect(self._connection.info.dsn, password=self._connection.info.password) as other:
                other.autocommit = True
                apply(other, self._migrations.pending, self._schemas)
        except NotApplied as problem:
            return str(problem)
        return ""

    def _old_reads(self, before: Snapshot) -> list[str]:
        """Return the reads of old code that fail now."""
        problems = []
        for table, columns in before.columns().items():
            schema, _, name = table.partition(".")
            statement = sql.SQL("select {} from {} limit 1").format(
                sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(schema, name)
            )
            try:
                self._connection.execute(statement)
            except psycopg.Error as problem:
                problems.append(f"a read of {table} in the old shape fails: {_said(problem)}")
        return problems

    def _old_writes(self, seeder: Seeder) -> dict[tuple[str, str], str]:
        """Return the inserts and updates of old code that fail now, by what they do and to which table."""
        problems: dict[tuple[str, str], str] = {}
        now = Seeder(self._connection, self._schemas).catalogue
        # Nothing of them is kept.
        with self._connection.transaction(force_rollback=True):
            for relation in seeder.tables:
                if relation.schema in self._schemas and relation.name not in seeder.unfilled:
                    problems |= self._writes_of(seeder, relation, now.relations.get(relation.name))
        return problems

    def _writes_of(self, seeder: Seeder, relation: Relation, now: Relation | None) -> dict[tuple[str, str], str]:
        declared = self._manners.writes.get(relation.name, ())
        only = declared if declared and set(declared) <= relation.columns.keys() else tuple(relation.columns)
        found = {}
        # A value that suits a new check is looked for: old code may well have written one.
        problem = seeder.insert(self._connection, relation, _ROWS, only, checks=now.checks if now else None)
        if problem is not None and not seeder.reserved(self._connection, relation, problem):
            found["an insert into", relation.name] = problem
        if (problem := self._update(relation, only)) is not None:
            found["an update of", relation.name] = problem
        return found

    def _update(self, relation: Relation, only: Sequence[str]) -> str | None:
        columns = [relation.columns[name] for name in only]
        names = [each.name for each in columns if not each.generated and each.identity != "a"]
        same = [sql.SQL("{0} = {0}").format(sql.Identifier(name)) for name in names]
        statement = sql.SQL("update {0} set {1} where ctid = (select ctid from {0} limit 1)").format(
            relation.sql, sql.SQL(", ").join(same)
        )
        try:
            with self._connection.transaction():
                self._connection.execute(statement)
        except psycopg.Error as problem:
            # A row that a new check does not cover is no fault of the write.
            return None if problem.sqlstate == _CHECK_REFUSED else _said(problem)
        return None


def _add(to: Applied, more: Applied) -> None:
    to.seconds += more.seconds
    to.rewritten |= more.rewritten
    to.left_out += more.left_out
    for lock, seconds in more.locked.items():
        to.locked[lock] = max(to.locked.get(lock, 0.0), seconds)


def _only_changed(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Return the tables whose rows are not as they were."""
    return {name: state for name, state in after.tables.items() if before.tables.get(name) != state}


def _said(problem: psycopg.Error) -> str:
    return f"{(problem.diag.message_primary or type(problem).__name__).splitlines()[0]} (SQLSTATE {problem.sqlstate})"
