"""One moment of a database: its catalogue, and of each table rows, groups and a hash a column, in one scan a table.

Hashes are made by the server and combined so that the order of rows does not matter. Where a table has a primary key,
each value is hashed together with the key of its row: two rows that swap their values do not look the same. Only the
combined numbers travel, so the client needs no more memory for a large table than for a small one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from rollout_gates.migrations.facts import Facts, read_facts
from rollout_gates.migrations.plans import Plan

if TYPE_CHECKING:
    import psycopg

_READ_ONLY = "begin isolation level repeatable read read only"
_SETTINGS = (
    "set local timezone to 'UTC'",
    "set local datestyle to 'ISO, MDY'",
    "set local intervalstyle to 'postgres'",
    "set local bytea_output to 'hex'",
    "set local extra_float_digits to 1",
    # A large table takes its time; a table that is being changed is not waited for.
    "set local statement_timeout to 0",
    "set local lock_timeout to '10s'",
    # A policy that hides rows from this role must not go unnoticed.
    "set local row_security to off",
)
_MOST_GROUPS = 200


class TooManyGroups(Exception):
    """The columns that rows are grouped by hold too many values to be compared; names the table."""


@dataclass(frozen=True)
class TableState:
    """One table: its *rows*, a *hash* of each column, and rows *by group*, ``"type=clone, status=failed"``."""

    rows: int
    hashes: Mapping[str, str]
    by_group: Mapping[str, int]


@dataclass(frozen=True)
class Snapshot:
    """One moment. *database* tells whether two are of the same one."""

    taken: str
    database: str
    server: str
    facts: Facts
    tables: Mapping[str, TableState]

    def told(self) -> dict[str, Any]:
        """Return it for a file."""
        tables = {name: vars(state) for name, state in self.tables.items()}
        return {"schema": "rollout-gates/database/1", **vars(self), "tables": tables}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Snapshot:
        """Return what `told` gave. Raises ``KeyError`` or ``TypeError`` for anything else."""
        tables = {name: TableState(**state) for name, state in told["tables"].items()}
        return cls(told["taken"], told["database"], told["server"], told["facts"], tables)

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of each table that were hashed."""
        return {name: tuple(state.hashes) for name, state in self.tables.items()}


def take(connection: psycopg.Connection[Any], plan: Plan) -> Snapshot:
    """Read the database that *connection* (in autocommit) leads to, in one read-only transaction."""
    connection.execute(_READ_ONLY)
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
        return read(connection, plan)
    finally:
        connection.execute("rollback")


def read(connection: psycopg.Connection[Any], plan: Plan) -> Snapshot:
    """Read within the transaction that is open; the settings of `take` are up to the caller."""
    facts = read_facts(connection, plan.schemas, plan.rules)
    taken, database, server = _identity(connection)
    tables = {name: table_state(connection, name, facts, plan) for name in sorted(facts["table"])}
    return Snapshot(taken, database, server, facts, tables)


def _identity(connection: psycopg.Connection[Any]) -> tuple[str, str, str]:
    row = connection.execute(
        "select to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
        "(select oid::text from pg_database where datname = current_database()) || ' ' || current_database(), "
        "current_setting('server_version')"
    ).fetchone()
    assert row is not None, "a select without a table has one row"
    return str(row[0]), str(row[1]), str(row[2])


def table_state(connection: psycopg.Connection[Any], table: str, facts: Facts, plan: Plan) -> TableState:
    """Scan *table* once."""
    columns = _columns(table, facts)
    wanted = [name for name in _wanted(table, columns, plan) if name in columns]
    grouped = [name for name in plan.groups.get(table, ()) if name in columns]
    bounded = plan.until is not None and columns.get(plan.born, "").startswith("timestamp")
    statement = _statement(_Scan(table, columns, wanted, grouped, _key(table, facts), bounded), plan.born)
    parameters = {"until": plan.until} if plan.until is not None else {}
    rows, hashes, by_group = 0, dict.fromkeys(wanted, 0), {}
    for count, *values in _rows(connection, statement, parameters, table):
        rows += count
        for name, value in zip(wanted, values, strict=False):
            hashes[name] ^= int(value or 0)
        if grouped:
            by_group[_label(grouped, values[len(wanted) :])] = int(count)
    return TableState(rows, {name: str(value) for name, value in hashes.items()}, by_group)


def _rows(
    connection: psycopg.Connection[Any], statement: sql.Composed, parameters: Mapping[str, Any], table: str
) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(connection.execute(statement, parameters), start=1):
        if number > _MOST_GROUPS:
            raise TooManyGroups(f"{table} has more than {_MOST_GROUPS} groups")
        yield row


def _label(names: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in zip(names, values, strict=True))


def _columns(table: str, facts: Facts) -> dict[str, str]:
    """Return the stored columns of *table* with their types; computed ones follow from the others."""
    prefix = f"{table}."
    return {
        name.removeprefix(prefix): str(told["type"])
        for name, told in facts["column"].items()
        if name.startswith(prefix) and "." not in name.removeprefix(prefix) and told["generated"] != "v"
    }


def _wanted(table: str, columns: Mapping[str, str], plan: Plan) -> Sequence[str]:
    return list(columns) if plan.columns is None else plan.columns.get(table, ())


def _key(table: str, facts: Facts) -> list[str]:
    """Return the columns of the primary key of *table*."""
    prefix = f"{table}."
    for name, told in facts["constraint"].items():
        definition = str(told["definition"])
        if name.startswith(prefix) and definition.startswith("PRIMARY KEY ("):
            listed = definition.removeprefix("PRIMARY KEY (").partition(")")[0]
            return [part.strip().strip('"') for part in listed.split(",")]
    return []


@dataclass(frozen=True)
class _Scan:
    """One table and what of it is wanted."""

    table: str
    columns: Mapping[str, str]
    wanted: Sequence[str]
    grouped: Sequence[str]
    key: Sequence[str]
    bounded: bool


def _statement(scan: _Scan, born: str) -> sql.Composed:
    """Return the statement that reads a table in one scan; nothing in it keeps the server from sharing the work out."""
    schema, _, name = scan.table.partition(".")
    columns, grouped = scan.columns, scan.grouped
    seed: sql.Composable = sql.SQL("0::bigint")
    for part in scan.key:
        seed = _hash(part, columns[part], seed)
    bound = sql.SQL(" where {} <= %(until)s::timestamptz").format(sql.Identifier(born)) if scan.bounded else sql.SQL("")
    combine = "bit_xor({})" if scan.key else "(sum({}::numeric) %% 9223372036854775783)::bigint"
    hashes = [sql.SQL(combine).format(_hash(each, columns[each], seed)) for each in scan.wanted]
    groups = [sql.SQL("{}::text").format(sql.Identifier(each)) for each in grouped]
    ending = sql.SQL(" group by ") + sql.SQL(", ").join(map(sql.Identifier, grouped)) if grouped else sql.SQL("")
    return sql.SQL("select {} from {}{}{}").format(
        sql.SQL(", ").join([sql.SQL("count(*)"), *hashes, *groups]),
        sql.Identifier(schema, name),
        bound,
        ending,
    )


# A type's own hash is quicker than that of its text. All take a seed.
_HASHES = {
    "smallint": "hashint2extended({}, {})",
    "integer": "hashint4extended({}, {})",
    "bigint": "hashint8extended({}, {})",
    "boolean": "hashint4extended({}::int, {})",
    "uuid": "uuid_hash_extended({}, {})",
    "jsonb": "jsonb_hash_extended({}, {})",
    "double precision": "hashfloat8extended({}, {})",
    "real": "hashfloat4extended({}, {})",
    "date": "hashint4extended({} - date '2000-01-01', {})",
}
_BY_TEXT = 'hashtextextended({}::text collate "C", {})'
_TIMES = {
    "timestamp without time zone": "timestamp_hash_extended({}, {})",
    "timestamp with time zone": "timestamp_hash_extended({} at time zone 'UTC', {})",
}


def _hash(column: str, kind: str, seed: sql.Composable) -> sql.Composed:
    name = kind.partition("(")[0] if kind.startswith(("numeric", "character")) else kind
    template = _HASHES.get(name) or _TIMES.get(name)
    if template is None:
        template = "hash_numeric_extended({}, {})" if name == "numeric" else _BY_TEXT
    return sql.SQL(template).format(sql.Identifier(column), seed)
