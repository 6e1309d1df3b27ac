"""Tables of outcomes: parts of one table put together, and each laid out for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

from rollout_gates.evidence.events import Event, Events
from rollout_gates.matrix import EVENT, Outcome

Row = Mapping[str, Any]

MISSING: Final = "missing"
SIGNS: Final = {"held": "✔", "leaked": "✘", "inconclusive": "?", "not applicable": "–", MISSING: "∅"}
CLASSES: Final = {
    "held": "green",
    "leaked": "red",
    "inconclusive": "inconclusive",
    "not applicable": "not-applicable",
    MISSING: "absent",
}
_WORST_FIRST: Final = tuple(map(str, Outcome))
_TOLD: Final = ("leaked", "inconclusive", MISSING)
_MOST_TABLES: Final = 24
_MOST_LINES: Final = 300
_MOST_REASONS: Final = 40
_WORDS_UP_TO: Final = 6


def matrices(events: Events) -> list[dict[str, Any]]:
    """Return one row a table; what several events tell under one title is one table, the worse cell counts."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in events.of(EVENT):
        key = (event.get("system"), event.get("cell"), event.get("title"))
        table = found.setdefault(key, _empty(event))
        table["note"] = table["note"] or str(event.get("note") or "")
        for axis in ("rows", "columns"):
            table[axis] = list(dict.fromkeys([*table[axis], *_texts(event.get(axis))]))
        for cell in _cells(event):
            place = (cell["row"], cell["column"])
            before = table["cells"].get(place)
            if before is None or _badness(cell) < _badness(before):
                table["cells"][place] = cell
    return [_counted(table) for table in found.values()]


def _empty(event: Event) -> dict[str, Any]:
    about = {"system": event.get("system"), "cell": event.get("cell") or "", "title": str(event.get("title") or "")}
    return {**about, "note": "", "rows": [], "columns": [], "cells": {}}


def _texts(listed: Any) -> Iterable[str]:
    return (text for text in listed if isinstance(text, str)) if isinstance(listed, list) else ()


def _cells(event: Event) -> Iterable[dict[str, str]]:
    """Yield the cells of *event* that lie in its table and have an outcome; what is neither would be a lie."""
    listed, rows, columns = event.get("cells"), set(_texts(event.get("rows"))), set(_texts(event.get("columns")))
    for cell in listed if isinstance(listed, list) else ():
        known = isinstance(cell, dict) and cell.get("outcome") in _WORST_FIRST
        if known and cell.get("row") in rows and cell.get("column") in columns:
            told = {key: cell[key] for key in ("row", "column", "outcome")}
            yield {**told, "reason": str(cell.get("why") or "")}


def _badness(cell: Row) -> int:
    return _WORST_FIRST.index(cell["outcome"])


def _counted(table: dict[str, Any]) -> dict[str, Any]:
    cells = list(table["cells"].values())
    tally = Counter(cell["outcome"] for cell in cells)
    missing = len(table["rows"]) * len(table["columns"]) - len(cells)
    return {**table, "cells": cells, "counts": {**{word: tally[word] for word in _WORST_FIRST}, MISSING: missing}}


def laid_out(document: Row) -> list[dict[str, Any]]:
    """Return each table as the page shows it: headings in two lines, lines of cells, reasons of what did not hold."""
    tables = [table for table in document.get("matrices") or () if table["rows"] and table["columns"]]
    return [_laid_out(table) for table in tables[:_MOST_TABLES]]


def _laid_out(table: Row) -> dict[str, Any]:
    cells = {(cell["row"], cell["column"]): cell for cell in table["cells"]}
    lines = [
        {"name": row, "cells": [_shown(cells.get((row, column)), row, column) for column in table["columns"]]}
        for row in table["rows"]
    ]
    shown = [cell for line in lines for cell in line["cells"]]
    told = [cell for word in _TOLD for cell in shown if cell["word"] == word]
    return {
        **{key: table[key] for key in ("system", "cell", "title", "note", "counts")},
        "groups": _groups(table["columns"]),
        "columns": [column.partition(": ")[2] or column for column in table["columns"]],
        "with_words": len(table["columns"]) <= _WORDS_UP_TO,
        "lines": lines[:_MOST_LINES],
        "more_lines": max(len(lines) - _MOST_LINES, 0),
        "reasons": told[:_MOST_REASONS],
        "more_reasons": max(len(told) - _MOST_REASONS, 0),
    }


def _groups(columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return the upper headings with how many columns each spans, or none if no column has one."""
    heads = [column.partition(": ")[0] if ": " in column else "" for column in columns]
    if not any(heads):
        return []
    return [{"name": name, "span": len(list(same))} for name, same in groupby(heads)]


def _shown(cell: Row | None, row: str, column: str) -> dict[str, str]:
    word = MISSING if cell is None else cell["outcome"]
    reason = "nobody tried, or nobody could" if cell is None else cell["reason"]
    place = {"row": row, "column": column, "word": word}
    return {**place, "sign": SIGNS[word], "kind": CLASSES[word], "reason": reason}
