"""Keeping a row of a playground's database locked, so that a write to it has to wait: what decides a race by force."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller

if TYPE_CHECKING:
    import psycopg

    from rollout_gates.systems.tts.playground import Playground

_POLLER = Poller(first_s=0.01, factor=1.3, longest_s=0.1)
_PATIENCE_S = 30.0
_WAITING: LiteralString = (
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
)


@dataclass(frozen=True)
class Lock:
    """A transaction of ours that holds a row. Leaving the block of `locked` commits it."""

    connection: psycopg.AsyncConnection[Any]
    watcher: psycopg.AsyncConnection[Any]

    async def until_waiting(self, count: int, *, unless: asyncio.Future[Any] | None = None) -> bool:
        """Wait until *count* others wait for rows in this database, *unless* what should wait is over without that.

        False: it never came to that.
        """

        def enough(found: int) -> bool:
            return found >= count or (unless is not None and unless.done())

        polled = await _POLLER.until(self._waiting, enough, deadline_s=_PATIENCE_S)
        return polled.last >= count

    async def wait(self, count: int, what: str) -> None:
        """The same, and raise `CouldNotJudge` when it never came to that."""
        if not await self.until_waiting(count):
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{what} never came to the row that was locked for it")

    async def _waiting(self) -> int:
        row = await (await self.watcher.execute(_WAITING)).fetchone()
        return int(row[0]) if row else 0


@contextlib.asynccontextmanager
async def locked(ground: Playground, table: str, row_id: str, **changes: Any) -> AsyncIterator[Lock]:
    """Lock a row of *table*, with *changes* to it that nobody sees before the block ends. Raises `NotConfigured`."""
    dsn = ground.settings.secret("database_dsn")
    if dsn is None:
        raise NotConfigured("the playground told no database to lock a row in")
    import psycopg  # noqa: PLC0415 - a tenth of the start-up of every run

    async with (
        await psycopg.AsyncConnection.connect(dsn.reveal(), autocommit=True) as watcher,
        await psycopg.AsyncConnection.connect(dsn.reveal()) as connection,
    ):
        await _take(connection, table, row_id, changes)
        yield Lock(connection, watcher)
        await connection.commit()


async def _take(connection: psycopg.AsyncConnection[Any], table: str, row_id: str, changes: dict[str, Any]) -> None:
    from psycopg import sql  # noqa: PLC0415

    name = sql.Identifier("public", table)
    if not changes:
        await connection.execute(sql.SQL("select 1 from {} where id = %s for update").format(name), (row_id,))
        return
    columns = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in changes)
    statement = sql.SQL("update {} set {} where id = %s").format(name, columns)
    await connection.execute(statement, (*changes.values(), row_id))
