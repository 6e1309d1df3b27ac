"""Which clauses the suites and golden payloads name, read from the files without importing them.

A module that cannot be imported still counts here: its clauses must be listed, not forgotten.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from rollout_gates.clause import CLAUSE_ID

_WHOLE_WORD = re.compile(rf"(?<![\w-]){CLAUSE_ID.pattern}(?![\w-])")


def scan_claims(path: Path) -> set[str]:
    """Return the clause IDs that the Python module at *path* names as strings.

    Comments and prose in docstrings do not count. A module that does not parse is searched as text, so that one
    comment too many is found rather than one clause too few.
    """
    source = path.read_bytes().decode("utf-8", errors="replace")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set(_in_text(source))
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in strings if isinstance(text, str) and CLAUSE_ID.fullmatch(text)}


def scan_payload(path: Path) -> set[str]:
    """Return the IDs under ``clauses`` in the golden payload at *path*; one that does not parse is read as text."""
    source = path.read_bytes().decode("utf-8", errors="replace")
    try:
        case = json.loads(source)
    except ValueError:
        return set(_in_text(source))
    named = case.get("clauses") if isinstance(case, Mapping) else None
    return {text for text in named if isinstance(text, str)} if isinstance(named, list) else set()


def claims_below(suites: Path, payloads: Path) -> dict[str, set[Path]]:
    """Return each claimed ID with the files that claim it: modules below *suites*, cases below *payloads*."""
    found: dict[str, set[Path]] = {}
    for path in sorted(suites.rglob("test_*.py")):
        _note(found, scan_claims(path), path)
    for path in sorted(payloads.rglob("*.json")):
        _note(found, scan_payload(path), path)
    return found


def _note(found: dict[str, set[Path]], ids: Iterable[str], path: Path) -> None:
    for clause_id in ids:
        found.setdefault(clause_id, set()).add(path)


def _in_text(source: str) -> Iterable[str]:
    return _WHOLE_WORD.findall(source)
