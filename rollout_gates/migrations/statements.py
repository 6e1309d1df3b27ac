"""The statements of a migration file as a tree, those in DO blocks and in functions that it calls among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pglast
from pglast import ast

from rollout_gates.migrations.bodies import Inner, inner_statements
from rollout_gates.migrations.files import MigrationFile
from rollout_gates.migrations.tree import find, function_name, option, strings

_TEXT_LIMIT = 160
_DEPTH_LIMIT = 5


@dataclass(frozen=True)
class Statement:
    """One statement and where it stands; *node* is ``None`` where it *cannot be read*, and why is in *problem*."""

    file: str
    line: int
    text: str
    node: Any
    problem: str = ""

    @property
    def kind(self) -> str:
        """Return the name of the statement's kind."""
        return type(self.node).__name__


@dataclass(frozen=True)
class Body:
    """What a function does, if its language can be read."""

    statements: tuple[Statement, ...]


def read_statements(file: MigrationFile) -> list[Statement]:
    """Return the statements as they stand in *file*, blocks and functions unopened."""
    try:
        raw = pglast.parse_sql(file.text)
    except pglast.parser.ParseError as problem:
        at = problem.args[1] if len(problem.args) > 1 and isinstance(problem.args[1], int) else 0
        line = file.text.count("\n", 0, at) + 1
        return [Statement(file.name, line, "", None, f"it is no SQL that Postgres takes: {problem.args[0]}")]
    return [_statement(file, each) for each in raw]


def _statement(file: MigrationFile, raw: Any) -> Statement:
    # Positions are in characters; a statement's text begins with the comments before it.
    text = file.text[raw.stmt_location : raw.stmt_location + raw.stmt_len if raw.stmt_len else None]
    bare = _without_comments(text)
    start = raw.stmt_location + len(text) - len(bare)
    return Statement(file.name, file.text.count("\n", 0, start) + 1, _one_line(bare), raw.stmt)


def _without_comments(text: str) -> str:
    """Return *text* from its first token that is no comment."""
    tokens = [token for token in pglast.parser.scan(text) if token.name not in {"SQL_COMMENT", "C_COMMENT"}]
    return text[tokens[0].start :] if tokens else text


def _one_line(text: str) -> str:
    told = " ".join(text.split())
    return told if len(told) <= _TEXT_LIMIT else f"{told[: _TEXT_LIMIT - 1]}…"


def executed(
    statements: Iterable[Statement], functions: Mapping[str, list[Any]], depth: int = 0
) -> Iterator[Statement]:
    """Yield all that is executed by *statements*: themselves, what their blocks do, what called *functions* do."""
    for statement in statements:
        yield statement
        if statement.node is None or depth > _DEPTH_LIMIT:
            continue
        if isinstance(statement.node, ast.DoStmt):
            yield from executed(opened(statement, statement.node), functions, depth + 1)
        for called in _called(statement.node):
            for definition in functions.get(called, ()):
                yield from executed(opened(statement, definition), functions, depth + 1)


def _called(node: Any) -> Iterator[str]:
    """Yield the functions that a statement calls. A default or a policy calls nothing yet."""
    if isinstance(node, (ast.SelectStmt, ast.CallStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt)):
        for call in find(node, ast.FuncCall):
            yield function_name(call).rpartition(".")[2]


def opened(statement: Statement, node: Any) -> list[Statement]:
    """Return what the body of the block or function *node* does, as statements at their lines."""
    options = node.args if isinstance(node, ast.DoStmt) else node.options
    body = option(options, "as")
    language = (strings(option(options, "language")) or ["plpgsql" if isinstance(node, ast.DoStmt) else "sql"])[0]
    if getattr(node, "sql_body", None) is not None:
        return [replace(statement, node=each) for each in _plain(node.sql_body)]
    text = (strings(body) or [""])[0]
    return [_inside(statement, inner) for inner in inner_statements(node, language.lower(), text)]


def _plain(body: Any) -> list[Any]:
    nodes = body if isinstance(body, tuple) else (body,)
    return [each for node in nodes for each in (_plain(node) if isinstance(node, tuple) else [node])]


def _inside(statement: Statement, inner: Inner) -> Statement:
    text = _one_line(inner.text) or statement.text
    return replace(statement, node=inner.node, text=text, problem=inner.problem)
