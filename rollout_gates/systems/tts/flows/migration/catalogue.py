"""The deployed database as it stands: its catalogue, rows without a provider, and whether checks refuse anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.migrations.facts import Facts, read_facts
from rollout_gates.systems.tts.flows.migration.database import dsn_of, within
from rollout_gates.systems.tts.flows.migration.trying import Refusals, refusals
from rollout_gates.systems.tts.schema import LEGACY, PLAN, PROVIDER_COLUMNS, VERSION

if TYPE_CHECKING:
    import psycopg

    from rollout_gates.conductor import Context

_READ = "begin isolation level repeatable read read only"


@dataclass(frozen=True)
class Providers:
    """Rows of one table: all, those *without* a provider, and those *older* than the migration.

    *otherwise*: how many of the older ones read something else than they have to.
    """

    rows: int
    without: int
    older: int
    otherwise: int


@dataclass(frozen=True)
class Deployed:
    """What the catalogue says, providers by table, and what the checks refused; ``None`` where nothing may be tried."""

    facts: Facts
    providers: Mapping[str, Providers]
    refusals: Refusals | None


@flow("migration_catalogue")
async def migration_catalogue(context: Context) -> Deployed:
    """Read everything in one read-only transaction; outside of production bad rows are tried too, and rolled back."""
    dsn = dsn_of(context.settings)
    await wake(context)
    facts, providers = await within(dsn, _read)
    tried = None
    if context.environment.kind != "prod":
        tried = await within(dsn, lambda connection: refusals(connection, facts), read_only=False)
    return Deployed(facts, providers, tried)


async def wake(context: Context) -> None:
    """Use the sandbox's database once through its front door, where faults are put in. Deployments need none of it."""
    if context.sandbox_url is not None:
        await context.session.anon.rows("voices", {"limit": 1})


def _read(connection: psycopg.Connection[Any]) -> tuple[Facts, Mapping[str, Providers]]:
    connection.execute(_READ)
    try:
        connection.execute("set local row_security to off")
        facts = read_facts(connection, PLAN.schemas, PLAN.rules)
        return facts, {table: _providers(connection, table, facts) for table in PROVIDER_COLUMNS}
    finally:
        connection.execute("rollback")


def _providers(connection: psycopg.Connection[Any], table: str, facts: Facts) -> Providers:
    from psycopg import sql  # noqa: PLC0415

    column = PROVIDER_COLUMNS[table]
    if f"{table}.{column}" not in facts["column"]:
        return Providers(0, 0, 0, 0)
    schema, _, name = table.partition(".")
    statement = sql.SQL(
        "select count(*), count(*) filter (where {column} is null), count(*) filter (where created_at < %(version)s), "
        "count(*) filter (where created_at < %(version)s and {column} is distinct from %(legacy)s) from {table}"
    ).format(column=sql.Identifier(column), table=sql.Identifier(schema, name))
    row = connection.execute(statement, {"version": VERSION, "legacy": LEGACY}).fetchone()
    return Providers(*(int(count) for count in row or (0, 0, 0, 0)))
