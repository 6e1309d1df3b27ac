"""Which flow ran when, as bars over the time of the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600)
_MOST_TICKS: Final = 7
_MOST_LANES: Final = 6
_MOST_ROWS: Final = 60

Row = Mapping[str, Any]


def timeline(document: Row) -> dict[str, Any] | None:
    """Return rows of bars in percent of the whole, and ticks; None when no flow ran.

    Flows whose names share what stands before a colon become one row, its bars in as many lanes as overlap.
    """
    flows = [flow for flow in document["flows"] if flow["started"]]
    if not flows:
        return None
    zero = min(map(_start, flows))
    spans = [(flow, _start(flow) - zero, flow["duration_s"]) for flow in flows]
    whole = max([start + (length or 0) for _, start, length in spans] + [0.001])
    rows: dict[tuple[Any, str], dict[str, Any]] = {}
    for flow, start, length in sorted(spans, key=lambda span: span[1]):
        name = str(flow["flow"])
        group = name.split(":", 1)[0] if ":" in name else name
        row = rows.setdefault((flow["system"], group), {"name": group, "system": flow["system"], "bars": []})
        row["bars"].append(_bar(flow, start, length, whole))
    listed = list(rows.values())
    for row in listed:
        row["lanes"] = _lay_out(row["bars"])
        row["took"] = max(bar["end_s"] for bar in row["bars"]) - min(bar["start_s"] for bar in row["bars"])
        row["bad"] = sum(bool(bar["error"]) for bar in row["bars"])
    return {
        "rows": listed[:_MOST_ROWS],
        "more": max(0, len(listed) - _MOST_ROWS),
        "ticks": ticks(whole),
        "whole": whole,
    }


def _start(flow: Row) -> float:
    return datetime.fromisoformat(flow["started"]).timestamp()


def _bar(flow: Row, start: float, length: float | None, whole: float) -> dict[str, Any]:
    end = whole if length is None else start + length
    return {
        "name": flow["flow"],
        "error": flow["error"] or ("never ended" if length is None else None),
        "start_s": start,
        "end_s": end,
        "x": round(100 * start / whole, 3),
        "width": round(max(100 * (end - start) / whole, 0.3), 3),
        "lane": 0,
    }


def _lay_out(bars: list[dict[str, Any]]) -> int:
    """Give each bar the first lane that is free; return how many lanes there are."""
    free_at: list[float] = []
    for bar in bars:
        lane = next((number for number, moment in enumerate(free_at) if moment <= bar["start_s"]), len(free_at))
        if lane >= _MOST_LANES:
            lane = free_at.index(min(free_at))
        if lane == len(free_at):
            free_at.append(0.0)
        free_at[lane] = max(free_at[lane], bar["end_s"])
        bar["lane"] = lane
    return len(free_at)


def ticks(whole: float) -> list[dict[str, Any]]:
    """Return round numbers of seconds on an axis of *whole* seconds, each with its place in percent."""
    step = next((step for step in _STEPS_S if whole / step <= _MOST_TICKS), whole / _MOST_TICKS)
    return [
        {"x": round(100 * number * step / whole, 3), "label": f"{number * step:g} s"}
        for number in range(int(whole / step) + 1)
        if 100 * number * step / whole < 97
    ]
