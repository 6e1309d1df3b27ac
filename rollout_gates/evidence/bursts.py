"""Status codes over time, of each burst: a row a status, a dot an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rollout_gates.evidence.events import Events

Row = Mapping[str, Any]

WIDTH: Final = 1000
"""Of the plot, in units of its own; it is stretched to the page."""
_ROW: Final = 22
_MOST_CHARTS: Final = 16
_MOST_POINTS: Final = 2000
_STEPS_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 3600)
_MOST_TICKS: Final = 8


def observed(events: Events) -> list[dict[str, Any]]:
    """Return one row a burst: what it was, its limit and window, and its answers as [seconds, status], in order."""
    keys = ("system", "title", "limit", "window_s", "points")
    return [{key: event.get(key) for key in keys} for event in events.of("burst_observed")]


def charts(document: Row) -> list[dict[str, Any]]:
    """Return what is needed to draw each burst. An answer is ``let in`` or, with 429, ``refused``."""
    return [_chart(burst) for burst in (document.get("bursts") or ())[:_MOST_CHARTS] if burst["points"]]


def _chart(burst: Row) -> dict[str, Any]:
    points = burst["points"][:_MOST_POINTS]
    tally = Counter(status for _, status in points)
    statuses = sorted(tally)
    longest = max(*(at_s for at_s, _ in points), 0.001)
    step = next((step for step in _STEPS_S if longest / step <= _MOST_TICKS), longest / _MOST_TICKS)
    return {
        "title": burst["title"],
        "system": burst["system"],
        "limit": burst["limit"],
        "window_s": burst["window_s"],
        "let_in": len(points) - tally[429],
        "refused": tally[429],
        "took_s": longest,
        "height": _ROW * len(statuses) + 20,
        "rows": [
            {"status": status, "count": tally[status], "y": _ROW * place + _ROW // 2, "kind": _kind(status)}
            for place, status in enumerate(statuses)
        ],
        "dots": [
            {
                "x": round(WIDTH * at_s / longest, 1),
                "y": _ROW * statuses.index(status) + _ROW // 2,
                "kind": _kind(status),
                "said": f"{status} after {at_s:.2f} s",
            }
            for at_s, status in points
        ],
        "ticks": [
            {"x": round(WIDTH * number * step / longest, 1), "label": f"{number * step:g} s"}
            for number in range(int(longest / step) + 1)
        ],
    }


def _kind(status: int) -> str:
    return "refused" if status == 429 else "broken" if status >= 500 else "let-in"
