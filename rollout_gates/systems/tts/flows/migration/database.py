"""Reaching the deployed database, and what cannot be judged where it cannot be reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    import psycopg

    from rollout_gates.systems.tts.settings import Settings

Result = TypeVar("Result")


def dsn_of(settings: Settings) -> str:
    """Return the connection string of the database. Raises `NotConfigured`."""
    held = settings.secret("database_dsn")
    if held is None:
        raise NotConfigured("the database itself is read: configure secrets.database_dsn")
    return held.reveal()


async def within(dsn: str, act: Callable[[psycopg.Connection[Any]], Result], *, read_only: bool = True) -> Result:
    """Run *act* in a thread, on a connection in autocommit. A database that cannot be read cannot be judged."""
    import psycopg  # noqa: PLC0415 - the driver is slow to import

    def run() -> Result:
        # A pooler may hand on sessions between transactions, so nothing is prepared in them.
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            connection.read_only = read_only
            return act(connection)

    try:
        return await asyncio.to_thread(run)
    except psycopg.Error as problem:
        # The text of a failed connection names host and user: the kind of the problem has to do.
        told = f"SQLSTATE {problem.sqlstate}" if problem.sqlstate else type(problem).__name__
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the database of secrets.database_dsn: {told}") from None
