"""One request to the data API, read: what is wanted, of which rows, in which form, and how the answer looks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.tts.platform.data_errors import not_one_row, refused
from sandbox.tts.platform.data_query import MAX_ROWS, unquote
from sandbox.tts.platform.http import read_json

if TYPE_CHECKING:
    from sandbox.tts.platform.http import Caller

_RANGE = re.compile(r"(\d+)-(\d*)")
_SCHEMAS = ("public", "graphql_public")


@dataclass(frozen=True)
class DataRequest:
    """A request with its caller; the properties read headers and query."""

    http: web.Request
    caller: Caller

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query string in order, without the API key."""
        return [(name, text) for name, text in self.http.query.items() if name != "apikey"]

    @cached_property
    def preferences(self) -> dict[str, str]:
        """The `Prefer` header as a mapping."""
        pairs = (part.strip().partition("=") for part in self.http.headers.get("Prefer", "").split(","))
        return {name: value for name, _, value in pairs if name}

    @property
    def wants_rows(self) -> bool:
        """Whether a write answers with the rows that it touched."""
        return self.preferences.get("return") == "representation"

    @property
    def wants_count(self) -> bool:
        """Whether all rows are counted; the estimates of the real service are exact here."""
        return self.preferences.get("count") in {"exact", "planned", "estimated"}

    @property
    def wants_one(self) -> bool:
        """Whether a bare object is expected instead of a list."""
        return "application/vnd.pgrst.object" in self.http.headers.get("Accept", "")

    @cached_property
    def window(self) -> tuple[int, int]:
        """First row and number of rows, from `limit` and `offset` or the Range header. Raises Refused."""
        first, count = self._number("offset", 0), self._number("limit", MAX_ROWS)
        asked = _RANGE.fullmatch(self.http.headers.get("Range", "").strip().removeprefix("items="))
        if asked and self.http.method in {"GET", "HEAD"} and not {"limit", "offset"} & set(self.http.query):
            first = int(asked[1])
            count = MAX_ROWS if not asked[2] else int(asked[2]) - first + 1
            if count < 1:
                details = "The lower boundary must be lower than or equal to the upper boundary in the Range header."
                raise refused(416, "PGRST103", "Requested range not satisfiable", details)
        return first, min(count, MAX_ROWS)

    def _number(self, name: str, default: int) -> int:
        text = self.http.query.get(name, "")
        return min(int(text), 2**62) if text.isdecimal() else default

    def check_schema(self) -> None:
        """Refuse any schema but `public`. Raises Refused (406)."""
        reading = self.http.method in {"GET", "HEAD"}
        schema = self.http.headers.get("Accept-Profile" if reading else "Content-Profile", "public")
        if schema not in _SCHEMAS:
            raise refused(
                406,
                "PGRST106",
                f"Invalid schema: {schema}",
                None,
                f"Only the following schemas are exposed: {', '.join(_SCHEMAS)}",
            )
        if schema != "public":
            raise refused(404, "PGRST205", f"Could not find the table in the schema '{schema}' in the schema cache")

    async def json(self) -> Any:
        """The body. Raises Refused (400)."""
        try:
            return await read_json(self.http)
        except ValueError as error:
            raise refused(400, "PGRST102", "Empty or invalid json") from error

    async def rows(self) -> list[dict[str, Any]]:
        """The body as rows, cut to the columns that the query names, if it does. Raises Refused (400)."""
        body = await self.json()
        rows = body if isinstance(body, list) else [body]
        if not all(isinstance(row, dict) for row in rows):
            raise refused(400, "PGRST102", "All object keys must match")
        named = self.http.query.get("columns")
        if named is not None:
            wanted = [unquote(name.strip()) for name in named.split(",")]
            return [{name: row.get(name) for name in wanted if name in row or not self._defaults} for row in rows]
        if not self._defaults and any(set(row) != set(rows[0]) for row in rows):
            raise refused(400, "PGRST102", "All object keys must match")
        return rows

    @property
    def _defaults(self) -> bool:
        """Whether a missing key takes the default of its column instead of null."""
        return self.preferences.get("missing") == "default"

    def answer(
        self, body: str, count: int, *, status: int = 200, total: int | None = None, first: int | None = None
    ) -> web.Response:
        """The answer with *count* rows, of which *body* is the JSON list. Raises Refused (406, 416)."""
        if self.wants_one:
            if count != 1:
                raise not_one_row(count)
            body = json.dumps(json.loads(body)[0])
        if first is not None and total is not None and first > total:
            details = f"An offset of {first} was requested, but there are only {total} rows."
            raise refused(416, "PGRST103", "Requested range not satisfiable", details)
        shown = "*" if not count or first is None else f"{first}-{first + count - 1}"
        if first is not None and total is not None and count < total:
            status = 206
        headers = {"Content-Range": f"{shown}/{'*' if total is None else total}"}
        known = ("return", "count", "resolution", "missing")
        applied = [f"{name}={value}" for name, value in self.preferences.items() if name in known]
        if applied:
            headers["Preference-Applied"] = ", ".join(applied)
        kind = "application/vnd.pgrst.object+json" if self.wants_one else "application/json"
        return web.Response(text=body, status=status, headers=headers, content_type=kind, charset="utf-8")

    def nothing(self, status: int, *, total: int | None = None) -> web.Response:
        """The answer of a write that shows no rows."""
        return web.Response(status=status, headers={"Content-Range": f"*/{'*' if total is None else total}"})
