"""``evidence.json``: all of a run for machines, computed from its events and from nothing else.

The keys and their meaning stand in ``docs/evidence.schema.json``; the document is validated against it before it is
written. A key is added, never renamed or taken away, while the schema's number stays the same.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

import rollout_gates
from rollout_gates.evidence import bursts, comparisons, ledgers, matrices, objectives, standards, streams
from rollout_gates.evidence.events import FILE_NAME as EVENTS
from rollout_gates.evidence.events import Events
from rollout_gates.evidence.files import EvidenceNotWritten, canonical_json, described, write_whole
from rollout_gates.evidence.text import one_line
from rollout_gates.verdict import CellResult, CheckResult, ClauseResult, Judgement, judge

SCHEMA: Final = "rollout-gates/evidence/1"
FILE_NAME: Final = "evidence.json"
SCHEMA_FILE: Final = "evidence.schema.json"

Document = dict[str, Any]


def build_document(events: Events, directory: Path, judgement: Judgement | None = None) -> Document:
    """Return the evidence of the run that *events* tell, as it stands in ``evidence.json``.

    *directory* is where the transcripts lie; their digests, and that of the event log, become part of the document.
    """
    judged = judgement or judge(events.events)
    run = _run(events)
    files = described(directory, _inputs(directory))
    transcripts = files.keys()
    listened = streams.streams(events)
    return {
        "schema": SCHEMA,
        "run": run,
        "verdict": str(judged.verdict),
        "exit_status": judged.verdict.exit_status,
        "summary": summary_line(run, str(judged.verdict), judged.counts),
        "problems": [one_line(problem, 2000) for problem in judged.problems],
        "damage": list(events.damage),
        "counts": dict(judged.counts),
        "profiles": {name: dict(counts) for name, counts in judged.profiles.items()},
        "gates": [{"marker": g.marker, "verdict": str(g.verdict), "counts": dict(g.counts)} for g in judged.gates],
        "clauses": [_clause(clause) for clause in judged.clauses],
        "checks": [
            {**_check(check, details, transcripts), "references": standards.of_check(check, judged.clauses)}
            for check, details in _with_details(judged.checks, events)
        ],
        "standards": standards.coverage(events.last("expected").get("standards") or (), judged.clauses),
        "waivers": [_waiver(clause) for clause in judged.clauses if clause.waiver],
        "collect_errors": [_only(event, "nodeid", "message", "clauses") for event in events.of("collect_error")],
        "workers_lost": [_only(event, "worker", "message") for event in events.of("worker_lost")],
        "interrupted": any(events.of("interrupted")),
        "flows": ledgers.flows(events),
        "resources": ledgers.resources(events),
        "changes": ledgers.changes(events),
        "spend": ledgers.spend(events),
        "streams": listened,
        "stream_times": streams.stream_times(listened),
        "bursts": bursts.observed(events),
        "objectives": objectives.observed(events),
        "failures": objectives.failures(events),
        "matrices": matrices.matrices(events),
        "comparisons": comparisons.comparisons(events),
        "log_excerpts": [_only(event, "system", "title", "detail") for event in events.of("log_excerpt")],
        "secret_scans": [_only(event, "system", "title", "detail") for event in events.of("secret_scan")],
        "records": [_only(event, "system", "name", "sha256", "size_bytes") for event in events.of("record_given")],
        "notes": [_only(event, "t", "text") for event in events.of("note")],
        "files": files,
        "generator": {"name": "rollout-gates", "version": rollout_gates.__version__},
    }


def summary_line(run: Mapping[str, Any], verdict: str, counts: Mapping[str, int]) -> str:
    """Return the last line of the terminal, but for the directory that the evidence lies in."""
    clauses = counts.get("total", 0)
    shown = ", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in ("green", "red", "inconclusive", "waived"))
    return f"{verdict}  {run['markers'] or 'all gates'} · env {run['env']} ({run['kind']}) · {clauses} clauses: {shown}"


def write_document(document: Document, directory: Path) -> Path:
    """Validate *document* and write it. Raises `EvidenceNotWritten` when it is not valid, or cannot be written."""
    if problems := list(schema_problems(document)):
        raise EvidenceNotWritten(f"{FILE_NAME}: {problems[0]}")
    path = directory / FILE_NAME
    write_whole(path, canonical_json(document))
    return path


def schema_problems(document: Any) -> Iterable[str]:
    """Yield one line for each place of *document* that the schema does not allow."""
    for error in _validator().iter_errors(document):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        yield f"${place}: {one_line(error.message, 200)}"


@cache
def _validator() -> jsonschema_rs.Validator:
    # Compiled: a run of 2000 checks is validated in 2 ms, where the interpreted validator takes 600.
    return jsonschema_rs.validator_for(load_schema())


def load_schema() -> dict[str, Any]:
    """Return the schema of ``evidence.json``: from the installed package, or from ``docs/`` of a checkout."""
    installed = resources.files("rollout_gates.evidence") / SCHEMA_FILE
    if not installed.is_file():
        installed = Path(rollout_gates.__file__).parents[1] / "docs" / SCHEMA_FILE
    schema: dict[str, Any] = json.loads(installed.read_text("utf-8"))
    return schema


def _run(events: Events) -> Document:
    """The run as it introduced itself, with when it ended; ``finished`` is null for a run that was cut short."""
    run = dict(events.first("run_started").get("run") or {})
    finished = events.last("run_finished").get("finished") or events.last("session_finished").get("t")
    started = run.get("started") or events.first("run_started").get("t")
    last = events.events[-1]["t"] if events.events else None
    run.update(
        id=run.get("id") or "unknown",
        started=started,
        finished=finished,
        duration_s=_seconds_between(started, finished or last),
        env=run.get("env") or "unknown",
        kind=run.get("kind") or "unknown",
        profile=run.get("profile") or "strict",
        markers=str(run.get("markers") or ""),
        systems=list(run.get("systems") or ()),
        revision=run.get("revision"),
        argv=[str(word) for word in run.get("argv") or ()],
    )
    return run


def _clause(clause: ClauseResult) -> Document:
    return {
        "id": clause.id,
        "system": clause.system,
        "gate": clause.gate,
        "gates": list(clause.gates),
        "title": clause.title,
        "severity": clause.severity,
        "source": clause.source,
        "references": list(clause.references),
        "required": clause.required,
        "outcome": str(clause.outcome),
        "reason": str(clause.reason) if clause.reason else None,
        "message": clause.message,
        "checks": list(clause.checks),
        "waiver": dict(clause.waiver) if clause.waiver else None,
        "waiver_state": clause.waiver_state,
        "cells": [_cell(cell) for cell in clause.cells],
    }


def _cell(cell: CellResult) -> Document:
    return {
        "cell": cell.cell,
        "outcome": str(cell.outcome),
        "reason": str(cell.reason) if cell.reason else None,
        "message": cell.message,
        "checks": list(cell.checks),
        "judged": cell.judged,
    }


def _check(check: CheckResult, details: Mapping[str, Any], transcripts: Container[str]) -> Document:
    # An observation made of other observations has a transcript by name, but never sent anything into it.
    exchanges = [
        {"transcript": item.get("transcript"), "id": item.get("id")}
        for item in check.exchanges
        if item.get("transcript") in transcripts
    ]
    return {
        "nodeid": check.nodeid,
        "outcome": str(check.outcome),
        "reason": str(check.reason) if check.reason else None,
        "message": check.message,
        "duration_s": check.duration_s,
        "clauses": list(check.clauses),
        "transcript": exchanges[0]["transcript"] if exchanges else None,
        "exchanges": exchanges,
        "assertions": details.get("assertions"),
        "worker": details.get("worker"),
        "started": details.get("started"),
    }


def _with_details(checks: Iterable[CheckResult], events: Events) -> Iterable[tuple[CheckResult, Mapping[str, Any]]]:
    """Pair each check with what its events say beyond the judgement."""
    started = {event["nodeid"]: event["t"] for event in events.of("check_started")}
    finished = {event["nodeid"]: event for event in events.of("check_finished")}
    for check in checks:
        event = finished.get(check.nodeid, {})
        yield (
            check,
            {
                "assertions": event.get("assertions"),
                "worker": event.get("worker"),
                "started": started.get(check.nodeid),
            },
        )


def _waiver(clause: ClauseResult) -> Document:
    return {"clause": clause.id, "state": clause.waiver_state, **(clause.waiver or {})}


def _inputs(directory: Path) -> Iterable[Path]:
    """Yield the files that were written while the run went: what the document was computed from, and points at."""
    written = (*sorted(directory.glob("transcripts/*.jsonl")), *sorted(directory.glob(f"{streams.FOLDER}/*")))
    for path in (directory / EVENTS, *written):
        if path.is_file():
            yield path


def _only(event: Mapping[str, Any], *keys: str) -> Document:
    return {key: event.get(key) for key in keys}


def _seconds_between(start: Any, end: Any) -> float | None:
    try:
        span = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    except (TypeError, ValueError):
        return None
    return round(span.total_seconds(), 3)
