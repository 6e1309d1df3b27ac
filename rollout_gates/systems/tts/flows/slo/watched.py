"""What a watch came to: all findings, and the rules that ask to go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.slo.abort import Fired, Rule, Unjudged, growing, two_bad_windows
from rollout_gates.slo.judging import Finding, State
from rollout_gates.systems.tts.flows.slo.exposure import Exposure
from rollout_gates.systems.tts.flows.slo.objectives import BUDGETS, DURABLE

if TYPE_CHECKING:
    from rollout_gates.slo.course import Course
    from rollout_gates.slo.judging import Plan
    from rollout_gates.slo.windows import Window
    from rollout_gates.systems.tts.flows.slo.spending import Spending
    from rollout_gates.systems.tts.flows.slo.work import Work


@dataclass(frozen=True)
class Watched:
    """All windows of one watch. *findings* are by objective, the oldest window first.

    *spending* is that of each window, where the provider's log can be seen. *half_cancelled* are tasks that say
    cancelled while their generation goes on. *fired* are the abort rules that ask for restoration; *untold* is why the
    rule of two windows cannot be told, if it cannot.
    """

    windows: tuple[Window, ...]
    plan: Plan
    findings: Mapping[str, tuple[Finding, ...]]
    exposure: Exposure
    half_cancelled: tuple[Work, ...]
    spending: tuple[Spending, ...] | None
    fired: tuple[Fired, ...]
    untold: Unjudged | None


def watched(
    course: Course,
    *,
    exposure: Exposure,
    half_cancelled: Sequence[Work] = (),
    spending: Sequence[Spending] | None = None,
) -> Watched:
    """Return what *course* came to."""
    findings = {objective.name: course.of(objective.name) for objective in course.objectives}
    two = two_windows(course)
    fired = [two] if isinstance(two, Fired) else []
    lost = [finding for finding in findings.get(DURABLE, ()) if finding.state is State.MISSED]
    if lost:
        fired.append(Fired(Rule.CORRUPTION, "; ".join(f"completed without audio: {found.words}" for found in lost)))
    if exposure.found:
        fired.append(Fired(Rule.EXPOSURE, "; ".join(exposure.found)))
    if spending is not None and growing([{"spent": each.spent, "charged": each.charged} for each in spending]):
        fired.append(Fired(Rule.UNBOUNDED_COST, "; ".join(f"window {n}: {s}" for n, s in enumerate(spending, 1))))
    return Watched(
        course.windows,
        course.plan,
        findings,
        exposure,
        tuple(half_cancelled),
        None if spending is None else tuple(spending),
        tuple(fired),
        two if isinstance(two, Unjudged) else None,
    )


def two_windows(course: Course) -> Fired | Unjudged | None:
    """Judge the rule of two bad windows as far as *course* has come."""
    found = [course.in_window(number, BUDGETS) for number in range(len(course.windows))]
    return two_bad_windows([findings for findings in found if findings])
