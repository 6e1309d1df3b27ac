"""What a new column demands in the end, when all statements about it have run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType

from rollout_gates.migrations.model import Finding, Hazard
from rollout_gates.migrations.rules.judging import Judge
from rollout_gates.migrations.scene import Column, Scene, column, usable_default
from rollout_gates.migrations.statements import Statement
from rollout_gates.migrations.tree import relation, strings


def in_the_end(statements: Iterable[Statement], scene: Scene) -> Iterator[Finding]:
    """Yield new columns of tables from before that an insert has to name, since nothing fills them."""
    added: dict[tuple[str, str], tuple[Column, Statement]] = {}
    for statement in statements:
        if isinstance(statement.node, ast.AlterTableStmt) and not scene.is_new(relation(statement.node.relation)):
            _follow(statement, added, scene)
    for (table, name), (made, statement) in added.items():
        if made.must_be_given:
            why = f"old writes do not know {table}.{name}, which must not be null and has no default"
            yield Judge(statement, scene).finding(Hazard.REFUSES, "not null without default", why)


def _follow(statement: Statement, added: dict[tuple[str, str], tuple[Column, Statement]], scene: Scene) -> None:
    table = relation(statement.node.relation)
    for command in statement.node.cmds or ():
        if command.subtype is AlterTableType.AT_AddColumn:
            name = command.def_.colname
            if scene.old_column(table, name) is None or not command.missing_ok:
                added.setdefault((table, name), (column(command.def_), statement))
            continue
        for name in _named(command):
            if (table, name) in added:
                made = added[table, name][0]
                _change(made, command)
                if made.must_be_given:
                    added[table, name] = (made, statement)


def _named(command: Any) -> list[str]:
    if command.subtype is AlterTableType.AT_AddConstraint:
        return strings(command.def_.keys) if command.def_.contype is ConstrType.CONSTR_NOTNULL else []
    return [command.name] if command.name else []


def _change(made: Column, command: Any) -> None:
    kind = command.subtype
    if kind in {AlterTableType.AT_SetNotNull, AlterTableType.AT_AddConstraint}:
        made.not_null = True
    elif kind is AlterTableType.AT_DropNotNull:
        made.not_null = False
    elif kind is AlterTableType.AT_ColumnDefault:
        made.default = usable_default(command.def_) if command.def_ is not None else None
    elif kind is AlterTableType.AT_AddIdentity:
        made.filled = True
    elif kind is AlterTableType.AT_DropColumn:
        made.not_null = False
