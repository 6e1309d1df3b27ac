"""The shape of what exists: dropped, renamed, retyped, demanded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType, DropBehavior, ObjectType

from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rules.judging import Judge, rule
from rollout_gates.migrations.scene import named_values, usable_default
from rollout_gates.migrations.tree import columns, find, function_name, qualified, relation, strings, written

_PARTS = {
    ObjectType.OBJECT_POLICY: "policy",
    ObjectType.OBJECT_TRIGGER: "trigger",
    ObjectType.OBJECT_RULE: "rule",
    ObjectType.OBJECT_INDEX: "index",
}
_RELATIONS = {
    ObjectType.OBJECT_TABLE: "table",
    ObjectType.OBJECT_VIEW: "view",
    ObjectType.OBJECT_MATVIEW: "materialised view",
    ObjectType.OBJECT_SEQUENCE: "sequence",
    ObjectType.OBJECT_FOREIGN_TABLE: "foreign table",
}
_FUNCTIONS = {
    ObjectType.OBJECT_FUNCTION,
    ObjectType.OBJECT_PROCEDURE,
    ObjectType.OBJECT_ROUTINE,
    ObjectType.OBJECT_AGGREGATE,
}
# What rewrites a table when it is the default of a new column. Others are asked of the rehearsal.
_VOLATILE = {
    "random", "gen_random_uuid", "uuid_generate_v4", "uuid_generate_v1", "uuidv4", "uuidv7", "clock_timestamp",
    "timeofday", "statement_timestamp_", "nextval", "gen_random_bytes", "txid_current", "random_normal",
}  # fmt: skip


@rule("DropStmt")
def drop(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield what is dropped, unless this set made it, or makes it again."""
    for each in node.objects:
        yield from _dropped(judge, node, each)


def _dropped(judge: Judge, node: Any, target: Any) -> Iterator[Finding]:
    kind = node.removeType
    if kind in _RELATIONS:
        yield from _dropped_relation(judge, node, qualified(target), _RELATIONS[kind])
    elif kind in _PARTS:
        yield from _dropped_part(judge, _PARTS[kind], strings(target))
    elif kind in _FUNCTIONS:
        yield from _dropped_function(judge, node, target)
    elif kind in {ObjectType.OBJECT_TYPE, ObjectType.OBJECT_DOMAIN}:
        if not _may_drop_type(judge, node, qualified(target)):
            yield judge.finding(Hazard.LOSES, "drop type", f"it drops the type {qualified(target)}")
    else:
        what = kind.name.removeprefix("OBJECT_").replace("_", " ").lower()
        yield judge.finding(Hazard.LOSES, f"drop {what}", f"it drops the {what} {'.'.join(strings(target))}")


def _may_drop_type(judge: Judge, node: Any, name: str) -> bool:
    """Tell whether a type is this set's own, or only guarded against a run before: then nothing can hang on it."""
    scene = judge.scene
    if scene.before is not None and name in scene.before.types:
        return False
    return name in scene.so_far.types or (name in scene.made.types and not _cascades(node))


def _cascades(node: Any) -> bool:
    return bool(node.behavior is DropBehavior.DROP_CASCADE)


def _dropped_function(judge: Judge, node: Any, target: Any) -> Iterator[Finding]:
    """Yield a function that is not made again, or that takes along whatever rests on it: triggers, policies."""
    name = qualified(target.objname if isinstance(target, ast.ObjectWithArgs) else target)
    bare, scene = name.rpartition(".")[2], judge.scene
    unknown = scene.before is None or bare in scene.before.functions
    if bare not in scene.made.functions or (_cascades(node) and unknown and bare not in scene.so_far.functions):
        yield judge.finding(Hazard.LOSES, "drop function", f"it drops the function {name}")


def _dropped_relation(judge: Judge, node: Any, name: str, what: str) -> Iterator[Finding]:
    scene = judge.scene
    if scene.is_new(name) or (node.missing_ok and scene.surely_absent(name)):
        return
    if what == "view" and name in scene.made.relations:
        yield judge.finding(Hazard.LOSES, "view replaced", f"it drops {name} to make it again", Weight.ADVICE)
        return
    yield judge.finding(Hazard.LOSES, f"drop {what}", f"it drops the {what} {name}")


def _dropped_part(judge: Judge, what: str, names: list[str]) -> Iterator[Finding]:
    scene, name = judge.scene, names[-1]
    table = "" if what == "index" else qualified_table(names[:-1])
    if scene.is_new(table) or (scene.makes_again(what, table, name) and not _weaker(judge, what, name)):
        return
    # A guard such as `drop policy if exists` before anything of that name was ever made removes nothing.
    if scene.was_part(what, table, name) is False and scene.was_there(table):
        return
    hazard = Hazard.OPENS if what == "policy" else Hazard.LOSES
    where = f" of {table}" if table else ""
    yield judge.finding(hazard, f"drop {what}", f"it drops the {what} {name}{where}")


def _weaker(judge: Judge, what: str, name: str) -> bool:
    """Tell whether an index that was unique is made again without being so."""
    before = judge.scene.before
    was = before is not None and name in before.unique_indexes
    return what == "index" and was and name not in judge.scene.made.unique_indexes


def qualified_table(names: list[str]) -> str:
    """Return ``schema.table`` of name parts."""
    return ".".join(names[-2:]) if len(names) > 1 else f"public.{names[0]}" if names else ""


@rule("DropOwnedStmt", "DropdbStmt", "DropRoleStmt", "DropSubscriptionStmt", "DropTableSpaceStmt")
def drop_more(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a role, or all that it owns, that is dropped."""
    what = type(node).__name__.removesuffix("Stmt").removeprefix("Drop").lower()
    yield judge.finding(Hazard.LOSES, f"drop {what}", "it drops roles, or all that they own")


@rule("AlterPublicationStmt")
def publication(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a publication that tells of fewer tables than before."""
    if node.action.name in {"AP_DropObjects", "AP_SetObjects"}:
        yield judge.finding(Hazard.LOSES, "publication narrowed", f"{node.pubname} tells of fewer tables")


@rule("RenameStmt")
def rename(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield what gets another name."""
    if node.relation is not None:
        table = relation(node.relation)
        column = node.subname if node.renameType is ObjectType.OBJECT_COLUMN else None
        if judge.scene.is_new(table) or (column and judge.scene.is_new_column(table, column)):
            return
        if node.renameType is ObjectType.OBJECT_TABCONSTRAINT and judge.scene.makes_again(
            "constraint", table, node.subname
        ):
            return
        name = f"{table}.{node.subname}" if node.subname else table
    else:
        name = ".".join(strings(node.object)) or node.subname or "?"
    yield judge.finding(Hazard.LOSES, "rename", f"it renames {name}")


@rule("AlterObjectSchemaStmt")
def move(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield what moves to another schema."""
    name = relation(node.relation) if node.relation is not None else ".".join(strings(node.object))
    if not judge.scene.is_new(name) and not judge.scene.is_new_function(name):
        yield judge.finding(Hazard.LOSES, "set schema", f"it moves {name} to another schema")


@rule("AlterOwnerStmt")
def owner(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a schema or type that gets another owner."""
    if node.objectType is ObjectType.OBJECT_SCHEMA:
        yield judge.finding(Hazard.OPENS, "owner changed", "it gives a schema to another owner")


@rule("AlterEnumStmt")
def enum(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a value of an enumeration that gets another name; a new one is an addition."""
    if node.oldVal:
        yield judge.finding(Hazard.LOSES, "rename", f"it renames the value {node.oldVal!r} of an enumeration")


@rule("AlterDomainStmt")
def domain(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a domain that demands more than before."""
    if node.subtype in {"O", "C"}:  # set not null, add constraint
        name = qualified(node.typeName)
        if name not in judge.scene.made.types:
            yield judge.finding(Hazard.REFUSES, "domain narrowed", f"the domain {name} takes less than before")


_Handler = Any


@rule("AlterTableStmt")
def alter(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield what a change of a table does to those who use it."""
    table = relation(node.relation)
    if judge.scene.is_new(table):
        return
    for command in node.cmds or ():
        handler = _ALTER.get(command.subtype)
        if handler is not None:
            yield from handler(judge, table, command)


def _drop_column(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    # Dropped and added in one statement: what is added is another column under the same name.
    adds = [each.def_.colname for each in judge.statement.node.cmds if each.subtype is AlterTableType.AT_AddColumn]
    if not judge.scene.is_new_column(table, command.name) or command.name in adds:
        yield judge.finding(Hazard.LOSES, "drop column", f"it drops {table}.{command.name}")


def _drop_constraint(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    if judge.scene.makes_again("constraint", table, command.name):
        return
    yield judge.finding(Hazard.LOSES, "drop constraint", f"it drops {command.name} of {table}")


def _retype(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    if not judge.scene.is_new_column(table, command.name):
        yield judge.finding(Hazard.LOSES, "retype", f"it gives {table}.{command.name} another type")


def _set_not_null(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    if not judge.scene.is_new_column(table, command.name):
        why = f"writes that leave {table}.{command.name} null fail from now on"
        yield judge.finding(Hazard.REFUSES, "set not null", why)


def _default(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    name = command.name
    if judge.scene.is_new_column(table, name):
        return
    if command.def_ is None or usable_default(command.def_) is None:
        yield judge.finding(Hazard.REFUSES, "drop default", f"writes that do not name {table}.{name} lose its default")
        return
    old = judge.scene.old_column(table, name)
    if old is not None and old.default is not None and written(old.default) != written(command.def_):
        yield judge.finding(
            Hazard.REFUSES, "default changed", f"writes that do not name {table}.{name} store another value"
        )


def _add_column(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    definition = command.def_
    name = definition.colname
    if judge.scene.old_column(table, name) is not None and command.missing_ok:
        return
    for each in definition.constraints or ():
        if each.contype in {ConstrType.CONSTR_PRIMARY, ConstrType.CONSTR_UNIQUE} and _has_default(definition):
            yield judge.finding(Hazard.REFUSES, "unique default", f"all rows would share the default of {table}.{name}")
        if each.contype is ConstrType.CONSTR_IDENTITY or _stored(each):
            yield judge.finding(Hazard.BLOCKS, "rewrite", f"{table} is rewritten to fill {name}")
    if strings(definition.typeName.names)[-1:] in (["serial"], ["bigserial"], ["smallserial"]):
        yield judge.finding(Hazard.BLOCKS, "rewrite", f"{table} is rewritten to fill {name}")
    if any(function_name(call) in _VOLATILE for call in find(_default_of(definition), ast.FuncCall)):
        yield judge.finding(Hazard.BLOCKS, "volatile default", f"{table} is rewritten to fill {name}")


def _stored(constraint: Any) -> bool:
    return constraint.contype is ConstrType.CONSTR_GENERATED and constraint.generated_kind != "v"


def _default_of(definition: Any) -> Any:
    given = [each.raw_expr for each in definition.constraints or () if each.contype is ConstrType.CONSTR_DEFAULT]
    return given[0] if given else definition.raw_default


def _has_default(definition: Any) -> bool:
    return _default_of(definition) is not None and usable_default(_default_of(definition)) is not None


_STRICT = {
    ConstrType.CONSTR_CHECK: "check",
    ConstrType.CONSTR_FOREIGN: "foreign key",
    ConstrType.CONSTR_UNIQUE: "unique constraint",
    ConstrType.CONSTR_PRIMARY: "primary key",
    ConstrType.CONSTR_EXCLUSION: "exclusion constraint",
    ConstrType.CONSTR_NOTNULL: "not-null constraint",
}


def _add_constraint(judge: Judge, table: str, command: Any) -> Iterator[Finding]:
    made = command.def_
    if _is_narrower(judge, table, made):
        why = f"the check {made.conname} of {table} takes fewer values than before"
        yield judge.finding(Hazard.REFUSES, "check narrowed", why)
        return
    what = _STRICT.get(made.contype)
    if what is None or made.skip_validation or made.indexname:
        return
    named = _constrained(made)
    if any(judge.scene.is_new_column(table, name) for name in named) or _stood(judge, table, made):
        return
    why = f"a {what} over columns from before may refuse rows and writes that were fine, and locks {table} to find out"
    yield judge.finding(Hazard.REFUSES, f"new {what}", why)


def _is_narrower(judge: Judge, table: str, made: Any) -> bool:
    """Tell whether a check that is made again leaves out a value that it named before."""
    before = judge.scene.before
    old = before.checked.get((table, made.conname)) if before is not None and made.conname else None
    return old is not None and made.contype is ConstrType.CONSTR_CHECK and not old <= named_values(made)


def _stood(judge: Judge, table: str, made: Any) -> bool:
    """Tell whether a constraint of this name was there before: it is replaced, or guarded by a condition."""
    known = judge.scene.was_part("constraint", table, made.conname) is True
    return bool(made.conname) and (known or ("dropped constraint", table, made.conname) in judge.scene.so_far.parts)


def _constrained(constraint: Any) -> set[str]:
    listed = set(strings(constraint.keys)) | set(strings(constraint.fk_attrs))
    return listed | columns(constraint.raw_expr) | {each.name for each in find(constraint.exclusions, ast.IndexElem)}


def _says(hazard: Hazard, name: str, why: str, weight: Weight = Weight.REFUSED) -> Any:
    def say(judge: Judge, table: str, _command: Any) -> Iterator[Finding]:
        yield judge.finding(hazard, name, why.format(table=table), weight)

    return say


_TRIGGERS_OFF = _says(Hazard.LOSES, "triggers off", "triggers of {table} are switched off")
_RULES_OFF = _says(Hazard.LOSES, "rules off", "rules of {table} are switched off")
_NO_RLS = _says(Hazard.OPENS, "row security off", "row security of {table} is switched off")
_OWNER = _says(Hazard.OPENS, "owner changed", "{table} gets another owner, whom row security does not bind")
_REWRITE = _says(Hazard.BLOCKS, "rewrite", "{table} is rewritten while nobody can read it")
_DETACH = _says(Hazard.LOSES, "detach", "rows of {table} go with a part of it")

_ALTER: dict[Any, _Handler] = {
    AlterTableType.AT_DropColumn: _drop_column,
    AlterTableType.AT_DropConstraint: _drop_constraint,
    AlterTableType.AT_AlterColumnType: _retype,
    AlterTableType.AT_SetNotNull: _set_not_null,
    AlterTableType.AT_ColumnDefault: _default,
    AlterTableType.AT_AddColumn: _add_column,
    AlterTableType.AT_AddConstraint: _add_constraint,
    AlterTableType.AT_DropIdentity: _says(
        Hazard.REFUSES, "drop identity", "columns of {table} fill themselves no more"
    ),
    AlterTableType.AT_DropExpression: _says(Hazard.LOSES, "drop expression", "a column of {table} is computed no more"),
    AlterTableType.AT_SetExpression: _REWRITE,
    AlterTableType.AT_DisableTrig: _TRIGGERS_OFF,
    AlterTableType.AT_DisableTrigAll: _TRIGGERS_OFF,
    AlterTableType.AT_DisableTrigUser: _TRIGGERS_OFF,
    AlterTableType.AT_EnableReplicaTrig: _TRIGGERS_OFF,
    AlterTableType.AT_DisableRule: _RULES_OFF,
    AlterTableType.AT_DisableRowSecurity: _NO_RLS,
    AlterTableType.AT_NoForceRowSecurity: _NO_RLS,
    AlterTableType.AT_ChangeOwner: _OWNER,
    AlterTableType.AT_SetLogged: _REWRITE,
    AlterTableType.AT_SetUnLogged: _says(Hazard.LOSES, "unlogged", "{table} is emptied by the next crash"),
    AlterTableType.AT_SetTableSpace: _REWRITE,
    AlterTableType.AT_SetAccessMethod: _REWRITE,
    AlterTableType.AT_DetachPartition: _DETACH,
    AlterTableType.AT_DropInherit: _DETACH,
    AlterTableType.AT_DropNotNull: _says(
        Hazard.REFUSES, "drop not null", "readers of {table} may meet nulls", Weight.ADVICE
    ),
    AlterTableType.AT_EnableRowSecurity: _says(
        Hazard.REFUSES, "row security on", "whoever read {table} needs a policy now", Weight.ADVICE
    ),
}


@rule("RuleStmt")
def rewrite_rule(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a rule that does something else than what is written."""
    if node.instead and not judge.scene.is_new(relation(node.relation)):
        yield judge.finding(Hazard.REFUSES, "rule", f"statements on {relation(node.relation)} do something else now")
