"""Opens the bodies of DO blocks and functions: the statements in them, and those that they put together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pglast
from pglast import ast
from pglast.stream import RawStream

from rollout_gates.migrations.tree import ANY, constant, function_name

_MOST = 200


@dataclass(frozen=True)
class Inner:
    """A statement of a body. *node* is ``None`` where what will be run cannot be known, and why is in *problem*."""

    text: str
    node: Any
    problem: str = ""


def inner_statements(node: Any, language: str, text: str) -> Iterator[Inner]:
    """Yield the statements in the body *text* of *node*, a DO statement or a function."""
    if language == "sql":
        yield from _parsed(text)
    elif language == "plpgsql":
        yield from _plpgsql(node)
    else:
        yield Inner("", None, f"a body in the language {language} cannot be read")


def _parsed(text: str) -> Iterator[Inner]:
    try:
        for raw in pglast.parse_sql(text):
            yield Inner(str(RawStream()(raw.stmt)), raw.stmt)
    except pglast.parser.ParseError as problem:
        yield Inner(text, None, f"it cannot be read: {problem.args[0]}")


def _plpgsql(node: Any) -> Iterator[Inner]:
    try:
        functions = pglast.parse_plpgsql(str(RawStream()(node)))
    except (pglast.parser.ParseError, ValueError) as problem:
        yield Inner("", None, f"its body cannot be read: {problem.args[0]}")
        return
    for each in functions:
        yield from _Body(each["PLpgSQL_function"]).statements()


@dataclass
class _Body:
    """A parsed body: walks it and knows what its variables can hold, where that is constant."""

    tree: Mapping[str, Any]
    values: dict[str, set[str] | None] = field(default_factory=dict)

    def statements(self) -> Iterator[Inner]:
        datums = self.tree.get("datums", ())
        self._names = [next(iter(datum.values())).get("refname", "").lower() for datum in datums]
        for datum in datums:
            told = next(iter(datum.values()))
            default = told.get("default_val")
            if default is not None:
                self._may_hold(told["refname"].lower(), _expression(default))
        self._learn(self.tree.get("action"))
        yield from self._walk(self.tree.get("action"))

    def _may_hold(self, name: str, expression: str, *, elements: bool = False) -> None:
        """Remember the constants that *expression* gives to the variable *name*; what is not constant spoils it."""
        node = _value(expression)
        found = _elements(node) if elements else [constant(node)] if node is not None else []
        if not found or not all(isinstance(each, str) for each in found):
            self.values[name] = None
        elif self.values.get(name, set()) is not None:
            self.values.setdefault(name, set()).update(found)  # type: ignore[union-attr]

    def _learn(self, node: Any) -> None:
        for kind, told in _nodes(node):
            if kind == "PLpgSQL_stmt_foreach_a":
                self._may_hold(self._names[told.get("varno", 0)], _expression(told["expr"]), elements=True)
            elif kind == "PLpgSQL_stmt_assign":
                name, assigned, value = _expression(told["expr"]).partition(":=")
                if not assigned:
                    name, _assigned, value = _expression(told["expr"]).partition("=")
                self._may_hold(name.strip().lower(), value)

    def _walk(self, node: Any) -> Iterator[Inner]:
        for kind, told in _nodes(node):
            if kind in {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"}:
                yield from self._put_together(_expression(told["query"]))
            elif kind == "PLpgSQL_expr" and told.get("parseMode", 0) == 0:
                yield from _parsed(told["query"])

    def _put_together(self, expression: str) -> Iterator[Inner]:
        """Yield the statements that EXECUTE *expression* can run; names that are not known are stood in for."""
        node = _value(expression)
        texts = self._texts(node) if node is not None else None
        if texts is None:
            yield Inner(f"execute {expression}", None, "it runs a statement that is only put together when it runs")
            return
        for text in texts[:_MOST]:
            yield from _parsed(text)

    def _texts(self, node: Any) -> list[str] | None:
        """Return what *node* can be; ``None`` when nothing of it is known."""
        known = constant(node)
        if known is not None:
            return [str(known)]
        if isinstance(node, ast.TypeCast):
            return self._texts(node.arg)
        if isinstance(node, ast.ColumnRef):
            held = self.values.get(_variable(node))
            return sorted(held) if held else None
        if isinstance(node, ast.A_Expr) and node.name[-1].sval == "||":
            return self._joined([node.lexpr, node.rexpr])
        if isinstance(node, ast.FuncCall):
            return self._called(node)
        return None

    def _joined(self, nodes: list[Any]) -> list[str] | None:
        parts = [self._texts(each) for each in nodes]
        if all(part is None for part in parts):
            return None
        choices = [part if part is not None else [ANY] for part in parts]
        return ["".join(chosen) for chosen in itertools.islice(itertools.product(*choices), _MOST)]

    def _called(self, call: Any) -> list[str] | None:
        name, arguments = function_name(call), list(call.args or ())
        if name == "format" and arguments:
            return self._formatted(arguments)
        if name in {"concat", "concat_ws"}:
            return self._joined(arguments[name == "concat_ws" :])
        if name in {"quote_ident", "quote_literal", "quote_nullable", "lower", "upper", "trim", "btrim"} and arguments:
            held = self._texts(arguments[0]) or [ANY]
            return [f"'{each}'" for each in held] if name in {"quote_literal", "quote_nullable"} else held
        return None

    def _formatted(self, arguments: list[Any]) -> list[str] | None:
        templates = self._texts(arguments[0])
        if templates is None:
            return None
        # A variable that stands for several names goes through all of them, the same one in each of its places.
        names = list(dict.fromkeys(str(RawStream()(each)) for each in arguments[1:]))
        held = {str(RawStream()(each)): self._texts(each) or [ANY] for each in arguments[1:]}
        found = []
        for template in templates:
            for chosen in itertools.islice(itertools.product(*(held[name] for name in names)), _MOST):
                of = dict(zip(names, chosen, strict=True))
                found.append(_filled(template, [of[str(RawStream()(each))] for each in arguments[1:]]))
        return found


def _filled(template: str, values: list[str]) -> str:
    """Return what ``format`` makes of *template*."""
    out, at, turn = [], 0, 0
    while at < len(template):
        if template[at] != "%" or at + 1 == len(template):
            out.append(template[at])
            at += 1
            continue
        end = at + 1
        while end < len(template) - 1 and (template[end].isdigit() or template[end] in "$-"):
            end += 1
        position = template[at + 1 : end].partition("$")[0]
        if template[end] == "%":
            out.append("%")
        else:
            turn = int(position) if "$" in template[at:end] and position.isdigit() else turn + 1
            value = values[turn - 1] if 0 < turn <= len(values) else ANY
            out.append(_quoted(value, template[end]))
        at = end + 1
    return "".join(out)


def _quoted(value: str, kind: str) -> str:
    if kind == "L":
        return "'" + value.replace("'", "''") + "'"
    if kind == "I":
        return '"' + value.replace('"', '""') + '"'
    return value


def _value(expression: str) -> Any:
    """Return the tree of an expression."""
    try:
        return pglast.parse_sql(f"select {expression}")[0].stmt.targetList[0].val
    except (pglast.parser.ParseError, AttributeError, IndexError, TypeError):
        return None


def _elements(node: Any) -> list[Any]:
    if isinstance(node, ast.TypeCast):
        return _elements(node.arg)
    if isinstance(node, ast.A_ArrayExpr):
        return [constant(each) for each in node.elements or ()]
    return []


def _variable(node: Any) -> str:
    return ".".join(each.sval for each in node.fields if isinstance(each, ast.String)).lower()


def _expression(node: Mapping[str, Any]) -> str:
    return str(node["PLpgSQL_expr"]["query"])


def _nodes(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield all parts of a body with their kinds."""
    if isinstance(node, list):
        for each in node:
            yield from _nodes(each)
    elif isinstance(node, dict):
        for name, told in node.items():
            if name.startswith("PLpgSQL_"):
                yield name, told
            yield from _nodes(told)
