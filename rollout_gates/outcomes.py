"""How the end of a check becomes an outcome, and how outcomes are told in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rollout_gates.evidence.text import one_line
from rollout_gates.reasons import Reason
from rollout_gates.verdict import CheckOutcome, CheckResult, ClauseResult, Judgement, Outcome
from rollout_gates.wire.errors import BadAnswer, CouldNotJudge

_MESSAGE_CHARACTERS = 2000
_LINE_CHARACTERS = 300
_NAMES_CHARACTERS = 100
# From so many on, clauses that share a cause are told together.
_TOGETHER = 3
_RANK = {Outcome.RED: 0, Outcome.INCONCLUSIVE: 1, Outcome.WAIVED: 2}
Report = TypeVar("Report")


@dataclass(frozen=True)
class Finding:
    """What one phase of a check found."""

    outcome: CheckOutcome
    reason: Reason | None = None
    message: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the finding as an event's fields."""
        return {
            "outcome": self.outcome.value,
            "reason": self.reason.value if self.reason else None,
            "message": self.message,
        }


def classify(
    problem: BaseException | None,
    phase: str,
    *,
    failures: tuple[type[BaseException], ...],
    skips: tuple[type[BaseException], ...],
) -> Finding:
    """Return what it means that *phase* (``setup``, ``call``, ``teardown``) ended with *problem*.

    *failures* and *skips* are the test framework's own exceptions. Only a failed assertion in the call, or a target
    that answered what cannot be right, says that the target is wrong; an error of any other kind could not tell.
    """
    if problem is None:
        return Finding(CheckOutcome.PASSED)
    message = _message(problem)
    if isinstance(problem, CouldNotJudge):
        return Finding(CheckOutcome.INCONCLUSIVE, problem.reason, message)
    if isinstance(problem, skips):
        return Finding(CheckOutcome.SKIPPED, Reason.CHECK_DID_NOT_RUN, f"skipped: {message}")
    if isinstance(problem, BadAnswer) or (phase == "call" and isinstance(problem, (AssertionError, *failures))):
        return Finding(CheckOutcome.FAILED, None, message)
    return Finding(CheckOutcome.ERRORED, Reason.CHECK_ERRORED, f"{type(problem).__name__}: {message}")


def lost(text: str) -> dict[str, Any]:
    """Return the fields of a check whose process died before it could report."""
    line = text.strip().splitlines()[0] if text.strip() else "the process that ran it died"
    return Finding(CheckOutcome.ERRORED, Reason.CHECK_ERRORED, line).fields()


_ORDER = (
    CheckOutcome.PASSED,
    CheckOutcome.SKIPPED,
    CheckOutcome.INCONCLUSIVE,
    CheckOutcome.ERRORED,
    CheckOutcome.FAILED,
)


def worst(phases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a check from those of its phases: the worst outcome, the sum of what was asserted."""
    decisive = max(phases, key=lambda fields: _ORDER.index(CheckOutcome(fields["outcome"])))
    exchanges = [exchange for fields in phases for exchange in fields.get("exchanges", ())]
    return {
        **decisive,
        "clauses": next((fields["clauses"] for fields in phases if fields.get("clauses")), []),
        "assertions": sum(int(fields.get("assertions", 0)) for fields in phases),
        "exchanges": list({(row["transcript"], row.get("id")): row for row in exchanges}.values()),
    }


def summary(judgement: Judgement, problems: Iterable[str]) -> list[str]:
    """Return a line a clause that is neither green nor inapplicable, worst first, then the run's own problems.

    What several clauses share (a dead host, say) is told once, with their IDs below it.
    """
    shown = [clause for clause in judgement.clauses if clause.outcome in _RANK]
    alike: dict[Any, list[ClauseResult]] = {}
    for clause in sorted(shown, key=lambda clause: (_RANK[clause.outcome], clause.id)):
        same = (clause.outcome, clause.reason, clause.required, clause.message)
        alike.setdefault(same if clause.message else clause.id, []).append(clause)
    lines = [line for clauses in alike.values() for line in _lines(clauses, judgement.checks)]
    return lines + [f"RUN           {one_line(problem)}" for problem in (*judgement.problems, *problems)]


def few(reports: Sequence[Report], most: int = 12) -> list[Report]:
    """Return at most *most* of *reports*, in their order: the first of each clause before a second of any."""
    seen: dict[str, int] = {}
    turns = []
    for report in reports:
        clause = next(iter((getattr(report, "rollout", None) or {}).get("clauses", ())), "")
        seen[clause] = seen.get(clause, 0) + 1
        turns.append(seen[clause])
    chosen = sorted(range(len(reports)), key=lambda at: turns[at])[:most]
    return [reports[at] for at in sorted(chosen)]


def _lines(clauses: Sequence[ClauseResult], checks: Iterable[CheckResult]) -> list[str]:
    if len(clauses) < _TOGETHER:
        return [_told(clause, clause.id) for clause in clauses]
    first = clauses[0]
    count = sum(check.message == first.message for check in checks)
    names = textwrap.wrap(", ".join(clause.id for clause in clauses), _NAMES_CHARACTERS, break_on_hyphens=False)
    subject = f"{len(clauses)} clauses, {count} checks" if count else f"{len(clauses)} clauses"
    return [_told(first, subject), *(f"{'':<14}{line}" for line in names)]


def _told(clause: ClauseResult, subject: str) -> str:
    reason = f" ({clause.reason})" if clause.reason else ""
    optional = "" if clause.required else " [not required by this profile]"
    told = _first(clause.message) or clause.title
    return f"{clause.outcome.value.upper():<13} {subject}{reason}{optional}: {told}"


def _first(message: str) -> str:
    """Return the first of the findings in *message*, and how many there are beyond it; indented lines belong to it."""
    findings: list[str] = []
    for line in message.splitlines():
        if line.startswith(" ") and findings:
            findings[-1] += line
        elif line.strip():
            findings.append(line)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return one_line(findings[0], _LINE_CHARACTERS) + more if findings else ""


def _message(problem: BaseException) -> str:
    """Return what *problem* says, without the values that the test framework adds to a message that was given."""
    text = str(problem).strip() or type(problem).__name__
    if isinstance(problem, AssertionError) and not text.startswith("assert "):
        given, added, _ = text.partition("\nassert ")
        # pytest indents all lines but the first by two blanks, and doubles percent signs since it is asked to tell
        # of assertions that pass.
        text = given.replace("\n  ", "\n").replace("%%" if added else "%", "%")
    return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[: _MESSAGE_CHARACTERS - 1]}…"
