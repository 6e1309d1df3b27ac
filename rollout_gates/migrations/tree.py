"""Reads the tree of a statement: names, columns, functions, constants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pglast import ast
from pglast.stream import RawStream

PUBLIC = "public"
ANY = "_any_"
"""Stands for a name that is only known when the statement runs."""


def walk(node: Any) -> Iterator[Any]:
    """Yield *node* and every node below it."""
    if isinstance(node, (tuple, list)):
        for each in node:
            yield from walk(each)
    elif isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from walk(getattr(node, name))


def find(node: Any, *kinds: type) -> Iterator[Any]:
    """Yield all nodes of these *kinds* in *node*."""
    return (each for each in walk(node) if isinstance(each, kinds))


def relation(node: Any) -> str:
    """Return ``schema.name`` of a range variable; without a schema it is one of the default schema."""
    return f"{node.schemaname or PUBLIC}.{node.relname}"


def qualified(names: Any) -> str:
    """Return ``schema.name`` of a list of name parts, or of the objects that hold such a list."""
    parts = strings(names)
    return ".".join(parts[-2:]) if len(parts) > 1 else f"{PUBLIC}.{parts[0]}" if parts else ""


def strings(node: Any) -> list[str]:
    """Return the texts of the string nodes in *node*."""
    return [each.sval for each in find(node, ast.String)]


def function_name(call: Any) -> str:
    """Return the name of a called function as it is written, without a leading ``pg_catalog``."""
    parts = [each.sval for each in call.funcname]
    return ".".join(parts[1:] if parts[0] == "pg_catalog" else parts)


def columns(node: Any) -> set[str]:
    """Return the names of all columns that *node* refers to."""
    return {each.fields[-1].sval for each in find(node, ast.ColumnRef) if isinstance(each.fields[-1], ast.String)}


def constant(node: Any) -> Any:
    """Return the value of a constant, ``None`` for anything else and for NULL."""
    if isinstance(node, ast.TypeCast):
        return constant(node.arg)
    if not isinstance(node, ast.A_Const) or node.isnull:
        return None
    value = node.val
    for name in ("sval", "ival", "boolval", "fval"):
        if hasattr(value, name):
            return getattr(value, name)
    return None


def is_null(node: Any) -> bool:
    """Tell whether *node* is the constant NULL, cast or not."""
    if isinstance(node, ast.TypeCast):
        return is_null(node.arg)
    return isinstance(node, ast.A_Const) and bool(node.isnull)


def roles(specifications: Iterable[Any] | None) -> set[str]:
    """Return the names of roles; everybody is ``public``."""
    return {each.rolename or ("public" if each.roletype.name == "ROLESPEC_PUBLIC" else each.roletype.name)
            for each in specifications or ()}  # fmt: skip


def option(options: Iterable[Any] | None, name: str) -> Any:
    """Return the argument of the option *name*, ``None`` when it is not given."""
    return next((each.arg if each.arg is not None else True for each in options or () if each.defname == name), None)


def truth(argument: Any) -> bool:
    """Return what an option such as ``security_invoker = on`` says."""
    if isinstance(argument, bool):
        return argument
    if isinstance(argument, ast.Boolean):
        return bool(argument.boolval)
    if isinstance(argument, ast.Integer):
        return bool(argument.ival)
    return bool({text.lower() for text in strings(argument)} & {"true", "on", "1", "yes"})


def written(node: Any) -> str:
    """Return *node* as text, in one and the same form however it was written."""
    return str(RawStream()(node))
