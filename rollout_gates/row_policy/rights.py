"""What a role may do by its grants, by the server's own word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout_gates.row_policy.model import Connection

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from rollout_gates.row_policy.catalogue import Function, NumberSequence, Relation


@dataclass(frozen=True)
class Rights:
    """Grants of one role: *columns* it may select, insert and update by table, what it may empty, call and set."""

    select: Mapping[str, frozenset[str]]
    insert: Mapping[str, frozenset[str]]
    update: Mapping[str, frozenset[str]]
    delete: frozenset[str]
    truncate: frozenset[str]
    call: frozenset[int]
    set: frozenset[str]
    bypasses: bool
    creates_in: frozenset[str]


_COLUMNS = """
select n.nspname || '.' || c.relname,
  coalesce(array_agg(a.attname::text) filter (where has_column_privilege(%(role)s, c.oid, a.attnum, 'select')), '{}'),
  coalesce(array_agg(a.attname::text) filter (where has_column_privilege(%(role)s, c.oid, a.attnum, 'insert')), '{}'),
  coalesce(array_agg(a.attname::text) filter (where has_column_privilege(%(role)s, c.oid, a.attnum, 'update')), '{}'),
  has_table_privilege(%(role)s, c.oid, 'delete'), has_table_privilege(%(role)s, c.oid, 'truncate')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.oid = any(%(oids)s::bigint[]::oid[]) and has_schema_privilege(%(role)s, n.oid, 'usage') group by 1, c.oid
"""


def read(
    connection: Connection,
    role: str,
    relations: Sequence[Relation],
    functions: Sequence[Function],
    sequences: Sequence[NumberSequence],
) -> Rights:
    """Ask the server what *role* may do."""

    def ask(statement: LiteralString, oids: list[int]) -> list[tuple[Any, ...]]:
        return connection.execute(statement, {"role": role, "oids": oids}).fetchall()

    rows = ask(_COLUMNS, [relation.oid for relation in relations])
    called = ask(
        "select p.oid::bigint from pg_proc p where p.oid = any(%(oids)s::bigint[]::oid[]) and "
        "has_function_privilege(%(role)s, p.oid, 'execute') "
        "and has_schema_privilege(%(role)s, p.pronamespace, 'usage')",
        [function.oid for function in functions],
    )
    settable = ask(
        "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.oid = any(%(oids)s::bigint[]::oid[]) "
        "and case when c.relkind = 'S' then has_sequence_privilege(%(role)s, c.oid, 'update') end "
        "and has_schema_privilege(%(role)s, n.oid, 'usage')",
        [sequence.oid for sequence in sequences],
    )
    bypass = ask("select rolbypassrls or rolsuper from pg_roles where rolname = %(role)s", [])
    creates = ask("select nspname::text from pg_namespace where has_schema_privilege(%(role)s, oid, 'create')", [])
    select, insert, update = ({str(row[0]): frozenset(row[at]) for row in rows} for at in (1, 2, 3))
    return Rights(
        select,
        insert,
        update,
        delete=frozenset(str(row[0]) for row in rows if row[4]),
        truncate=frozenset(str(row[0]) for row in rows if row[5]),
        call=frozenset(int(row[0]) for row in called),
        set=frozenset(str(row[0]) for row in settable),
        bypasses=bool(bypass and bypass[0][0]),
        creates_in=frozenset(str(row[0]) for row in creates),
    )
