"""Rows that exist: deleted, emptied, overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast
from pglast.enums import CmdType, NullTestType, OnConflictAction

from rollout_gates.migrations.conditions import always, never
from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rules.judging import Judge, rule
from rollout_gates.migrations.tree import columns, constant, find, function_name, is_null, relation, strings


def _temporary(judge: Judge, table: str) -> bool:
    return judge.scene.is_new(table)


@rule("TruncateStmt")
def truncate(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a table that is emptied."""
    for each in node.relations:
        if not _temporary(judge, relation(each)):
            yield judge.finding(Hazard.ALTERS, "truncate", f"it empties {relation(each)}")


@rule("DeleteStmt")
def delete(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield rows that are deleted, with a bound or without: rows that exist stay."""
    table = relation(node.relation)
    if _temporary(judge, table) or (node.whereClause is not None and never(node.whereClause)):
        return
    unbound = always(node.whereClause) and not node.usingClause
    name = "delete without a bound" if unbound else "delete"
    yield judge.finding(Hazard.ALTERS, name, f"it deletes {'all ' if unbound else ''}rows of {table}")


@rule("MergeStmt")
def merge(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield what a merge deletes or overwrites."""
    table = relation(node.relation)
    if _temporary(judge, table):
        return
    for clause in node.mergeWhenClauses or ():
        if clause.commandType is CmdType.CMD_DELETE:
            yield judge.finding(Hazard.ALTERS, "delete", f"it deletes rows of {table}")
        elif clause.commandType is CmdType.CMD_UPDATE:
            yield from _overwritten(judge, table, clause.targetList, None)


@rule("UpdateStmt")
def update(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield an update that has no bound, or that overwrites what a column held before."""
    table = relation(node.relation)
    if _temporary(judge, table) or (node.whereClause is not None and never(node.whereClause)):
        return
    if always(node.whereClause) and not node.fromClause:
        yield judge.finding(Hazard.ALTERS, "update without a bound", f"it rewrites every row of {table}")
        return
    yield from _overwritten(judge, table, node.targetList, node.whereClause)


def _overwritten(judge: Judge, table: str, targets: Any, condition: Any) -> Iterator[Finding]:
    for target in targets or ():
        name = target.name
        if judge.scene.is_new_column(table, name) or _itself(target, name):
            continue
        if is_null(target.val):
            yield judge.finding(Hazard.ALTERS, "null-out", f"it takes what {table}.{name} holds")
        elif _only_where_null(condition, name) or _chosen_where_null(judge.statement.node, name):
            why = f"it fills {table}.{name}, a column from before, where it is null"
            yield judge.finding(Hazard.ALTERS, "old column filled", why, Weight.ADVICE)
        else:
            yield judge.finding(Hazard.ALTERS, "overwrite", f"it overwrites {table}.{name}, a column from before")


def _itself(target: Any, name: str) -> bool:
    return isinstance(target.val, ast.ColumnRef) and strings(target.val)[-1:] == [name]


def _only_where_null(condition: Any, name: str) -> bool:
    """Tell whether *condition* leaves out all rows in which the column *name* holds something."""
    if isinstance(condition, ast.BoolExpr):
        combine = any if condition.boolop.name == "AND_EXPR" else all
        return combine(_only_where_null(each, name) for each in condition.args)
    return (
        isinstance(condition, ast.NullTest)
        and condition.nulltesttype is NullTestType.IS_NULL
        and columns(condition.arg) == {name}
    )


def _chosen_where_null(statement: Any, name: str) -> bool:
    """Tell whether a query within *statement* picks the rows, those in which the column *name* holds nothing."""
    return any(_only_where_null(each.whereClause, name) for each in find(statement, ast.SelectStmt))


@rule("InsertStmt")
def upsert(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield an insert that overwrites the rows that it meets."""
    conflict = node.onConflictClause
    table = relation(node.relation)
    if conflict is None or conflict.action is not OnConflictAction.ONCONFLICT_UPDATE or _temporary(judge, table):
        return
    for target in conflict.targetList or ():
        if is_null(target.val):
            yield judge.finding(Hazard.ALTERS, "null-out", f"it takes what {table}.{target.name} holds")
        elif not judge.scene.is_new_column(table, target.name):
            why = f"it overwrites {table}.{target.name} of the rows that it meets"
            # Rows that are written out are seeds, which a second run may well refresh.
            weight = Weight.REFUSED if getattr(node.selectStmt, "fromClause", None) else Weight.ADVICE
            yield judge.finding(Hazard.ALTERS, "upsert", why, weight)


@rule("AlterSeqStmt")
def sequence(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a sequence that starts again: its next values are taken already."""
    name = relation(node.sequence)
    if not judge.scene.is_new(name) and any(each.defname == "restart" for each in node.options or ()):
        yield judge.finding(Hazard.REFUSES, "sequence restarted", f"{name} hands out values that are taken")


@rule("FuncCall")
def number_set(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield ``setval`` with a number that is written out; one that is computed follows the rows."""
    if function_name(node) == "setval" and len(node.args or ()) > 1 and constant(node.args[1]) is not None:
        name = str(constant(node.args[0]))
        if not judge.scene.is_new(name if "." in name else f"public.{name}"):
            yield judge.finding(Hazard.REFUSES, "sequence set", f"{name} may hand out values that are taken")


@rule("CopyStmt")
def copy_program(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a program that is run on the database's machine."""
    if node.is_program:
        yield judge.finding(Hazard.OPENS, "program", "it runs a program on the database's machine")


@rule("FuncCall")
def settings_by_function(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield ``set_config('session_replication_role', 'replica')`` and its like."""
    if function_name(node) == "set_config" and node.args and judge.statement.kind != "CreateFunctionStmt":
        yield from told_setting(judge, str(constant(node.args[0])), [str(constant(each)) for each in node.args[1:2]])


def told_setting(judge: Judge, name: str, values: list[str]) -> Iterator[Finding]:
    """Yield a setting that switches off what keeps rows right."""
    lowered = {value.lower() for value in values}
    if name == "session_replication_role" and lowered & {"replica", "local"} - {"local"}:
        yield judge.finding(Hazard.REFUSES, "triggers off", "triggers and foreign keys are not asked any more")
    elif name == "row_security" and lowered & {"off", "false", "0"}:
        yield judge.finding(Hazard.OPENS, "row security off", "row policies are not asked any more")
    elif name == "pgrst.db_schemas":
        yield judge.finding(Hazard.OPENS, "schemas exposed", "clients reach other schemas than before")


@rule("VariableSetStmt")
def settings(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield SET of such a setting, for a session, a role or a database."""
    yield from told_setting(
        judge, (node.name or "").lower(), [str(constant(each)) for each in find(node.args, ast.A_Const)]
    )
