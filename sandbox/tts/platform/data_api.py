"""`/rest/v1`: tables and functions of the schema `public` over HTTP, under the rights of the caller.

A subset of PostgREST: what its official clients send for single tables, and every answer that tells a refusal from a
mistake. No embedding, no aggregates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from sandbox.tts.platform import data_errors
from sandbox.tts.platform.data_catalog import Catalog, Function, Table
from sandbox.tts.platform.data_errors import refused
from sandbox.tts.platform.data_query import RESERVED, Query
from sandbox.tts.platform.data_request import DataRequest
from sandbox.tts.platform.data_write import delete_statement, insert_statements, update_statement
from sandbox.tts.platform.http import Refused, answer, caller_of, require_key
from sandbox.tts.platform.jwt import Keys, TokenRefused, Tokens

if TYPE_CHECKING:
    from aiohttp import web

    from sandbox.tts.database import Connection, Database

_LIST = sql.SQL("select coalesce(json_agg(row_to_json(r)), '[]')::text as body, count(*) as number from ({}) as r")
_WRITTEN = sql.SQL("with r as ({}) select coalesce(json_agg(row_to_json(r)), '[]')::text as body from r")


class DataApi:
    """Answers everything under `/rest/v1`."""

    def __init__(self, db: Database, tokens: Tokens, keys: Keys) -> None:
        """Serve *db*; *tokens* verify the callers, *keys* are the API keys."""
        self._db = db
        self._tokens = tokens
        self._keys = keys
        self._catalog = Catalog(db)

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request for *path*, which starts with a slash."""
        signed_in = False
        try:
            caller = caller_of(request, require_key(request, self._keys), self._tokens)
            signed_in = caller.role != "anon"
            return await self._route(DataRequest(request, caller), path.strip("/"))
        except TokenRefused as refusal:
            return data_errors.by_token(refusal).response()
        except psycopg.Error as error:
            return data_errors.by_database(error, signed_in=signed_in).response()
        except Refused as refusal:
            return refusal.response()

    async def _route(self, request: DataRequest, name: str) -> web.Response:
        request.check_schema()
        if not name:
            await self._catalog.table("profiles")
            return answer({"swagger": "2.0", "paths": {f"/{table.name}": {} for table in self._catalog.tables()}})
        if name.startswith("rpc/"):
            return await self._call(request, name.removeprefix("rpc/"))
        named = {column.partition("->")[0] for column, _ in request.pairs if column not in RESERVED}
        table = await self._catalog.table(name, *named)
        verbs = {
            "GET": self._read,
            "HEAD": self._read,
            "POST": self._insert,
            "PATCH": self._update,
            "DELETE": self._delete,
        }
        verb = verbs.get(request.http.method)
        if verb is None:
            raise refused(405, "PGRST117", f"Unsupported HTTP method: {request.http.method}")
        return await verb(request, table)

    async def _read(self, request: DataRequest, table: Table) -> web.Response:
        async with self._db.caller(request.caller.claims) as connection:
            source = sql.SQL("{} as t").format(sql.Identifier("public", table.name))
            return await _rows_of(connection, request, Query(table.name, table.columns), source, request.pairs)

    async def _insert(self, request: DataRequest, table: Table) -> web.Response:
        rows = await request.rows()
        query = Query(table.name, table.columns)
        statements = insert_statements(query, table, rows, request)
        return await self._write(request, query, statements, status=201)

    async def _update(self, request: DataRequest, table: Table) -> web.Response:
        rows = await request.rows()
        if len(rows) != 1:
            raise refused(400, "PGRST102", "Empty or invalid json")
        query = Query(table.name, table.columns)
        if not rows[0]:
            return request.answer("[]", 0) if request.wants_rows else request.nothing(204)
        statement = update_statement(query, table, rows[0], request)
        return await self._write(request, query, [statement], status=200 if request.wants_rows else 204)

    async def _delete(self, request: DataRequest, table: Table) -> web.Response:
        query = Query(table.name, table.columns)
        statement = delete_statement(query, table, request)
        return await self._write(request, query, [statement], status=200 if request.wants_rows else 204)

    async def _write(
        self, request: DataRequest, query: Query, statements: list[sql.Composable], *, status: int
    ) -> web.Response:
        """Run the statements of one write; a refusal of its answer undoes it."""
        written: list[Any] = []
        number = 0
        async with self._db.caller(request.caller.claims) as connection:
            for statement in statements:
                if request.wants_rows:
                    shown = sql.SQL(
                        "with r as ({}) select coalesce(json_agg(row_to_json(r)), '[]')::text as body from r"
                    )
                    row = await (await connection.execute(shown.format(statement), query.parameters)).fetchone()
                    written += json.loads(row["body"]) if row else []
                else:
                    number += (await connection.execute(sql.Composed([statement]), query.parameters)).rowcount
            if request.wants_rows:
                number = len(written)
            total = number if request.wants_count else None
            if request.wants_rows:
                return request.answer(json.dumps(written), number, status=status, total=total)
            return request.nothing(status, total=total)

    async def _call(self, request: DataRequest, name: str) -> web.Response:
        given, pairs = await _arguments(request)
        if request.http.method in {"GET", "HEAD"}:
            function, given, pairs = await self._called_by_query(name, pairs)
        else:
            function = await self._catalog.function(name, given)
        query = Query(name, function.columns, called=True)
        placeholders = [
            sql.SQL("{} => {}").format(sql.Identifier(key), query.value(_argument(value, function.arguments[key])))
            for key, value in given.items()
        ]
        call = sql.SQL("{}({})").format(sql.Identifier("public", name), sql.SQL(", ").join(placeholders))
        async with self._db.caller(request.caller.claims) as connection:
            if request.http.method in {"GET", "HEAD"}:
                await connection.execute("set transaction read only")
            if function.many:
                return await _rows_of(connection, request, query, sql.SQL("{} as t").format(call), pairs)
            statement = sql.SQL("select to_json({})::text as body").format(call)
            row = await (await connection.execute(statement, query.parameters)).fetchone()
        return answer(json.loads(row["body"]) if row and row["body"] is not None else None)

    async def _called_by_query(
        self, name: str, pairs: list[tuple[str, str]]
    ) -> tuple[Function, dict[str, Any], list[tuple[str, str]]]:
        given = {key: value for key, value in pairs if key not in RESERVED}
        return await self._catalog.function(name, given), given, [pair for pair in pairs if pair[0] in RESERVED]


async def _rows_of(
    connection: Connection, request: DataRequest, query: Query, source: sql.Composable, pairs: list[tuple[str, str]]
) -> web.Response:
    """Select from *source* what the query pairs ask for."""
    first, limit = request.window
    options = dict(pairs)
    wanted = sql.SQL("select {} from {}{}").format(query.select(options.get("select", "*")), source, query.where(pairs))
    counted = sql.SQL("select count(*) as total from ({}) as r").format(wanted)
    parameters = dict(query.parameters)
    window = sql.SQL("{}{} limit {} offset {}").format(
        wanted, query.order(options.get("order", "")), query.value(limit), query.value(first)
    )
    row = await (await connection.execute(_LIST.format(window), query.parameters)).fetchone()
    total = None
    if request.wants_count and not query.called:
        counted_row = await (await connection.execute(counted, parameters)).fetchone()
        total = counted_row["total"] if counted_row else 0
    body, number = (row["body"], row["number"]) if row else ("[]", 0)
    return request.answer(body, number, total=total, first=first)


async def _arguments(request: DataRequest) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Named arguments of a call by POST, and the query pairs."""
    if request.http.method in {"GET", "HEAD"}:
        return {}, request.pairs
    if request.http.method != "POST":
        raise refused(405, "PGRST101", "Cannot use the " + request.http.method + " method on RPC")
    body = await request.json() if request.http.can_read_body else {}
    if not isinstance(body, dict):
        raise refused(400, "PGRST102", "Empty or invalid json")
    return body, request.pairs


def _argument(value: Any, kind: str) -> object:
    """A JSON value as the text that Postgres reads as the type of the argument."""
    if value is None:
        return None
    if kind in {"json", "jsonb"} or isinstance(value, dict | list):
        return value if isinstance(value, str) and kind not in {"json", "jsonb"} else json.dumps(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)
