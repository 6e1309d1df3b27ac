"""SQL as the service role, with database errors turned into the route's own text.

Rows are dicts; UUIDs in them are strings. Ownership is part of every statement: this role sees all rows.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.tts.api.errors import ApiError, StoreFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from psycopg import AsyncConnection, AsyncCursor

    from sandbox.tts.database import Database

    Row = dict[str, Any]
    Values = Sequence[Any] | Mapping[str, Any]

# A lone surrogate cannot be encoded; the database behind the data API refuses it too.
_SEEN_BY_THE_OLD_BUILD: tuple[LiteralString, ...] = ("voices", "generations", "tasks")
_REFUSALS = (psycopg.Error, UnicodeError)


@contextmanager
def _speaking(failing: str | None) -> Iterator[None]:
    try:
        yield
    except StoreFailed as failure:
        if failing is None:
            raise
        raise ApiError(500, failing) from failure
    except _REFUSALS as error:
        raise (StoreFailed(error) if failing is None else ApiError(500, failing)) from error


class Transaction:
    """One transaction. *failing*, everywhere: what a refused statement answers (500); None raises StoreFailed."""

    def __init__(self, connection: AsyncConnection[Row], *, old_build: bool = False) -> None:
        self._connection = connection
        self._old_build = old_build

    async def row(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> Row | None:
        """The first row, None without one."""
        with _speaking(failing):
            cursor = await self._execute(statement, values)
            row = await cursor.fetchone()
        return None if row is None else _with_text_ids(row)

    async def rows(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> list[Row]:
        """All rows."""
        with _speaking(failing):
            cursor = await self._execute(statement, values)
            return [_with_text_ids(row) for row in await cursor.fetchall()]

    async def run(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> int:
        """How many rows the statement touched."""
        with _speaking(failing):
            return (await self._execute(statement, values)).rowcount

    async def _execute(self, statement: LiteralString, values: Values) -> AsyncCursor[Row]:
        if self._old_build:
            for table in _SEEN_BY_THE_OLD_BUILD:
                statement = statement.replace(f"public.{table}", f"old_build.{table}")
        return await self._connection.execute(statement, values)

    async def call(self, function: str, *, failing: str | None = None, **arguments: Any) -> Row:
        """The row that `public.<function>` returns."""
        names = sql.SQL(", ").join(sql.SQL("{} => %s").format(sql.Identifier(name)) for name in arguments)
        statement = sql.SQL("select * from public.{}({})").format(sql.Identifier(function), names)
        values = [Jsonb(value) if isinstance(value, dict) else value for value in arguments.values()]
        with _speaking(failing):
            cursor = await self._connection.execute(statement, values)
            row = await cursor.fetchone()
        return _with_text_ids(row or {})

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What fails inside is undone, the transaction goes on. Raises StoreFailed."""
        with _speaking(None):
            async with self._connection.transaction():
                yield


class Store:
    """The database as the function uses it. Each method but `transaction` is one transaction of one statement."""

    def __init__(self, database: Database, is_old_build: Callable[[], bool] = lambda: False) -> None:
        self._database = database
        self._is_old_build = is_old_build

    @asynccontextmanager
    async def transaction(self, *, failing: str | None = None) -> AsyncIterator[Transaction]:
        """All or nothing; an exception inside rolls back."""
        with _speaking(failing):
            async with self._database.service() as connection:
                yield Transaction(connection, old_build=self._is_old_build())

    async def row(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> Row | None:
        """The first row, None without one."""
        async with self.transaction(failing=failing) as transaction:
            return await transaction.row(statement, values)

    async def rows(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> list[Row]:
        """All rows."""
        async with self.transaction(failing=failing) as transaction:
            return await transaction.rows(statement, values)

    async def run(self, statement: LiteralString, values: Values = (), *, failing: str | None = None) -> int:
        """How many rows the statement touched."""
        async with self.transaction(failing=failing) as transaction:
            return await transaction.run(statement, values)

    async def call(self, function: str, *, failing: str | None = None, **arguments: Any) -> Row:
        """The row that `public.<function>` returns."""
        async with self.transaction(failing=failing) as transaction:
            return await transaction.call(function, **arguments)


def _with_text_ids(row: Row) -> Row:
    return {key: str(value) if isinstance(value, UUID) else value for key, value in row.items()}
