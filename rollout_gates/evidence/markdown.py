"""Markdown made of text that came from outside, so that it stays text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rollout_gates.evidence.text import one_line, plain


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the lines of a table."""
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell(value) for value in row)} |"


def cell(value: Any) -> str:
    """Return text that is text in Markdown too, and stays in its cell."""
    shown = one_line(value if value is not None else "", 400)
    return "".join(f"\\{letter}" if letter in r"\`*_[]<>|#" else letter for letter in shown).replace("&", "&amp;")


def code(value: Any) -> str:
    """Return a span of code, on one line."""
    shown = one_line(value, 400)
    fence = "`" * (_longest_run(shown) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"`{shown}`"


def quoted(text: str, language: str = "text") -> Iterator[str]:
    """Yield the lines of a block of code."""
    shown = plain(text)[:1500]
    fence = "`" * max(3, _longest_run(shown) + 1)
    yield f"{fence}{language}"
    yield shown
    yield fence


def _longest_run(text: str) -> int:
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest
