"""The rules that ask for restoration at once, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from rollout_gates.reasons import Reason
from rollout_gates.slo.judging import Finding, State


class Rule(StrEnum):
    """Why to go back."""

    TWO_BAD_WINDOWS = "two consecutive bad windows"
    CORRUPTION = "corruption"
    EXPOSURE = "exposure"
    UNBOUNDED_COST = "unbounded cost"


@dataclass(frozen=True)
class Fired:
    """A *rule* that asks for restoration, and what was seen, in *words*."""

    rule: Rule
    words: str

    def __str__(self) -> str:
        return f"abort rule '{self.rule}': {self.words}"


@dataclass(frozen=True)
class Unjudged:
    """Why the rule of two windows cannot be told."""

    reason: Reason
    words: str


def two_bad_windows(windows: Sequence[Sequence[Finding]]) -> Fired | Unjudged | None:
    """Judge *windows*, the oldest first, each by the findings of its objectives; ``None``: the rule does not fire.

    A window is bad where an objective was missed. It is good only where all that have a target were met: one that
    could not be judged is neither, and then the rule may not be told.
    """
    judged = [[finding for finding in window if finding.objective.is_set] for window in windows]
    bad = [[finding for finding in window if finding.state is State.MISSED] for window in judged]
    for earlier, later in pairwise(bad):
        if earlier and later:
            return Fired(Rule.TWO_BAD_WINDOWS, "; ".join(finding.words for finding in (*earlier, *later)))
    if not any(judged):
        return Unjudged(Reason.NOT_CONFIGURED, "no objective has a target")
    if len(judged) < 2:
        return Unjudged(Reason.TOO_EARLY, "one window was judged, and the rule needs two")
    for two in pairwise(judged):
        # One window that is known to be good is enough: two in a row cannot be bad then.
        if not any(_is_good(window) for window in two):
            first = next(finding for window in two for finding in window if finding.state is State.OPEN)
            return Unjudged(first.reason or Reason.TOO_FEW_SAMPLES, first.words)
    return None


def _is_good(window: Iterable[Finding]) -> bool:
    found = list(window)
    return bool(found) and all(finding.state is State.MET for finding in found)


def growing(spending: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether each of two windows in a row cost more than was charged for: nothing bounds what comes then.

    Each of *spending* holds ``spent`` and ``charged`` of one window, in one unit.
    """
    excess = [window["spent"] > window["charged"] for window in spending]
    return any(earlier and later for earlier, later in pairwise(excess))
