"""Breaking one thing of a running instance on purpose, and mending it again.

    storage_write      every write to object storage is refused; storage_write:BUCKET: to that bucket
    rpc:NAME           the service role may no longer call `public.NAME`
    insert:TABLE       the service role may no longer insert into `public.TABLE`; also select, update, delete

The database is really told: a right is revoked, and granted back. What then happens is what the system does with an
error of its database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from sandbox.tts.platform.storage import Storage

RIGHTS = {
    "select": sql.SQL("select"),
    "insert": sql.SQL("insert"),
    "update": sql.SQL("update"),
    "delete": sql.SQL("delete"),
}
ROLE = sql.Identifier("service_role")


class Breakage:
    """What is broken in one instance at this moment."""

    def __init__(self, dsn: str, storage: Storage) -> None:
        self._dsn = dsn
        self._storage = storage
        self.broken: set[str] = set()

    async def set(self, what: str, *, on: bool) -> None:
        """Break *what*, or mend it. Raises ValueError for something that cannot be broken, or is not there."""
        if on == (what in self.broken):
            return
        kind, _, name = what.partition(":")
        if kind == "storage_write":
            self._storage.break_writes(name or None, on)
        elif kind == "rpc" and name:
            await self._function(name, on=on)
        elif kind in RIGHTS and name:
            await self._table(kind, name, on=on)
        else:
            raise ValueError(
                f"cannot break {what}: it is storage_write, storage_write:BUCKET, rpc:NAME, or {'|'.join(RIGHTS)}:TABLE"
            )
        (self.broken.add if on else self.broken.discard)(what)

    async def _table(self, kind: str, table: str, *, on: bool) -> None:
        target = sql.SQL("table {}").format(sql.Identifier("public", table))
        await self._revoke(RIGHTS[kind], target, f"no table {table}", on=on)

    async def _function(self, name: str, *, on: bool) -> None:
        found = (
            "select oid::regprocedure::text from pg_proc where proname = %s and pronamespace = 'public'::regnamespace"
        )
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            rows = await (await connection.execute(found, (name,))).fetchall()
        if not rows:
            raise ValueError(f"no function {name}")
        for (signature,) in rows:
            await self._revoke(sql.SQL("execute"), sql.SQL("function " + signature), f"no function {name}", on=on)

    async def _revoke(self, right: sql.Composable, target: sql.Composable, missing: str, *, on: bool) -> None:
        wording = "revoke {} on {} from {}" if on else "grant {} on {} to {}"
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            try:
                await connection.execute(sql.SQL(wording).format(right, target, ROLE))
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
                raise ValueError(missing) from error
