"""Applies migration files statement by statement, and measures what each keeps locked, and which tables it rewrites."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pglast
import psycopg
from pglast import ast

from rollout_gates.migrations.files import MigrationFile
from rollout_gates.migrations.statements import Statement, read_statements
from rollout_gates.migrations.tree import option, truth

if TYPE_CHECKING:
    from psycopg.abc import QueryNoTemplate

_EXCLUSIVE = "AccessExclusiveLock"
# A schema, a table, a function or a role of that name is there.
_THERE_ALREADY = {"42P06", "42P07", "42723", "42710"}
_LOCKS = """
select c.oid::regclass::text, l.mode from pg_locks l join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_backend_pid() and l.granted and c.relkind in ('r', 'p') and n.nspname = any(%s)
  and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
"""
_FILES = """
select n.nspname || '.' || c.relname, pg_relation_filenode(c.oid) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = any(%s)
"""


class NotApplied(Exception):
    """A statement failed. *state* is its SQLSTATE; the message names file and line, and says why."""

    def __init__(self, statement: Statement, problem: psycopg.Error) -> None:
        self.state = problem.sqlstate or ""
        told = (problem.diag.message_primary or type(problem).__name__).splitlines()[0]
        super().__init__(f"{statement.file}:{statement.line}: {told} (SQLSTATE {self.state})")


@dataclass
class Applied:
    """What applying did: seconds that a table was *locked* by mode, tables that were *rewritten*, what was left out."""

    seconds: float = 0.0
    locked: dict[tuple[str, str], float] = field(default_factory=dict)
    rewritten: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)

    def longest(self, mode: str = _EXCLUSIVE) -> Mapping[str, float]:
        """Return the seconds that each table was locked in *mode*."""
        return {table: seconds for (table, held), seconds in self.locked.items() if held == mode}


def bring_about(connection: psycopg.Connection[Any], files: Iterable[MigrationFile]) -> list[str]:
    """Apply *files* that are deployed elsewhere; what the platform has already is left out and returned.

    Raises `NotApplied`.
    """
    left_out = []
    for file in files:
        for statement, text in zip(read_statements(file), _texts(file), strict=True):
            if isinstance(statement.node, ast.CreateExtensionStmt) and not _available(connection, statement.node):
                left_out.append(f"extension {statement.node.extname}")
                continue
            try:
                _run(connection, statement, text)
            except NotApplied as problem:
                if problem.state not in _THERE_ALREADY:
                    raise
                left_out.append(f"{statement.file}:{statement.line}")
    return left_out


def apply(
    connection: psycopg.Connection[Any], files: Iterable[MigrationFile], schemas: Sequence[str] = ("public",)
) -> Applied:
    """Apply *files*, each in one transaction unless it has statements that refuse one. Raises `NotApplied`.

    *connection* is in autocommit. What a failed file did in its transaction is undone.
    """
    done = Applied()
    for file in files:
        before = _filenodes(connection, schemas)
        started = time.monotonic()
        _apply_file(connection, file, schemas, done)
        done.seconds += time.monotonic() - started
        after = _filenodes(connection, schemas)
        done.rewritten |= {name for name, node in before.items() if after.get(name, node) != node}
    return done


def _apply_file(
    connection: psycopg.Connection[Any], file: MigrationFile, schemas: Sequence[str], done: Applied
) -> None:
    statements = read_statements(file)
    alone = any(_refuses_transactions(each.node) or isinstance(each.node, ast.TransactionStmt) for each in statements)
    held: dict[tuple[str, str], float] = {}
    try:
        if not alone:
            connection.execute("begin")
        for statement, text in zip(statements, _texts(file), strict=True):
            if isinstance(statement.node, ast.CreateExtensionStmt) and not _available(connection, statement.node):
                done.left_out.append(f"extension {statement.node.extname}")
                continue
            started = time.monotonic()
            _run(connection, statement, text)
            if not alone:
                for lock in connection.execute(_LOCKS, (list(schemas),)).fetchall():
                    held.setdefault((_named(lock[0]), lock[1]), started)
        if not alone:
            connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    ended = time.monotonic()
    for lock, since in held.items():
        done.locked[lock] = max(done.locked.get(lock, 0.0), ended - since)


def _run(connection: psycopg.Connection[Any], statement: Statement, text: str) -> None:
    try:
        connection.execute(_sql(text))
    except psycopg.Error as problem:
        raise NotApplied(statement, problem) from None


def _sql(text: str) -> QueryNoTemplate:
    return text.encode()


def _texts(file: MigrationFile) -> list[str]:
    """Return the text of each statement; of a file that cannot be read the whole, so that the server says why."""
    try:
        raw = pglast.parse_sql(file.text)
    except pglast.parser.ParseError:
        return [file.text]
    return [
        file.text[each.stmt_location : each.stmt_location + each.stmt_len if each.stmt_len else None] for each in raw
    ]


def _refuses_transactions(node: Any) -> bool:
    if isinstance(node, ast.IndexStmt):
        return bool(node.concurrent)
    if isinstance(node, ast.DropStmt):
        return bool(node.concurrent)
    if isinstance(node, ast.ReindexStmt):
        given = option(node.params, "concurrently")
        return given is not None and truth(given)
    return isinstance(node, (ast.VacuumStmt, ast.CreatedbStmt, ast.DropdbStmt, ast.AlterSystemStmt, ast.AlterEnumStmt))


def _available(connection: psycopg.Connection[Any], node: Any) -> bool:
    found = connection.execute("select 1 from pg_available_extensions where name = %s", (node.extname,)).fetchone()
    return found is not None


def _named(table: str) -> str:
    return table if "." in table else f"public.{table}"


def _filenodes(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> dict[str, int]:
    return {str(name): int(node or 0) for name, node in connection.execute(_FILES, (list(schemas),)).fetchall()}
