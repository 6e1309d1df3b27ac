"""Row policies, grants, functions and buckets as the database has them: acted out and rolled back, and read.

What is meant to be open stands in sections 5.3 to 5.5 and 5.7 of the contract. Two users are made up and planted inside
of the transaction; no user of the deployment is touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.row_policy import SERVICE, Access, Intent, Options
from rollout_gates.row_policy.tables import matrices
from rollout_gates.systems.tts.flows.security.declared import KINDS, identities, intent
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.row_policy import Report, Standing
    from rollout_gates.systems.tts.session import Session

OBJECTS = "storage.objects"
Result = TypeVar("Result")
# Seconds that the acting may take: it holds the sequences of the schema, and who draws from them waits.
_WITHIN_S = 30.0
_BUCKETS = "select id::text, public from storage.buckets order by id"


@dataclass(frozen=True)
class RowPolicies:
    """What came of acting as anon, as users A and B, and as the service, on every object of schema `public`."""

    report: Report


@dataclass(frozen=True)
class Rulebook:
    """What the catalogue says: of schema `public`, of the policies of stored objects, and which buckets are public."""

    public: tuple[Standing, ...]
    storage: tuple[Standing, ...]
    buckets: Mapping[str, bool]


@flow("row_policies", last=True)
async def row_policies(context: Context) -> RowPolicies:
    """Act out everything. Raises `NotConfigured`, `CouldNotJudge` where the connection may not act or tables lack."""
    from rollout_gates.row_policy.oracle import CannotAct, examine  # noqa: PLC0415 - the driver is slow to import

    dsn = _dsn(context)
    options = Options(within_s=_WITHIN_S)
    try:
        report = await _reaching(lambda: examine(dsn, identities(), intent(), options))
    except CannotAct as problem:
        raise CouldNotJudge(Reason.NOT_CONFIGURED, f"secrets.database_dsn: {problem}") from None
    if not report.proof.nothing_kept:
        raise RuntimeError(
            f"the transaction is {report.proof.transaction}, {report.proof.rows_left} of its rows are left"
        )
    for matrix in matrices(report, [who.name for who in identities() if who.audience != SERVICE]):
        context.show(matrix)
    return RowPolicies(report)


@flow("rulebook")
async def rulebook(context: Context) -> Rulebook:
    """Read the catalogue, in a read-only transaction. Raises `NotConfigured` or `CouldNotJudge`."""
    from rollout_gates.row_policy.oracle import inspect  # noqa: PLC0415

    dsn = _dsn(context)
    own = Intent(KINDS, access={OBJECTS: {"*": Access()}})

    def read() -> Rulebook:
        public = inspect(dsn, identities(), intent(), Options())
        return Rulebook(public, inspect(dsn, identities(), own, Options(schemas=("storage",))), _buckets(dsn))

    return await _reaching(read)


def _dsn(context: Context) -> str:
    session: Session = context.session
    held = session.settings.secret("database_dsn")
    if held is None:
        raise NotConfigured("policies are read from the database: configure secrets.database_dsn")
    return held.reveal()


async def _reaching(act: Callable[[], Result]) -> Result:
    """Run *act* in a thread; a database that cannot be reached or read cannot be judged."""
    import psycopg  # noqa: PLC0415

    try:
        return await asyncio.to_thread(act)
    except psycopg.Error as problem:
        # The text of a failed connection names host and user: the kind of the problem has to do.
        told = f"SQLSTATE {problem.sqlstate}" if problem.sqlstate else type(problem).__name__
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the database of secrets.database_dsn: {told}") from None


def _buckets(dsn: str) -> dict[str, bool]:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(dsn) as connection:
        connection.read_only = True
        return dict(connection.execute(_BUCKETS).fetchall())
