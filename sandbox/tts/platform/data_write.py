"""Writes of the data API as composed SQL. The rows travel as one JSON parameter; Postgres converts the values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from psycopg import sql

from sandbox.tts.platform.data_errors import refused
from sandbox.tts.platform.data_query import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.tts.platform.data_catalog import Table
    from sandbox.tts.platform.data_query import Query
    from sandbox.tts.platform.data_request import DataRequest


def insert_statements(
    query: Query, table: Table, rows: Sequence[dict[str, Any]], request: DataRequest
) -> list[sql.Composable]:
    """One insert for each set of columns that occurs among *rows*. Raises Refused (400)."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row)), []).append(row)
    statements: list[sql.Composable] = []
    for columns, group in groups.items():
        _check_columns(table, columns)
        source: sql.Composable = sql.SQL("default values")
        if columns:
            source = sql.SQL("({}) select {} from jsonb_populate_recordset(null::{}, {})").format(
                _names(columns), _names(columns), _relation(table), query.value(json.dumps(group))
            )
        parts = [sql.SQL("insert into {} as t ").format(_relation(table)), source]
        statements.append(sql.Composed([*parts, _conflict(table, columns, request), _returning(query, request)]))
    return statements


def update_statement(query: Query, table: Table, row: dict[str, Any], request: DataRequest) -> sql.Composable:
    """An update of the filtered rows. Raises Refused (400)."""
    _check_columns(table, row)
    changes = sql.SQL(", ").join(sql.SQL("{0} = body.{0}").format(sql.Identifier(name)) for name in row)
    head = sql.SQL("update {} as t set {} from jsonb_populate_record(null::{}, {}) as body").format(
        _relation(table), changes, _relation(table), query.value(json.dumps(row))
    )
    return sql.Composed([head, _filters(query, request, "UPDATE"), _returning(query, request)])


def delete_statement(query: Query, table: Table, request: DataRequest) -> sql.Composable:
    """A delete of the filtered rows. Raises Refused (400)."""
    head = sql.SQL("delete from {} as t").format(_relation(table))
    return sql.Composed([head, _filters(query, request, "DELETE"), _returning(query, request)])


def _filters(query: Query, request: DataRequest, verb: str) -> sql.Composable:
    """The where clause of a write. The hosted service refuses one without filters, for all rows at once."""
    if not any(name not in RESERVED or name in {"and", "or", "not.and", "not.or"} for name, _ in request.pairs):
        raise refused(400, "21000", f"{verb} requires a WHERE clause")
    return query.where(request.pairs)


def _conflict(table: Table, columns: Sequence[str], request: DataRequest) -> sql.Composable:
    resolution = request.preferences.get("resolution")
    if resolution not in {"merge-duplicates", "ignore-duplicates"}:
        return sql.SQL("")
    named = [name.strip() for name in request.http.query.get("on_conflict", "").split(",") if name.strip()]
    key = named or list(table.key)
    _check_columns(table, key)
    changes = [name for name in columns if name not in key]
    if resolution == "ignore-duplicates" or not changes:
        return sql.SQL(" on conflict ({}) do nothing").format(_names(key))
    assigned = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changes)
    return sql.SQL(" on conflict ({}) do update set {}").format(_names(key), assigned)


def _returning(query: Query, request: DataRequest) -> sql.Composable:
    if not request.wants_rows:
        return sql.SQL("")
    return sql.SQL(" returning {}").format(query.select(request.http.query.get("select", "*")))


def _check_columns(table: Table, names: Iterable[str]) -> None:
    for name in names:
        if name not in table.columns:
            text = f"Could not find the '{name}' column of '{table.name}' in the schema cache"
            raise refused(400, "PGRST204", text)


def _relation(table: Table) -> sql.Identifier:
    return sql.Identifier("public", table.name)


def _names(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)
