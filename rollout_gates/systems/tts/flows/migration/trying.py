"""Writes that are tried on a database and rolled back: bad rows that a check must refuse, rows in the old shape."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from rollout_gates.migrations.facts import Facts
from rollout_gates.systems.tts.schema import CHECKS, COLUMNS, LEGACY, PROVIDER_COLUMNS, Check
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    import psycopg

Refusals: TypeAlias = Mapping[str, str]
"""By check: ``23514 NAME`` where the check refused, else what came instead."""
_SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "public.voices": {
        "name": "a voice", "language": "Auto", "source": "uploaded", "reference_object_key": None,
        "reference_transcript": "said", "description": None,
    },
    "public.generations": {"voice_id": None, "text": "said", "language": "Auto", "status": "completed"},
    "public.tasks": {
        "type": "clone", "status": "completed", "generation_id": None, "voice_id": None, "metadata": {},
    },
}  # fmt: skip


# Not permitted, or a transaction that only reads.
_NO_RIGHTS = {"42501", "25006"}


@dataclass(frozen=True)
class Write:
    """An insert and an update in the old shape: what stopped them, and the new columns that the row got as text."""

    table: str
    problem: str | None
    defaults: Mapping[str, str | None]


def refusals(connection: psycopg.Connection[Any], facts: Facts) -> Refusals:
    """Try a bad value in the column of each check."""
    present = {name: check for name, check in CHECKS.items() if f"{check.table}.{check.column}" in facts["column"]}
    return {name: _refusal(connection, check) for name, check in present.items()}


def _refusal(connection: psycopg.Connection[Any], check: Check) -> str:
    import psycopg  # noqa: PLC0415

    # A check is asked before the keys of other tables are: there need be no such user.
    given = {"user_id": str(uuid.uuid4()), PROVIDER_COLUMNS[check.table]: LEGACY}
    row = {**given, **_SAMPLES[check.table], check.column: "neither"}
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(*_insert(check.table, row))
    except psycopg.Error as problem:
        _refuse_a_role_without_rights(problem)
        return f"{problem.sqlstate} {problem.diag.constraint_name or ''}".strip()
    return "it went through"


def _refuse_a_role_without_rights(problem: psycopg.Error) -> None:
    """A role that may not write at all says nothing of what the schema refuses."""
    if problem.sqlstate in _NO_RIGHTS:
        raise NotConfigured(
            "writes are tried and rolled back: the role of secrets.database_dsn may not write"
        ) from None


def old_writes(connection: psycopg.Connection[Any], user_id: str) -> tuple[Write, ...]:
    """Insert and update as the service role, as code from before does it. Nothing is kept."""
    return tuple(_written(connection, table, user_id) for table in _SAMPLES)


def _written(connection: psycopg.Connection[Any], table: str, user_id: str) -> Write:
    import psycopg  # noqa: PLC0415

    row = {"user_id": user_id, **_SAMPLES[table]}
    if table == "public.voices":
        row = {"id": str(uuid.uuid4()), **row}
    statement, values = _insert(table, row)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local role service_role")
            found = connection.execute(f"{statement} returning to_jsonb(r), id", values).fetchone()
            assert found is not None, "an insert that returns something has one row"
            connection.execute(f"update {table} set user_id = user_id where id = %s", (found[1],))  # noqa: S608 - ours
    except psycopg.Error as problem:
        _refuse_a_role_without_rights(problem)
        return Write(table, f"SQLSTATE {problem.sqlstate} {problem.diag.column_name or ''}".strip(), {})
    return Write(table, None, _defaults(table, found[0]))


def _defaults(table: str, row: Mapping[str, Any]) -> dict[str, str | None]:
    prefix = f"{table}."
    names = [name.removeprefix(prefix) for name in COLUMNS if name.startswith(prefix)]
    return {name: _text(row[name]) for name in names if name in row}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _insert(table: str, row: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    values = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
    return f"insert into {table} as r ({names}) values ({places})", values  # noqa: S608 - names of our own
