"""Reading JSON that somebody else wrote: whatever it is, it is a value or a ``ValueError``."""

from __future__ import annotations

import json
from typing import Any, Final

DEEPEST: Final = 100
"""Levels of nesting. No answer of a contract has more than ten; some hundred exhaust who walks through them."""


def parse(data: bytes | str) -> Any:
    """Return the value in *data*. Raises ``ValueError`` for what is no JSON, or nested deeper than 100 levels."""
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    openings = (data.count(b"[") + data.count(b"{")) if isinstance(data, bytes) else data.count("[") + data.count("{")
    if openings > DEEPEST and _depth(found) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return found


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner: list[Any] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        level = inner
    return depth - 1
