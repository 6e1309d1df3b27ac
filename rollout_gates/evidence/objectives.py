"""Objectives over time: each series with its windows, a dot a sample, and failures by what they were sorted into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout_gates.evidence.events import Events
from rollout_gates.evidence.text import duration
from rollout_gates.evidence.timeline import ticks

EVENT: Final = "objective_observed"
FAILURES: Final = "failures_observed"
TALL: Final = 96
"""Height of a plot of values."""
LANES: Final = 44
"""Height of a plot of what was good and what was not."""
_KEYS: Final = (
    "system", "cell", "objective", "target", "share", "target_s", "quantile", "source", "plan", "final", "windows",
    "points",
)  # fmt: skip
_MOST_CHARTS: Final = 24
_ROOM: Final = 1.15
_STATES: Final = {"met": "green", "missed": "red", "open": "inconclusive"}

Row = Mapping[str, Any]


def observed(events: Events) -> list[dict[str, Any]]:
    """Return one row an objective, as it was written down last: what a run that was cut short knew counts as well."""
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in events.of(EVENT):
        key = (event.get("system"), event.get("cell"), event.get("objective"))
        latest[key] = {name: event.get(name) for name in _KEYS}
    return list(latest.values())


def failures(events: Events) -> list[dict[str, Any]]:
    """Return what failed, by category, one row a system and cell."""
    keys = ("system", "cell", "source", "total", "by_category", "unknown")
    return [{key: event.get(key) for key in keys} for event in events.of(FAILURES)]


def charts(document: Row) -> list[dict[str, Any]]:
    """Return what is needed to draw each objective that has a window."""
    shown = [row for row in document.get("objectives") or () if row["windows"]]
    return [_chart(row) for row in shown[:_MOST_CHARTS]]


def _chart(row: Row) -> dict[str, Any]:
    windows = row["windows"]
    start: float = windows[0]["start"]
    end: float = max(windows[-1]["end"], start + 0.001)
    # A window that was cut short is drawn as far as it was seen.
    seen = [point[0] for point in row["points"] or ()]
    if not row["final"] and seen:
        end = min(end, max(*seen, start + 0.001))
    whole_s = end - start

    def x_of(at: float) -> float:
        return round(min(100.0, max(0.0, 100 * (at - start) / whole_s)), 3)

    values = [point[2] for point in row["points"] or () if point[2] is not None]
    timed = bool(row["quantile"])
    top = max([*values, row["target_s"] or 0.0, 1e-9]) * _ROOM
    return {
        "name": row["objective"],
        "system": " ".join(filter(None, (row["system"], row["cell"]))),
        "target": row["target"],
        "source": row["source"],
        "plan": row["plan"],
        "timed": timed,
        "height": TALL if timed else LANES,
        "target_y": round(TALL * (1 - row["target_s"] / top), 1) if timed and row["target_s"] else None,
        "target_s": row["target_s"],
        "top_s": top,
        "ticks": ticks(whole_s),
        "took_s": whole_s,
        "bands": [
            {
                "x": x_of(window["start"]),
                "width": max(0.0, round(x_of(window["end"]) - x_of(window["start"]), 3)),
                "kind": _STATES.get(window["state"], "inconclusive"),
            }
            for window in windows
        ],
        "dots": [_dot(point, x_of(point[0]), top, timed=timed) for point in row["points"] or ()],
        "windows": [_window(row, window) for window in windows],
    }


def _dot(point: list[Any], x: float, top: float, *, timed: bool) -> dict[str, Any]:
    _at, good, value = point
    place = TALL * (1 - (value or 0.0) / top) if timed else LANES * (0.3 if good else 0.75)
    said = duration(value) if value is not None else "good" if good else "no good"
    return {"x": x, "y": round(place, 1), "kind": "good" if good else "bad", "said": said}


def _window(row: Row, window: Row) -> dict[str, Any]:
    total, failed = window["total"], window["failures"]
    if row["quantile"]:
        shown = duration(window["point_s"]) if window["point_s"] is not None else "–"
        between = _between(window, duration)
    else:
        shown = f"{total - failed} of {total}"
        between = _between(window, lambda share: f"{100 * share:.1f} %")
    looks = "; ".join(
        f"{100 * look['fraction']:.0f} %: {look['failures']} of {look['total']}"
        + (f", no chance from {look['bound']} on" if look["bound"] <= look["total"] else "")
        for look in window["looks"]
    )
    return {
        "start": window["start"],
        "state": window["state"],
        "kind": _STATES.get(window["state"], "inconclusive"),
        "reason": window["reason"],
        "words": window["words"],
        "total": total,
        "shown": shown,
        "between": between,
        "looks": looks,
    }


def _between(window: Row, shown: Any) -> str:
    low, high = window["low"], window["high"]
    if low is None and high is None:
        return "–"
    if high is None:
        return f"{shown(low)} or more"
    return f"{shown(low)} to {shown(high)}" if low is not None else f"{shown(high)} or less"
