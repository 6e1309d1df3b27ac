"""What is in the schemas: relations with their columns, keys and policies, functions, sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout_gates.row_policy.model import Connection

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

TABLES, VIEWS, MATERIALISED, FOREIGN = ("r", "p"), ("v",), ("m",), ("f",)


@dataclass(frozen=True)
class Column:
    """One column. *length* in characters, or digits before the point; *type* is the catalogue's name of its base type.

    *domain* names the domain around it, *rules* are the checks of that.
    """

    name: str
    number: int
    type: str
    category: str
    length: int
    required: bool
    default: str | None
    identity: str
    generated: bool
    domain: str | None
    labels: tuple[str, ...]
    rules: tuple[str, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether its default draws a number from a sequence."""
        return bool(self.identity) or "nextval(" in (self.default or "")


@dataclass(frozen=True)
class Reference:
    """A foreign key: *columns* point at *target_columns* of *target*."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    cascades: bool


@dataclass(frozen=True)
class Policy:
    """One row policy, its expressions as text; *roles* are names, ``public`` for everybody."""

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


@dataclass(frozen=True)
class Relation:
    """A table, view, materialised view or foreign table. *bases* are the tables that a view reads, however deep."""

    name: str
    oid: int
    schema: str
    relation: str
    kind: str
    owner: str
    columns: Mapping[str, Column]
    row_security: bool
    forced: bool
    options: tuple[str, ...]
    parent: str | None
    key: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]
    checks: Mapping[str, tuple[tuple[str, ...], str]]
    references: tuple[Reference, ...]
    policies: tuple[Policy, ...]
    triggers: tuple[int, ...]
    writable: int
    bases: tuple[str, ...]
    estimated_rows: float
    definition: str = ""

    @cached_property
    def sql(self) -> sql.Identifier:
        """Return the quoted name."""
        return sql.Identifier(self.schema, self.relation)

    @property
    def is_table(self) -> bool:
        """Whether rows are stored in it, or in its partitions."""
        return self.kind in TABLES

    @property
    def invoker(self) -> bool:
        """Whether a view is read with the rights of who asks."""
        return any(
            option in {"security_invoker=true", "security_invoker=on", "security_invoker=1"} for option in self.options
        )


@dataclass(frozen=True)
class Argument:
    """An argument that goes in. *type* as in `Column`; *written* is the type as SQL spells it."""

    name: str
    type: str
    written: str
    has_default: bool
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """A function or procedure that can be called by name; *body* is its source."""

    name: str
    oid: int
    schema: str
    function: str
    kind: str
    definer: bool
    owner: str
    language: str
    volatility: str
    body: str
    settings: tuple[str, ...]
    arguments: tuple[Argument, ...]
    returns: str
    extension: bool
    trigger: bool

    @property
    def signature(self) -> str:
        """Return name and types, as SQL spells them."""
        return f"{self.name}({', '.join(argument.written for argument in self.arguments)})"


@dataclass(frozen=True)
class NumberSequence:
    """A sequence and the table that it counts for, if any."""

    name: str
    oid: int
    schema: str
    sequence: str
    table: str | None


@dataclass(frozen=True)
class Body:
    """What a function of any schema does, by its bare *name*."""

    name: str
    language: str
    text: str


@dataclass(frozen=True)
class Catalogue:
    """All of it, by ``schema.name``; functions by their oid."""

    relations: Mapping[str, Relation]
    functions: Mapping[int, Function]
    sequences: Mapping[str, NumberSequence]
    bodies: Mapping[int, Body] = field(default_factory=dict)

    def children(self, name: str) -> tuple[Relation, ...]:
        """Return partitions and heirs of a table, however deep."""
        mine = [relation for relation in self.relations.values() if relation.parent == name]
        return tuple(mine) + tuple(deeper for child in mine for deeper in self.children(child.name))

    def root(self, relation: Relation) -> Relation:
        """Return the table at the top of an inheritance tree."""
        above = self.relations.get(relation.parent or "")
        return relation if above is None else self.root(above)


def read(connection: Connection, schemas: Sequence[str]) -> Catalogue:
    """Read the catalogue of *schemas* and of what their tables refer to. Five statements, whatever the size."""
    cursor = connection.cursor(row_factory=dict_row)
    named = {"schemas": list(schemas)}
    relations = [_relation(row) for row in cursor.execute(_RELATIONS, named).fetchall()]
    functions = [_function(row) for row in cursor.execute(_FUNCTIONS, named).fetchall()]
    sequences = [NumberSequence(**row) for row in cursor.execute(_SEQUENCES, named).fetchall()]
    bodies = {row["oid"]: Body(row["name"], row["language"], row["text"]) for row in cursor.execute(_BODIES).fetchall()}
    return Catalogue(
        {relation.name: relation for relation in relations},
        {function.oid: function for function in functions},
        {sequence.name: sequence for sequence in sequences},
        bodies,
    )


def _relation(row: Mapping[str, Any]) -> Relation:
    columns = [
        Column(**{**column, "labels": tuple(column["labels"] or ()), "rules": tuple(column["rules"] or ())})
        for column in row["columns"] or ()
    ]
    keys = [(entry["primary"], tuple(entry["columns"])) for entry in row["keys"] or ()]
    return Relation(
        **{name: row[name] for name in _PLAIN},
        columns={column.name: column for column in columns},
        options=tuple(row["options"] or ()),
        key=next((names for primary, names in keys if primary), ()),
        uniques=tuple(names for _primary, names in keys),
        checks={entry["name"]: (tuple(entry["columns"] or ()), entry["text"]) for entry in row["checks"] or ()},
        references=tuple(_reference(entry) for entry in row["references"] or ()),
        policies=tuple(Policy(**{**entry, "roles": tuple(entry["roles"])}) for entry in row["policies"] or ()),
        triggers=tuple(row["triggers"] or ()),
        bases=tuple(row["bases"] or ()),
    )


def _reference(entry: Mapping[str, Any]) -> Reference:
    return Reference(tuple(entry["columns"]), entry["target"], tuple(entry["target_columns"]), entry["cascades"])


def _function(row: Mapping[str, Any]) -> Function:
    arguments = tuple(
        Argument(
            entry["name"] or "", entry["type"], entry["written"], entry["has_default"], tuple(entry["labels"] or ())
        )
        for entry in row["arguments"] or ()
    )
    rest = {name: value for name, value in row.items() if name not in {"arguments", "settings"}}
    return Function(**rest, arguments=arguments, settings=tuple(row["settings"] or ()))


_PLAIN = (
    "name", "oid", "schema", "relation", "kind", "owner", "row_security", "forced", "parent", "writable",
    "estimated_rows", "definition",
)  # fmt: skip

# The reachable schemas, and whatever their foreign keys and views lead to, so that parents can be planted.
_RELATIONS = """
with recursive wanted(oid) as (
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e')
  union
  select k.confrelid from wanted w join pg_constraint k on k.conrelid = w.oid and k.contype = 'f'
),
reads(view, base) as (
  select distinct r.ev_class, d.refobjid
  from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
  where r.ev_type = '1'
),
deep(view, base) as (
  select view, base from reads union select deep.view, reads.base from deep join reads on reads.view = deep.base
)
select n.nspname || '.' || c.relname as name, c.oid::bigint, n.nspname::text as schema, c.relname::text as relation,
  c.relkind::text as kind, pg_get_userbyid(c.relowner)::text as owner, c.relrowsecurity as row_security,
  c.relforcerowsecurity as forced, c.reloptions as options, greatest(c.reltuples, 0)::float as estimated_rows,
  (select pn.nspname || '.' || p.relname from pg_inherits i join pg_class p on p.oid = i.inhparent
   join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid limit 1) as parent,
  case when c.relkind = 'f' then 0 else pg_relation_is_updatable(c.oid, true) end as writable,
  case when c.relkind in ('v', 'm') then coalesce(pg_get_viewdef(c.oid), '') else '' end as definition,
  (select json_agg(json_build_object('name', a.attname, 'number', a.attnum, 'type', b.typname,
      'category', b.typcategory, 'length', case when m.typmod > 4 and b.typname in ('varchar', 'bpchar')
        then m.typmod - 4 when b.typname in ('bit', 'varbit', 'vector') then m.typmod
        when m.typmod > 4 and b.typname = 'numeric' then ((m.typmod - 4) >> 16) - ((m.typmod - 4) & 2047) else -1 end,
      'required', a.attnotnull or (t.typtype = 'd' and t.typnotnull), 'default',
      pg_get_expr(ad.adbin, ad.adrelid), 'identity', a.attidentity, 'generated', a.attgenerated <> '',
      'domain', case when t.typtype = 'd' then t.typname end,
      'rules', (select json_agg(pg_get_constraintdef(dk.oid)) from pg_constraint dk where dk.contypid = t.oid),
      'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e
                 where e.enumtypid in (b.oid, b.typelem))) order by a.attnum)
   from pg_attribute a join pg_type t on t.oid = a.atttypid
   join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
   cross join lateral (select case when a.atttypmod >= 0 then a.atttypmod else t.typtypmod end as typmod) m
   left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
  (select json_agg(json_build_object('primary', i.indisprimary, 'columns',
      (select json_agg(a.attname order by k.ord) from unnest(i.indkey::int2[]) with ordinality k(num, ord)
       join pg_attribute a on a.attrelid = c.oid and a.attnum = k.num where k.ord <= i.indnkeyatts)))
   from pg_index i where i.indrelid = c.oid and i.indisunique and i.indexprs is null and i.indpred is null) as keys,
  (select json_agg(json_build_object('name', k.conname, 'text', pg_get_constraintdef(k.oid), 'columns',
      (select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum = any(k.conkey))))
   from pg_constraint k where k.conrelid = c.oid and k.contype = 'c') as checks,
  (select json_agg(json_build_object('target', fn.nspname || '.' || f.relname, 'cascades', k.confdeltype = 'c',
      'columns',
      (select json_agg(a.attname order by o.ord) from unnest(k.conkey) with ordinality o(num, ord)
       join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.num), 'target_columns',
      (select json_agg(a.attname order by o.ord) from unnest(k.confkey) with ordinality o(num, ord)
       join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.num)) order by k.conname)
   from pg_constraint k join pg_class f on f.oid = k.confrelid join pg_namespace fn on fn.oid = f.relnamespace
   where k.conrelid = c.oid and k.contype = 'f') as references,
  (select json_agg(json_build_object('name', p.polname, 'command', case p.polcmd when 'r' then 'select'
      when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      'permissive', p.polpermissive, 'roles', (select json_agg(case when r = 0 then 'public'
        else pg_get_userbyid(r)::text end) from unnest(p.polroles) r),
      'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
      order by p.polname)
   from pg_policy p where p.polrelid = c.oid) as policies,
  (select json_agg(t.tgfoid::bigint) from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
   and t.tgenabled <> 'D') as triggers,
  (select json_agg(distinct bn.nspname || '.' || b.relname) from deep join pg_class b on b.oid = deep.base
   join pg_namespace bn on bn.oid = b.relnamespace where deep.view = c.oid and b.relkind in ('r', 'p')) as bases
from (select distinct oid from wanted) w join pg_class c on c.oid = w.oid
join pg_namespace n on n.oid = c.relnamespace order by 1
"""

_FUNCTIONS = """
select n.nspname || '.' || p.proname as name, p.oid::bigint, n.nspname::text as schema, p.proname::text as function,
  p.prokind::text as kind, p.prosecdef as definer, pg_get_userbyid(p.proowner)::text as owner,
  l.lanname::text as language, p.provolatile::text as volatility,
  coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body,
  p.proconfig as settings, format_type(p.prorettype, null) as returns,
  exists (select 1 from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    as extension,
  p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) as trigger,
  (select json_agg(json_build_object('name', coalesce(p.proargnames[o.ord], ''), 'type', b.typname,
      'written', format_type(t.oid, null), 'has_default', o.pos > p.pronargs - p.pronargdefaults,
      'labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = b.oid))
      order by o.ord)
   from (select i.type, i.ord, row_number() over (order by i.ord) as pos
         from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality i(type, ord)
         where p.proargmodes is null or p.proargmodes[i.ord] in ('i', 'b', 'v')) o
   join pg_type t on t.oid = o.type
   join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end) as arguments
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where n.nspname = any(%(schemas)s) and p.prokind in ('f', 'p') order by 1, 2
"""

_SEQUENCES = """
select n.nspname || '.' || c.relname as name, c.oid::bigint, n.nspname::text as schema, c.relname::text as sequence,
  (select tn.nspname || '.' || t.relname from pg_depend d join pg_class t on t.oid = d.refobjid
   join pg_namespace tn on tn.oid = t.relnamespace
   where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
     and d.deptype in ('a', 'i') limit 1) as table
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and n.nspname = any(%(schemas)s) order by 1
"""

_BODIES = """
select p.oid::bigint, p.proname::text as name, l.lanname::text as language,
  coalesce(pg_get_function_sqlbody(p.oid), p.prosrc, '') as text
from pg_proc p join pg_language l on l.oid = p.prolang join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema')
"""
