"""What a database looks like, as plain values that can be compared."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

_PARTS: dict[str, LiteralString] = {
    "columns": """select table_name, column_name, data_type, is_nullable, column_default
                  from information_schema.columns where table_schema in ('public', 'storage') order by 1, 2""",
    "constraints": """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
                      where connamespace in ('public'::regnamespace, 'storage'::regnamespace) order by 1, 2""",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by 1, 2",
    "policies": """select schemaname, tablename, policyname, roles::text, cmd, qual, with_check from pg_policies
                   order by 1, 2, 3""",
    "protected": """select relname, relrowsecurity from pg_class where relkind = 'r'
                    and relnamespace in ('public'::regnamespace, 'storage'::regnamespace) order by 1""",
    "grants": """select grantee, table_schema, table_name, privilege_type from information_schema.role_table_grants
                 where table_schema in ('public', 'storage') order by 1, 2, 3, 4""",
    "functions": """select proname, pg_get_functiondef(oid), proacl::text from pg_proc
                    where pronamespace = 'public'::regnamespace order by 1""",
    "triggers": "select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal order by 1, 2",
    "buckets": "select id, public, file_size_limit, allowed_mime_types from storage.buckets order by 1",
}


def snapshot(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    """Columns, constraints, indexes, policies, grants, functions, triggers and buckets."""
    with psycopg.connect(dsn) as connection:
        return {part: connection.execute(query).fetchall() for part, query in _PARTS.items()}
