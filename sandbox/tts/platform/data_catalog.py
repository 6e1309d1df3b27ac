"""What the data API knows of the schema `public`: its tables, their columns, its functions."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from sandbox.tts.platform.data_errors import refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.tts.database import Connection, Database
    from sandbox.tts.platform.http import Refused

_TABLES: LiteralString = """
select c.relname as name,
       array_agg(a.attname::text order by a.attnum) as columns,
       coalesce((select array_agg(k.attname::text) from pg_catalog.pg_index as i
                 join pg_catalog.pg_attribute as k on k.attrelid = i.indrelid and k.attnum = any(i.indkey)
                 where i.indrelid = c.oid and i.indisprimary), '{}') as key
from pg_catalog.pg_class as c
join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'p')
group by c.oid, c.relname
"""
_FUNCTIONS: LiteralString = """
select p.proname as name, p.proretset as many,
       coalesce(p.proargnames[1:p.pronargs], '{}')::text[] as arguments, p.pronargdefaults as optional,
       array(select t.typname::text from unnest(p.proargtypes) with ordinality as given (type, position)
             join pg_catalog.pg_type as t on t.oid = given.type order by given.position) as types,
       array(select name from unnest(p.proargnames, p.proargmodes) as given (name, mode) where mode = 't')::text[]
         as columns
from pg_catalog.pg_proc as p
where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
"""


@dataclass(frozen=True)
class Table:
    """A table or view: its columns in order, and the primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function: argument names with their types, how many of the last ones are optional, what comes back."""

    name: str
    arguments: dict[str, str]
    optional: int
    many: bool
    columns: tuple[str, ...]

    def accepts(self, given: Collection[str]) -> bool:
        """Whether a call with exactly the *given* names fits."""
        names = list(self.arguments)
        required = names[: len(names) - self.optional]
        return set(required) <= set(given) <= set(names)


class Catalog:
    """A copy of the catalogue, read again when something is asked for that it does not know."""

    def __init__(self, db: Database) -> None:
        """Read from *db*, at the first question."""
        self._db = db
        self._tables: dict[str, Table] = {}
        self._functions: list[Function] = []

    async def table(self, name: str, *columns: str) -> Table:
        """A table that has *columns*, as far as they exist at all. Raises Refused (404) for an unknown table."""
        if name not in self._tables or not set(columns) <= set(self._tables[name].columns):
            await self._read()
        if name not in self._tables:
            near = difflib.get_close_matches(name, list(self._tables), n=1)
            hint = f"Perhaps you meant the table 'public.{near[0]}'" if near else None
            raise refused(404, "PGRST205", f"Could not find the table 'public.{name}' in the schema cache", None, hint)
        return self._tables[name]

    async def function(self, name: str, given: Collection[str]) -> Function:
        """The function that takes the *given* arguments. Raises Refused (404)."""
        for attempt in range(2):
            for function in self._functions:
                if function.name == name and function.accepts(given):
                    return function
            if attempt == 0:
                await self._read()
        raise self._no_function(name, given)

    def tables(self) -> list[Table]:
        """All tables known so far."""
        return list(self._tables.values())

    def _no_function(self, name: str, given: Collection[str]) -> Refused:
        with_arguments = f"({', '.join(sorted(given))})" if given else " without parameters"
        listed = f" with parameters {', '.join(sorted(given))}" if given else " without parameters"
        near = difflib.get_close_matches(name, [function.name for function in self._functions], n=1)
        return refused(
            404,
            "PGRST202",
            f"Could not find the function public.{name}{with_arguments} in the schema cache",
            f"Searched for the function public.{name}{listed}, but no matches were found in the schema cache.",
            f"Perhaps you meant to call the function public.{near[0]}" if near else None,
        )

    async def _read(self) -> None:
        async with self._db.service() as connection:
            self._tables = await _read_tables(connection)
            self._functions = await _read_functions(connection)


async def _read_tables(connection: Connection) -> dict[str, Table]:
    rows = await (await connection.execute(_TABLES)).fetchall()
    return {row["name"]: Table(row["name"], tuple(row["columns"]), tuple(row["key"])) for row in rows}


async def _read_functions(connection: Connection) -> list[Function]:
    rows = await (await connection.execute(_FUNCTIONS)).fetchall()
    return [
        Function(
            name=row["name"],
            arguments=dict(zip(row["arguments"], row["types"], strict=True)),
            optional=row["optional"],
            many=row["many"],
            columns=tuple(row["columns"]),
        )
        for row in rows
    ]
