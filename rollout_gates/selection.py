"""Which gates a marker expression (``-m``) selects.

The expression is a Boolean one over marker names. Two-word gates are written with a dash or an underscore. A name
that is no marker is refused wherever it stands: a typo must not quietly select less.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Final

from rollout_gates.errors import UsageProblem, did_you_mean

GATES: Final = {
    "preflight": "what must be true before the switch is thrown",
    "smoke": "does it work at all; after every deploy",
    "security": "denial, isolation, abuse, custody of secrets",
    "mode-matrix": "the whole functional contract, in each mode",
    "migration-invariants": "a data migration added, and took nothing away",
    "streaming": "streams arrive in time, whole and in order",
    "slo": "objectives over a window of time",
    "promotion": "may the next stage of a rollout begin",
    "restoration": "is everything back after a rollback",
}
"""Each gate's marker, dashed, with a sentence for ``--markers``."""

IN_CELLS: Final = ("mode-matrix", "streaming")
"""Gates that judge each configuration of a system that can be had at the same time."""
IN_TURN: Final = ("mode-matrix",)
"""Those for which a deployment is brought from one configuration into the next."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORDS = {"and", "or", "not", "True", "False"}


def identifier(marker: str) -> str:
    """Return *marker* as Python and pytest spell it: with underscores."""
    return marker.replace("-", "_")


def normalise(expression: str) -> str:
    """Return *expression* with dashes in names written as underscores, which pytest matches by."""
    return _NAME.sub(lambda name: identifier(name.group()), expression)


def selector(expression: str, others: Iterable[str] = ()) -> Callable[[Iterable[str]], bool]:
    """Return a function that says whether a set of gate markers is selected by *expression*; empty selects all.

    *others* are further registered markers. Raises `UsageProblem` for an unknown name or a malformed expression.
    """
    if not expression.strip():
        return lambda _markers: True
    known = {identifier(gate) for gate in GATES} | set(others)
    for name in _NAME.findall(expression):
        if name not in _WORDS and identifier(name) not in known:
            raise UsageProblem(f"-m: unknown marker {name!r}{did_you_mean(name, GATES)}")
    tree = _parsed(expression)
    return lambda markers: _holds(tree, {identifier(marker) for marker in markers})


def covers_cells(expression: str) -> bool:
    """Tell whether *expression* selects a gate that is run in each configuration of a system."""
    return bool(expression.strip()) and any(selector(expression)([gate]) for gate in IN_CELLS)


def enters_cells(expression: str) -> bool:
    """Tell whether *expression* selects a gate for which one deployment is brought into each configuration in turn."""
    return bool(expression.strip()) and any(selector(expression)([gate]) for gate in IN_TURN)


def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(normalise(expression).strip(), mode="eval").body
    except SyntaxError:
        raise UsageProblem(f"-m: {expression!r} is not an expression of markers with and, or, not") from None


def _holds(node: ast.expr, names: set[str]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_holds(value, names) for value in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_holds(value, names) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _holds(operand, names)
        case ast.Name(id=name):
            return name in names
        case ast.Constant(value=bool(value)):
            return value
    raise UsageProblem("-m: only marker names with and, or, not and brackets can be used")
