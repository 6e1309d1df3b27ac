"""What clients see of each table: as a role without a user, and as one of the users that the rows belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from rollout_gates.migrations.snapshot import Snapshot

Visible: TypeAlias = Mapping[tuple[str, str], int | str]
"""(Role, table): how many rows it sees, or the SQLSTATE that it is refused with."""
_USER = "select id::text from auth.users order by id limit 1"


def look(connection: psycopg.Connection[Any], known: Snapshot, roles: Sequence[str]) -> Visible:
    """Count, as each of *roles*, the rows of every table that is *known*. Nothing is kept."""
    user = _first_user(connection)
    found: dict[tuple[str, str], int | str] = {}
    for role in roles:
        for table in known.tables:
            found[role, table] = _seen(connection, role, user, table)
    return found


def _first_user(connection: psycopg.Connection[Any]) -> str:
    try:
        row = connection.execute(_USER).fetchone()
    except psycopg.Error:
        return ""
    return str(row[0]) if row is not None else ""


def _seen(connection: psycopg.Connection[Any], role: str, user: str, table: str) -> int | str:
    schema, _, name = table.partition(".")
    claims = {"role": role, **({"sub": user} if role != "anon" else {})}
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(claims),))
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            row = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(schema, name))).fetchone()
    except psycopg.Error as problem:
        return str(problem.sqlstate)
    return int(row[0]) if row is not None else 0
