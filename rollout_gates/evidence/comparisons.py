"""Comparisons of two moments: told to machines, and laid out for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout_gates.comparison import EVENT
from rollout_gates.evidence.events import Events

Row = Mapping[str, Any]

WIDTH: Final = 400
"""Of a bar at its longest, in units of the picture."""
_BAR: Final = 9
_GROUP: Final = 26
_MOST_TABLES: Final = 12
_MOST_LINES: Final = 200
_MOST_BARS: Final = 60
_CLASSES: Final = {True: "green", False: "red", None: "not-applicable"}
_WORDS: Final = {True: "as it has to be", False: "not as it has to be", None: "told only"}


def comparisons(events: Events) -> list[dict[str, Any]]:
    """Return one row a comparison."""
    return [
        {
            "system": event.get("system"),
            "cell": str(event.get("cell") or ""),
            "title": str(event.get("title") or ""),
            "note": str(event.get("note") or ""),
            "lines": [_line(line) for line in _rows(event.get("lines"))],
            "bars": [_bar(bar) for bar in _rows(event.get("bars")) if _is_bar(bar)],
        }
        for event in events.of(EVENT)
    ]


def _rows(listed: Any) -> list[Row]:
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def _is_bar(bar: Row) -> bool:
    return all(isinstance(bar.get(key), int) for key in ("before", "after"))


def _line(line: Row) -> dict[str, Any]:
    told = {key: str(line.get(key) or "") for key in ("name", "before", "after", "difference")}
    good = line.get("good")
    return {**told, "good": good if isinstance(good, bool) else None}


def _bar(bar: Row) -> dict[str, Any]:
    return {"group": str(bar.get("group") or ""), "before": int(bar["before"]), "after": int(bar["after"])}


def laid_out(document: Row) -> list[dict[str, Any]]:
    """Return each comparison as the page shows it; what is not as it has to be comes first."""
    return [_laid_out(told) for told in (document.get("comparisons") or ())[:_MOST_TABLES]]


def _laid_out(told: Row) -> dict[str, Any]:
    lines = sorted(told["lines"], key=lambda line: line["good"] is not False)
    bars = told["bars"][:_MOST_BARS]
    longest = max([1, *(max(bar["before"], bar["after"]) for bar in bars)])
    return {
        **{key: told[key] for key in ("system", "cell", "title", "note")},
        "bad": sum(line["good"] is False for line in lines),
        "lines": [
            {**line, "kind": _CLASSES[line["good"]], "word": _WORDS[line["good"]]} for line in lines[:_MOST_LINES]
        ],
        "more_lines": max(len(lines) - _MOST_LINES, 0),
        "bars": [_drawn(bar, place, longest) for place, bar in enumerate(bars)],
        "height": _GROUP * len(bars),
    }


def _drawn(bar: Row, place: int, longest: int) -> dict[str, Any]:
    top = _GROUP * place + 3
    return {
        **bar,
        "before_width": round(WIDTH * bar["before"] / longest, 1),
        "after_width": round(WIDTH * bar["after"] / longest, 1),
        "before_y": top,
        "after_y": top + _BAR + 1,
        "thick": _BAR,
        "kind": "same" if bar["before"] == bar["after"] else "other",
    }
