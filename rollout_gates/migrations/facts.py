"""What a database's catalogue says, as plain facts that two moments can be compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

Facts = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Kind, name, facts: ``facts["column"]["public.voices.name"] == {"type": "text", "not_null": True, ...}``."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: *what* is ``lost``, ``changed`` or ``added``; the facts of either side."""

    kind: str
    name: str
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    def __str__(self) -> str:
        told = f"{self.kind} {self.name} was {self.what}"
        if self.before is None or self.after is None:
            return told
        moved = [key for key in self.before if self.before[key] != self.after.get(key)]
        return f"{told}: " + ", ".join(f"{key} {self.before[key]!r} -> {self.after.get(key)!r}" for key in moved)


def differences(before: Facts, after: Facts) -> tuple[Difference, ...]:
    """Return all that differs between two moments."""
    found = []
    for kind in dict.fromkeys([*before, *after]):
        old, new = before.get(kind, {}), after.get(kind, {})
        for name in sorted({*old, *new}):
            was, now = old.get(name), new.get(name)
            if was != now:
                what = "lost" if now is None else "added" if was is None else "changed"
                found.append(Difference(kind, name, what, was, now))
    return tuple(found)


def read_facts(connection: psycopg.Connection[Any], schemas: Sequence[str], rules: Sequence[str] = ()) -> Facts:
    """Read the catalogue of *schemas*, and the policies alone of the schemas *rules*. A statement a kind."""
    from psycopg.rows import dict_row  # noqa: PLC0415 - facts alone can be compared without the driver

    named = {"schemas": list(schemas), "all": [*schemas, *rules]}
    cursor = connection.cursor(row_factory=dict_row)
    # Names in definitions are written out whole, whatever the path of the session.
    cursor.execute("select set_config('search_path', '', true)")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, statement in _STATEMENTS.items():
        rows = cursor.execute(statement, named).fetchall()
        found[kind] = {str(row.pop("name")): dict(row) for row in rows}
    return found


_OF_TABLES = """
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
  and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                  and d.deptype = 'e')
"""
_ROLE = "coalesce((select rolname::text from pg_roles r where r.oid = x.grantee), 'public')"
_WRITTEN: Mapping[str, str] = {
    "table": """
        select n.nspname || '.' || c.relname as name, c.relkind::text as kind, c.relrowsecurity as row_security,
          c.relforcerowsecurity as forced, c.relpersistence::text as persistence
        from pg_class c <of tables> and c.relkind in ('r', 'p')
    """,
    "column": """
        select n.nspname || '.' || c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
          a.attnotnull as not_null, pg_get_expr(d.adbin, d.adrelid) as default, a.attidentity::text as identity,
          a.attgenerated::text as generated
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        <of tables>
          and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
    """,
    "constraint": """
        select n.nspname || '.' || c.relname || '.' || k.conname as name, pg_get_constraintdef(k.oid) as definition,
          k.convalidated as validated
        from pg_constraint k join pg_class c on c.oid = k.conrelid <of tables>
          and k.contype in ('c', 'f', 'p', 'u', 'x')
    """,
    "index": """
        select n.nspname || '.' || c.relname as name, pg_get_indexdef(c.oid) as definition, i.indisvalid as valid
        from pg_index i join pg_class c on c.oid = i.indexrelid <of tables>
    """,
    "foreign key": """
        select n.nspname || '.' || c.relname || '.' || k.conname as name,
          (select string_agg(a.attname, ', ' order by o.ord) from unnest(k.conkey) with ordinality o(num, ord)
           join pg_attribute a on a.attrelid = c.oid and a.attnum = o.num) as columns,
          exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisvalid
            and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
            and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) like '(%% IS NOT NULL)')) as indexed
        from pg_constraint k join pg_class c on c.oid = k.conrelid <of tables> and k.contype = 'f'
    """,
    "trigger": """
        select n.nspname || '.' || c.relname || '.' || t.tgname as name, pg_get_triggerdef(t.oid) as definition,
          t.tgenabled::text as enabled
        from pg_trigger t join pg_class c on c.oid = t.tgrelid <of tables>
          and not t.tgisinternal
    """,
    "view": """
        select n.nspname || '.' || c.relname as name, md5(pg_get_viewdef(c.oid)) as definition,
          c.reloptions as options from pg_class c <of tables> and c.relkind in ('v', 'm')
    """,
    "function": """
        select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as name,
          md5(pg_get_functiondef(p.oid)) as definition, p.prosecdef as definer, p.proconfig as settings
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = any(%(schemas)s) and p.prokind in ('f', 'p')
          and not exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                          and d.deptype = 'e')
    """,
    "type": """
        select n.nspname || '.' || t.typname as name, t.typtype::text as kind,
          (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) as labels
        from pg_type t join pg_namespace n on n.oid = t.typnamespace
        where n.nspname = any(%(schemas)s) and t.typtype in ('e', 'd')
    """,
    "policy": """
        select n.nspname || '.' || c.relname || '.' || p.polname as name, p.polcmd::text as command,
          p.polpermissive as permissive, pg_get_expr(p.polqual, p.polrelid) as using,
          pg_get_expr(p.polwithcheck, p.polrelid) as check,
          (select json_agg(case when r = 0 then 'public' else pg_get_userbyid(r)::text end order by r)
           from unnest(p.polroles) r) as roles
        from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = any(%(all)s)
    """,
    "grant": """
        select n.nspname || '.' || c.relname || ' to ' || <role> as name,
          string_agg(x.privilege_type, ', ' order by x.privilege_type) as rights
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        cross join lateral aclexplode(coalesce(c.relacl,
          acldefault(case when c.relkind = 'S' then 's' else 'r' end::"char", c.relowner))) x
        where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and x.grantee <> c.relowner
        group by 1
    """,
    "column grant": """
        select n.nspname || '.' || c.relname || '.' || a.attname || ' to ' || <role> as name,
          string_agg(x.privilege_type, ', ' order by x.privilege_type) as rights
        from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        cross join lateral aclexplode(a.attacl) x
        where n.nspname = any(%(schemas)s) and x.grantee <> c.relowner group by 1
    """,
    "execute": """
        select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') to ' || <role>
          as name, 'EXECUTE' as rights
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
        where n.nspname = any(%(schemas)s) and x.grantee <> p.proowner
          and not exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                          and d.deptype = 'e')
        group by 1
    """,
    "default privilege": """
        select coalesce(n.nspname, '*') || ' ' || d.defaclobjtype::text || ' to ' || <role> as name,
          string_agg(x.privilege_type, ', ' order by x.privilege_type) as rights
        from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
        cross join lateral aclexplode(d.defaclacl) x where x.grantee <> d.defaclrole group by 1
    """,
}
_STATEMENTS: Mapping[str, Any] = {
    kind: text.replace("<of tables>", _OF_TABLES).replace("<role>", _ROLE) for kind, text in _WRITTEN.items()
}
