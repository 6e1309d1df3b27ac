"""How the end of a check becomes an outcome, and how outcomes are told in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollout_gates.reasons import Reason
from rollout_gates.verdict import CheckOutcome, ClauseResult, Judgement, Outcome
from rollout_gates.wire.errors import BadAnswer, CouldNotJudge

_MESSAGE_CHARACTERS = 2000
_LINE_CHARACTERS = 300


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
    """Return a line a clause that is neither green nor inapplicable, worst first, then the run's own problems."""
    rank = {Outcome.RED: 0, Outcome.INCONCLUSIVE: 1, Outcome.WAIVED: 2}
    shown = [clause for clause in judgement.clauses if clause.outcome in rank]
    lines = [_clause_line(clause) for clause in sorted(shown, key=lambda clause: (rank[clause.outcome], clause.id))]
    return lines + [f"RUN           {problem}" for problem in (*judgement.problems, *problems)]


def _clause_line(clause: ClauseResult) -> str:
    reason = f" ({clause.reason})" if clause.reason else ""
    optional = "" if clause.required else " [not required by this profile]"
    told = " ".join(clause.message.split()) or clause.title
    return _cut(f"{clause.outcome.value.upper():<13} {clause.id}{reason}{optional}: {told}")


def _message(problem: BaseException) -> str:
    text = str(problem).strip() or type(problem).__name__
    return text if len(text) <= _MESSAGE_CHARACTERS else f"{text[: _MESSAGE_CHARACTERS - 1]}…"


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_CHARACTERS else f"{line[: _LINE_CHARACTERS - 1]}…"
