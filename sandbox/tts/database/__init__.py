"""One instance's database: connections under the role of a caller, and what breaks on demand."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager
    from typing import Self

Connection: TypeAlias = AsyncConnection[DictRow]

_ASSUME: LiteralString = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"
_SERVICE_CLAIMS: Mapping[str, Any] = {"role": "service_role"}


class Database:
    """A database of the embedded cluster, used through the roles of the platform.

    Connections log in as `authenticator`, which has no right of its own. Each block below is one transaction that
    first takes a role, so grants and row-level security really decide; it commits on a clean exit, else rolls back.
    Rows are dicts. `before_use` is awaited ahead of every block.
    """

    def __init__(self, dsn: str, login_dsn: str) -> None:
        """Take *dsn* of the superuser, for tools and rehearsals, and *login_dsn* of `authenticator`."""
        self.dsn = dsn
        self.before_use: Callable[[], Awaitable[None]] | None = None
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            login_dsn, min_size=1, max_size=10, open=False, kwargs={"row_factory": dict_row}, timeout=30.0
        )

    async def open(self) -> Self:
        """Connect. Returns the database itself."""
        await self._pool.open()
        return self

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def as_role(self, role: str, claims: Mapping[str, Any]) -> AsyncIterator[Connection]:
        """One transaction as *role* with *claims* as its JWT."""
        if self.before_use is not None:
            await self.before_use()
        async with self._pool.connection() as connection:
            await connection.execute(_ASSUME, (role, json.dumps(claims)))
            yield connection

    def service(self) -> AbstractAsyncContextManager[Connection]:
        """One transaction as `service_role`: all grants, no row-level security."""
        return self.as_role("service_role", _SERVICE_CLAIMS)

    def caller(self, claims: Mapping[str, Any] | None) -> AbstractAsyncContextManager[Connection]:
        """One transaction as the role of *claims* (`anon` when None or without a role)."""
        claims = claims or {"role": "anon"}
        return self.as_role(str(claims.get("role") or "anon"), claims)

    async def rpc(self, name: str, **arguments: Any) -> Any:
        """Call `public.<name>` as the service role.

        Returns a dict for a function that returns columns, else the bare value. Raises psycopg.Error; an unknown
        function or argument is psycopg.errors.UndefinedFunction.
        """
        given = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(key), sql.Placeholder(key)) for key in arguments
        )
        statement = sql.SQL("select * from public.{}({}) as result").format(sql.Identifier(name), given)
        values = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in arguments.items()}
        async with self.service() as connection:
            cursor = await connection.execute(statement, values)
            row = await cursor.fetchone()
        return row["result"] if row is not None and list(row) == ["result"] else row
