"""What a condition asks: nothing at all, or who the caller is."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import BoolExprType, NullTestType

from rollout_gates.migrations.tree import columns, constant, find, function_name, strings, walk, written

_WHO = {"auth.uid", "auth.jwt", "auth.email", "current_setting"}
_EVERY_CALLER = {"authenticated", "anon"}
_EDITABLE = {"user_metadata", "raw_user_meta_data"}
# Columns that no row is without, by what tables usually call them.
_ALWAYS_THERE = {"id", "ctid", "created_at"}
_SAME = {"=", "<=", ">=", "~", "~~"}


def always(node: Any) -> bool:
    """Tell whether a condition holds for every row, as far as its form tells: absent, ``true``, ``1 = 1``."""
    if node is None:
        return True
    if isinstance(node, ast.BoolExpr):
        return _always_combined(node)
    if isinstance(node, ast.A_Expr):
        return _always_compared(node)
    if isinstance(node, ast.NullTest):
        return node.nulltesttype is NullTestType.IS_NOT_NULL and columns(node) <= _ALWAYS_THERE
    if isinstance(node, ast.SubLink):
        targets: Any = getattr(node.subselect, "targetList", None) or ()
        return not node.subselect.fromClause and bool(targets) and all(always(each.val) for each in targets)
    return constant(node) in (True, "t", "true", "on", "1") and not columns(node)


def _always_combined(node: Any) -> bool:
    if node.boolop is BoolExprType.NOT_EXPR:
        return never(node.args[0])
    combine = any if node.boolop is BoolExprType.OR_EXPR else all
    return combine(always(each) for each in node.args)


def _always_compared(node: Any) -> bool:
    operator = strings(node.name)[-1:]
    if not operator or node.lexpr is None or node.rexpr is None:
        return False
    left, right = constant(node.lexpr), constant(node.rexpr)
    if left is not None and right is not None and not isinstance(node.rexpr, tuple):
        return (left == right) if operator[0] in _SAME else (left != right) if operator[0] in {"<>", "!="} else False
    return operator[0] in _SAME and written(node.lexpr) == written(node.rexpr)


def never(node: Any) -> bool:
    """Tell whether a condition holds for no row."""
    if isinstance(node, ast.BoolExpr) and node.boolop is not BoolExprType.NOT_EXPR:
        combine = all if node.boolop is BoolExprType.OR_EXPR else any
        return combine(never(each) for each in node.args)
    return constant(node) is False or constant(node) in ("f", "false")


def asks_who(node: Any) -> bool:
    """Tell whether a policy's condition depends on who the caller is, in each of its alternatives."""
    if node is None or trusts_the_caller(node):
        return False
    if isinstance(node, ast.BoolExpr):
        combine = all if node.boolop is BoolExprType.OR_EXPR else any
        return combine(asks_who(each) for each in node.args)
    if isinstance(node, ast.SubLink):
        return _sublink_asks(node)
    if isinstance(node, ast.A_Expr):
        return _comparison_asks(node)
    if isinstance(node, ast.NullTest):
        return False
    # A function of the project's own: what it asks is for its own judgement.
    return any(not _is_who(call) for call in find(node, ast.FuncCall))


def trusts_the_caller(node: Any) -> bool:
    """Tell whether *node* reads what users can write about themselves."""
    return any(constant(each) in _EDITABLE for each in find(node, ast.A_Const))


def names_who(node: Any) -> bool:
    """Tell whether *node* asks for the caller's identity anywhere."""
    return any(_is_who(each) or isinstance(each, ast.SQLValueFunction) for each in walk(node))


def _is_who(node: Any) -> bool:
    return isinstance(node, ast.FuncCall) and function_name(node) in _WHO


def _sublink_asks(node: Any) -> bool:
    if node.testexpr is not None and names_who(node.testexpr):
        return True
    inner = node.subselect
    if names_who(getattr(inner, "whereClause", None)) or names_who(getattr(inner, "fromClause", None)):
        return True
    targets = [each.val for each in getattr(inner, "targetList", None) or ()]
    return any(asks_who(each) for each in targets) or (node.testexpr is not None and names_who(targets))


def _comparison_asks(node: Any) -> bool:
    if node.lexpr is None or node.rexpr is None or written(node.lexpr) == written(node.rexpr):
        return False
    if strings(node.name)[-1:] in (["<>"], ["!="]):
        return False
    constants = {constant(each) for each in find((node.lexpr, node.rexpr), ast.A_Const)}
    if _asks_role(node) or not columns((node.lexpr, node.rexpr)):
        # A claim against a constant: a role that is not every signed-in user's.
        return (_asks_role(node) or names_who(node)) and not constants & _EVERY_CALLER and bool(constants - {None})
    return names_who(node) or any(_may_tell_who(call) for call in find(node, ast.FuncCall))


def _may_tell_who(call: Any) -> bool:
    """Tell whether *call* is a function of the project's own that reads nothing of the row: ``app.current_owner()``."""
    schema, dot, _name = function_name(call).partition(".")
    return bool(dot) and schema not in {"auth", "storage"} and not columns(call.args)


def _asks_role(node: Any) -> bool:
    return any(function_name(call) == "auth.role" for call in find(node, ast.FuncCall))
