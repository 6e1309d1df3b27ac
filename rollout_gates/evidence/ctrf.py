"""``ctrf.json``: the run in the Common Test Report Format (https://ctrf.io), for dashboards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rollout_gates.evidence import views
from rollout_gates.evidence.text import plain

FILE_NAME: Final = "ctrf.json"
_STATUS: Final = {"passed": "passed", "failed": "failed", "error": "failed", "skipped": "skipped"}

Row = Mapping[str, Any]


def build_ctrf(document: Row) -> dict[str, Any]:
    """Return *document* as a CTRF report.

    An inconclusive check is ``failed`` there, with its true name in ``rawStatus``: the format has no word for it that
    a dashboard would not count as good. Clauses that no check stands for, and troubles of the run, are listed as tests.
    """
    clauses = views.clauses_by_id(document)
    tests = [_check(check, clauses) for check in document["checks"]]
    tests += [_clause(clause) for clause in views.unseen(document)]
    tests += [_trouble(problem) for problem in [*document["problems"], *document["damage"]]]
    if document["verdict"] != "GO" and not any(test["status"] == "failed" for test in tests):
        tests.append(_trouble(f"the verdict is {document['verdict']}"))
    run = document["run"]
    start = _milliseconds(run["started"])
    return {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "generatedBy": document["generator"]["name"],
        "results": {
            "tool": {"name": document["generator"]["name"], "version": document["generator"]["version"]},
            "summary": _summary(tests, start, run["duration_s"]),
            "tests": tests,
            "environment": {
                "reportName": plain(document["summary"]),
                "testEnvironment": plain(run["env"]),
                "commit": plain(run["revision"] or ""),
                "healthy": document["verdict"] == "GO",
            },
            "extra": {"verdict": document["verdict"], "run": run["id"], "counts": document["counts"]},
        },
    }


def _summary(tests: list[dict[str, Any]], start: int, seconds: float | None) -> dict[str, int]:
    tally = Counter(test["status"] for test in tests)
    statuses = {status: tally[status] for status in ("passed", "failed", "skipped", "pending", "other")}
    length = round((seconds or 0) * 1000)
    return {"tests": len(tests), **statuses, "start": start, "stop": start + length, "duration": length}


def _check(check: Row, clauses: Mapping[str, Row]) -> dict[str, Any]:
    path, _, name = check["nodeid"].partition("::")
    effect = views.effect(check, clauses)
    shown = {
        "name": plain(name or path),
        "status": _STATUS[effect],
        "duration": round(check["duration_s"] * 1000),
        "suite": [views.home_gate(check, clauses), path],
        "rawStatus": views.kind_of_error(check) if effect == "error" else check["outcome"],
        "tags": check["clauses"],
        "filePath": path,
        "extra": {"nodeid": check["nodeid"], "clauses": check["clauses"], "reason": check["reason"]},
    }
    if check["message"]:
        shown["message"] = plain(check["message"])
    return shown


def _clause(clause: Row) -> dict[str, Any]:
    return {
        "name": f"clause {clause['id']}: {clause['reason'] or clause['outcome']}",
        "status": "failed" if views.holds_up(clause) else "skipped",
        "duration": 0,
        "suite": [clause["gate"], "clauses"],
        "rawStatus": f"inconclusive:{clause['reason']}",
        "message": plain(clause["message"]),
        "tags": [clause["id"]],
        "extra": {"clauses": [clause["id"]], "reason": clause["reason"]},
    }


def _trouble(text: str) -> dict[str, Any]:
    shown = plain(text)
    return {"name": shown[:200], "status": "failed", "duration": 0, "suite": ["run"], "message": shown}


def _milliseconds(moment: str | None) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else 0
