"""What the events add up to besides outcomes: flows over time, things made and removed, money spent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rollout_gates.evidence.events import Event, Events

Row = dict[str, Any]

_STATES = {
    "resource_planned": "planned",
    "resource_made": "made",
    "resource_removed": "removed",
    "resource_left": "left",
}

_BEGUN = ("system", "cell", "what", "to", "home", "why", "command", "worker")
_CAME_OF_IT = ("status", "output", "took_s", "shown_after_s", "problem")


def flows(events: Events) -> list[Row]:
    """Return one row a flow that was started, with its start and duration in seconds; ``null`` if it never ended.

    A flow of the same name that ran in two workers gives two rows.
    """
    rows: list[Row] = []
    running: dict[tuple[Any, ...], Row] = {}
    for event in events.of("flow_started", "flow_finished"):
        key = (event.get("system"), event.get("flow"), event.get("worker"))
        if event["event"] == "flow_started":
            running[key] = _flow(event, event["t"])
            rows.append(running[key])
            continue
        if key not in running:
            rows.append(row := _flow(event, _before(event["t"], event.get("duration_s"))))
        else:
            row = running.pop(key)
        row.update(duration_s=event.get("duration_s"), error=event.get("error"))
    return rows


def _flow(event: Event, started: str) -> Row:
    return {
        "system": event.get("system"),
        "flow": event.get("flow"),
        "worker": event.get("worker"),
        "started": started,
        "duration_s": None,
        "error": None,
    }


def _before(moment: str, seconds: Any) -> str:
    try:
        return (datetime.fromisoformat(moment) - timedelta(seconds=float(seconds))).isoformat()
    except (TypeError, ValueError):
        return moment


def resources(events: Events) -> Row:
    """Return how many things the run made and removed, and the list of those that may still stand.

    What was planned and neither made nor removed counts as possibly standing: the run may have died in between.
    """
    latest: dict[tuple[Any, ...], Row] = {}
    made: set[tuple[Any, ...]] = set()
    for event in events.of(*_STATES):
        key = (event.get("system"), event.get("kind"), event.get("planned_id") or event.get("id"))
        row = latest.setdefault(key, {"system": key[0], "kind": key[1]})
        row.update(id=event.get("id"), owner=event.get("owner"), how=event.get("how"), state=_STATES[event["event"]])
        if event["event"] == "resource_made":
            made.add(key)
    return {
        "made": len(made),
        "removed": sum(row["state"] == "removed" for row in latest.values()),
        "left": [row for row in latest.values() if row["state"] != "removed"],
    }


def changes(events: Events) -> list[Row]:
    """Return what was changed of the targets as a whole, one row a change, in order; an end that never came is null."""
    rows: list[Row] = []
    open_rows: dict[tuple[Any, Any], Row] = {}
    for event in events.of("change_planned", "change_made"):
        key = (event.get("system"), event.get("what"))
        if event["event"] == "change_planned":
            begun = {name: event.get(name) for name in _BEGUN}
            open_rows[key] = {**begun, "began": event["t"], **dict.fromkeys(_CAME_OF_IT)}
            rows.append(open_rows[key])
        elif key in open_rows:
            open_rows.pop(key).update({name: event.get(name) for name in _CAME_OF_IT})
    return rows


def spend(events: Events) -> list[Row]:
    """Return what was spent, one row a system and kind of call, with the number of events behind it."""
    rows: dict[tuple[Any, Any], Row] = {}
    for event in events.of("spend"):
        key = (event.get("system"), event.get("what"))
        row = rows.setdefault(key, {"system": key[0], "what": key[1], "amount": 0, "times": 0})
        row["amount"] += event.get("amount") or 0
        row["times"] += 1
    return list(rows.values())
