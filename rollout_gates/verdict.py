"""The verdict: a pure function of a run's events.

`judge` is used twice: at the end of a run, and by ``rollout-gates verify`` in a second process. Each expected
clause ends in exactly one outcome. GO needs every required clause green (or waived), at least one check that
passed, and a run that ended as it should; one required red makes NO-GO; anything else is INCONCLUSIVE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from rollout_gates.changes import unrestored
from rollout_gates.reasons import Reason

__all__ = [
    "CheckOutcome",
    "CheckResult",
    "ClauseResult",
    "GateResult",
    "Judgement",
    "Outcome",
    "Reason",
    "Verdict",
    "judge",
]


class Outcome(StrEnum):
    """How a clause ended."""

    GREEN = "green"
    RED = "red"
    INCONCLUSIVE = "inconclusive"
    WAIVED = "waived"
    NOT_APPLICABLE = "not applicable"


class Verdict(StrEnum):
    """What a gate or a run says."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_status(self) -> int:
        """0 GO, 1 NO-GO, 6 INCONCLUSIVE."""
        return {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.INCONCLUSIVE: 6}[self]


class CheckOutcome(StrEnum):
    """How a check ended. Only ``passed`` and ``failed`` judge the target."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class CheckResult:
    """One check as the events tell it; a check that was collected and never finished is ``not run``."""

    nodeid: str
    outcome: CheckOutcome
    reason: Reason | None
    message: str
    duration_s: float
    clauses: tuple[str, ...]
    exchanges: tuple[Mapping[str, Any], ...] = ()
    cell: str = ""


@dataclass(frozen=True)
class CellResult:
    """How a clause ended in one cell of the matrix, that is in one configuration of its system.

    One that is not *judged* is missing by configuration: it is shown, and counts for nothing.
    """

    cell: str
    outcome: Outcome
    reason: Reason | None
    message: str
    checks: tuple[str, ...]
    judged: bool = True


@dataclass(frozen=True)
class ClauseResult:
    """One expected clause with its one outcome. *waiver_state* is active, expired or stale."""

    id: str
    system: str
    gate: str
    gates: tuple[str, ...]
    title: str
    severity: str
    source: str
    required: bool
    outcome: Outcome
    reason: Reason | None
    message: str
    checks: tuple[str, ...]
    waiver: Mapping[str, Any] | None = None
    waiver_state: str | None = None
    cells: tuple[CellResult, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateResult:
    """The verdict of one gate over the clauses that count for it."""

    marker: str
    verdict: Verdict
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Judgement:
    """All that was decided. *problems* are the reasons beyond single clauses for which the run cannot be GO."""

    verdict: Verdict
    clauses: tuple[ClauseResult, ...]
    gates: tuple[GateResult, ...]
    checks: tuple[CheckResult, ...]
    problems: tuple[str, ...]
    counts: Mapping[str, int]
    profiles: Mapping[str, Mapping[str, int]]


def judge(events: Iterable[Mapping[str, Any]]) -> Judgement:
    """Judge the run that *events* (dicts in the order written) describe. Never raises on missing events."""
    listed = list(events)
    run = _last(listed, "run_started").get("run", {})
    checks = _checks(listed)
    today = _day(run.get("started"))
    clauses = tuple(_clause(row, checks, today) for row in _last(listed, "expected").get("clauses", ()))
    problems = tuple(_problems(listed, clauses, checks))
    passed = any(check.outcome is CheckOutcome.PASSED for check in checks)
    markers = run.get("gates") or sorted({clause.gate for clause in clauses})
    return Judgement(
        verdict=_verdict(clauses, passed=passed, whole=not problems),
        clauses=clauses,
        gates=tuple(_gate(marker, clauses, checks, whole=not problems) for marker in markers),
        checks=checks,
        problems=problems,
        counts=_counts(clauses),
        profiles={
            "runbook": _counts(clause for clause in clauses if clause.source == "R"),
            "strict": _counts(clauses),
        },
    )


def _verdict(clauses: Sequence[ClauseResult], *, passed: bool, whole: bool) -> Verdict:
    required = [clause for clause in clauses if clause.required and clause.outcome is not Outcome.NOT_APPLICABLE]
    if any(clause.outcome is Outcome.RED for clause in required):
        return Verdict.NO_GO
    good = all(clause.outcome in (Outcome.GREEN, Outcome.WAIVED) for clause in required)
    if good and passed and whole and any(clause.outcome is Outcome.GREEN for clause in required):
        return Verdict.GO
    return Verdict.INCONCLUSIVE


def _gate(marker: str, clauses: Sequence[ClauseResult], checks: Sequence[CheckResult], *, whole: bool) -> GateResult:
    mine = [clause for clause in clauses if marker in clause.gates]
    nodes = {node for clause in mine for node in clause.checks}
    passed = any(check.nodeid in nodes and check.outcome is CheckOutcome.PASSED for check in checks)
    return GateResult(marker, _verdict(mine, passed=passed, whole=whole), _counts(mine))


def _counts(clauses: Iterable[ClauseResult]) -> dict[str, int]:
    tally = Counter(clause.outcome for clause in clauses)
    counts = {outcome.value: tally[outcome] for outcome in Outcome}
    counts["total"] = sum(tally.values()) - tally[Outcome.NOT_APPLICABLE]
    return counts


def _clause(row: Mapping[str, Any], checks: Sequence[CheckResult], today: date | None) -> ClauseResult:
    mine = [check for check in checks if row["id"] in check.clauses]
    cells = tuple(_cell(cell, row, mine) for cell in row.get("cells", ()))
    outcome, reason, message = _together(cells) if cells else _outcome(mine, row)
    waiver = row.get("waiver")
    state = _waiver_state(waiver, outcome, today) if waiver else None
    if state == "active" and outcome is Outcome.RED:
        outcome = Outcome.WAIVED
    return ClauseResult(
        id=row["id"],
        system=row["system"],
        gate=row["gate"],
        gates=tuple(row.get("gates") or (row["gate"],)),
        title=row["title"],
        severity=row["severity"],
        source=row["source"],
        required=bool(row["required"]),
        outcome=outcome,
        reason=reason,
        message=message,
        checks=tuple(check.nodeid for check in mine),
        waiver=waiver,
        waiver_state=state,
        cells=cells,
        references=tuple(row.get("references") or ()),
    )


def _cell(cell: Mapping[str, Any], row: Mapping[str, Any], checks: Sequence[CheckResult]) -> CellResult:
    mine = [check for check in checks if check.cell == cell["cell"]]
    outcome, reason, message = _outcome(mine, {**row, **cell})
    nodes = tuple(check.nodeid for check in mine)
    return CellResult(str(cell["cell"]), outcome, reason, message, nodes, bool(cell.get("judged", True)))


_WORST_FIRST = (Outcome.RED, Outcome.INCONCLUSIVE, Outcome.GREEN, Outcome.NOT_APPLICABLE)


def _together(cells: Sequence[CellResult]) -> tuple[Outcome, Reason | None, str]:
    """Return the outcome of a clause from its cells: the worst one decides, and is named."""
    worst = min(cells, key=lambda cell: _WORST_FIRST.index(cell.outcome))
    named = worst.outcome in (Outcome.RED, Outcome.INCONCLUSIVE) and len(cells) > 1
    return worst.outcome, worst.reason, f"{worst.cell}: {worst.message}" if named else worst.message


_REASON_OF = {
    CheckOutcome.ERRORED: Reason.CHECK_ERRORED,
    CheckOutcome.SKIPPED: Reason.CHECK_DID_NOT_RUN,
    CheckOutcome.NOT_RUN: Reason.CHECK_DID_NOT_RUN,
}


def _outcome(mine: Sequence[CheckResult], row: Mapping[str, Any]) -> tuple[Outcome, Reason | None, str]:
    if not row.get("applicable", True):
        return Outcome.NOT_APPLICABLE, None, str(row.get("why_not") or "")
    if failed := next((check for check in mine if check.outcome is CheckOutcome.FAILED), None):
        return Outcome.RED, None, failed.message
    if why := str(row.get("unconfigured") or ""):
        return Outcome.INCONCLUSIVE, Reason.NOT_CONFIGURED, why
    if undecided := next((check for check in mine if check.outcome is not CheckOutcome.PASSED), None):
        reason = undecided.reason or _REASON_OF.get(undecided.outcome, Reason.CHECK_ERRORED)
        return Outcome.INCONCLUSIVE, reason, undecided.message
    if not mine:
        return Outcome.INCONCLUSIVE, Reason.CHECK_DID_NOT_RUN, "no check of this clause was run"
    return Outcome.GREEN, None, ""


def _waiver_state(waiver: Mapping[str, Any], outcome: Outcome, today: date | None) -> str:
    if outcome is Outcome.GREEN:
        return "stale"
    expires = _day(waiver.get("expires"))
    return "active" if expires and today and today <= expires else "expired"


_TROUBLE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "collect_error": lambda event: f"could not collect {event.get('nodeid')}: {event.get('message')}",
    "worker_lost": lambda event: f"worker {event.get('worker')} was lost: {event.get('message')}",
    "problem": lambda event: str(event.get("text")),
}


def _problems(
    events: Sequence[Mapping[str, Any]], clauses: Sequence[ClauseResult], checks: Sequence[CheckResult]
) -> Iterable[str]:
    kinds = {event.get("event") for event in events}
    if "run_started" not in kinds or "expected" not in kinds:
        yield "the run did not get as far as saying what it expects"
    if "session_finished" not in kinds:
        yield "the run was cut short: it never came to its end"
    if told := _last(events, "interrupted"):
        yield f"the run was interrupted: {told.get('text') or 'nobody said why'}"
    yield from (str(change) for change in unrestored(events))
    yield from (_TROUBLE[kind](event) for event in events if (kind := str(event.get("event"))) in _TROUBLE)
    for clause in clauses:
        if clause.waiver_state == "stale":
            yield f"the waiver for {clause.id} is stale: the clause is green; remove the waiver"
    expected = {clause.id for clause in clauses}
    lost = [check.nodeid for check in checks if not expected.intersection(check.clauses)]
    if lost and expected:
        yield f"checks that claim no expected clause: {', '.join(lost[:3])}"


def _checks(events: Sequence[Mapping[str, Any]]) -> tuple[CheckResult, ...]:
    """Return one result a collected or finished check. A check that finished twice keeps its worst outcome."""
    found: dict[str, CheckResult] = {}
    for event in events:
        if event.get("event") == "collected":
            for row in event.get("checks", ()):
                found.setdefault(row["nodeid"], _not_run(row))
    for event in events:
        if event.get("event") == "check_finished":
            result = _finished(event, found.get(event["nodeid"]))
            before = found.get(result.nodeid)
            found[result.nodeid] = result if before is None else max(before, result, key=_badness)
    return tuple(found[node] for node in sorted(found))


_WORST_LAST = (
    CheckOutcome.NOT_RUN,
    CheckOutcome.PASSED,
    CheckOutcome.SKIPPED,
    CheckOutcome.INCONCLUSIVE,
    CheckOutcome.ERRORED,
    CheckOutcome.FAILED,
)


def _badness(check: CheckResult) -> int:
    return _WORST_LAST.index(check.outcome)


def _not_run(row: Mapping[str, Any]) -> CheckResult:
    text = "the check was collected but never finished"
    return CheckResult(
        nodeid=row["nodeid"],
        outcome=CheckOutcome.NOT_RUN,
        reason=Reason.CHECK_DID_NOT_RUN,
        message=text,
        duration_s=0.0,
        clauses=tuple(row["clauses"]),
        cell=str(row.get("cell") or ""),
    )


def _finished(event: Mapping[str, Any], collected: CheckResult | None) -> CheckResult:
    outcome, message = CheckOutcome(event["outcome"]), str(event.get("message") or "")
    reason = Reason(event["reason"]) if event.get("reason") else None
    if outcome is CheckOutcome.PASSED and not event.get("assertions"):
        outcome, reason = CheckOutcome.ERRORED, Reason.CHECK_ERRORED
        message = "the check ended without asserting anything"
    claimed = event.get("clauses") or (collected.clauses if collected else ())
    return CheckResult(
        nodeid=event["nodeid"],
        outcome=outcome,
        reason=reason,
        message=message,
        duration_s=float(event.get("duration_s") or 0.0),
        clauses=tuple(claimed),
        exchanges=tuple(event.get("exchanges") or ()),
        cell=collected.cell if collected else str(event.get("cell") or ""),
    )


def _last(events: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next((event for event in reversed(events) if event.get("event") == kind), {})


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
