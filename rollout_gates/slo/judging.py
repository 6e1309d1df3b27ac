"""What is demanded of a series in each window, and whether it was met, missed beyond chance, or cannot be told.

- *missed*: the sequential test called it broken, so the shortfall is no chance at the stated rate of false alarms.
  Where all have to be good, one that is not is proof, however few there are.
- *met*: the window is over, there are samples enough, the source can be trusted, and the raw counts reach the target.
- *open*: all else, with a reason of the closed list. A shortfall that may be chance is *open*: too few samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from rollout_gates.reasons import Reason
from rollout_gates.slo.samples import Sample, Series, ended_early, repeated
from rollout_gates.slo.sequential import METHOD, ExactTest, Look, interval, quantile_bounds
from rollout_gates.slo.windows import Window, clock_time

LEVEL: Final = 0.95
"""Of the intervals that are shown beside the counts."""


class State(StrEnum):
    """What became of one objective in one window."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"


@dataclass(frozen=True)
class Objective:
    """At least *share* of all samples of a series must be good; with *target_s*, good is a value of at most that.

    ``Objective("completion", share=0.99)`` is a rate; ``Objective("median", share=0.5, target_s=2.0)`` is a quantile.
    *setting* is the key that sets it, for who has to. A share, or a quantile's target, of ``None`` is not set.
    """

    name: str
    setting: str
    share: float | None
    target_s: float | None = None
    quantile: bool = False

    @property
    def is_set(self) -> bool:
        """Whether there is a target to judge by."""
        return (self.target_s if self.quantile else self.share) is not None

    @property
    def allowed(self) -> float:
        """The largest share of samples that may be no good."""
        return float(1 - Fraction(str(self.share))) if self.share is not None else 1.0

    def is_good(self, sample: Sample) -> bool:
        """Whether *sample* is as it should be. A quantile is about those that have a value."""
        if not self.quantile:
            return sample.good
        return sample.value is not None and self.target_s is not None and sample.value <= self.target_s

    def counted(self, samples: Sequence[Sample]) -> list[Sample]:
        """Return those of *samples* that the objective is about."""
        return [sample for sample in samples if not self.quantile or sample.value is not None]

    def is_met(self, total: int, failures: int) -> bool:
        """Tell by raw counts: 18 999 of 20 000 are fewer than 95 %."""
        return self.share is not None and total - failures >= Fraction(str(self.share)) * total

    def __str__(self) -> str:
        if self.quantile:
            return f"{self.name} <= {self.target_s:g} s" if self.is_set else f"{self.name} (no target)"
        return f"{self.name} >= {_percent(self.share)}" if self.share is not None else f"{self.name} (no target)"


@dataclass(frozen=True)
class Plan:
    """How a run judges: *alpha* is the chance that a system which just meets all targets is called broken anywhere.

    It is shared out evenly among *tests*: each objective in each window is one. *fractions* are the planned looks.
    What begins before *since*, the moment of the change that is judged, tells nothing about it.
    """

    alpha: float
    tests: int
    minimum: int
    fractions: tuple[float, ...] = (1.0,)
    since: float | None = None

    @property
    def alpha_each(self) -> float:
        """The chance of a false alarm of one objective in one window."""
        return self.alpha / max(1, self.tests)

    def __str__(self) -> str:
        looks = "1 look" if len(self.fractions) == 1 else f"{len(self.fractions)} planned looks"
        return (
            f"{METHOD}; false alarms: at most {_percent(self.alpha)} for the whole run, shared by {self.tests} tests "
            f"of {_percent(self.alpha_each)} each, {looks} a watched window; at least {self.minimum} samples a window"
        )


@dataclass(frozen=True)
class Finding:
    """What is known of *objective* in *window*. *words* say it whole, with the raw counts."""

    objective: Objective
    window: Window
    state: State
    words: str
    reason: Reason | None = None
    total: int = 0
    failures: int = 0
    point_s: float | None = None
    low: float | None = None
    high: float | None = None
    looks: tuple[Look, ...] = ()


@dataclass
class Judge:
    """Judges one objective in one window, over all looks that are taken at it."""

    objective: Objective
    window: Window
    plan: Plan
    _test: ExactTest | None = None
    _looked_back: bool = False
    _shrunk: str | None = field(default=None)

    def look(self, series: Series, now: float, fraction: float | None = None) -> Finding:
        """Look at *series* as it stands at *now*; *fraction* is the planned part of the window that is over."""
        samples = self.objective.counted(series.within(self.window))
        failures = sum(not self.objective.is_good(sample) for sample in samples)
        over = now >= self.window.end
        if self.objective.is_set and self.objective.share is not None:
            self._look(
                len(samples), failures, 1.0 if over else self.window.share(now) if fraction is None else fraction
            )
        state, reason, words = self._state(series, samples, failures, over=over)
        return Finding(
            self.objective, self.window, state, f"{self.objective} in {self.window}: {words}", reason,
            len(samples), failures, *self._bounds(samples, failures), tuple(self._test.looks if self._test else ()),
        )  # fmt: skip

    def _look(self, total: int, failures: int, fraction: float) -> None:
        if self._test is None:
            self._test = ExactTest(self.objective.allowed, self.plan.alpha_each)
        last = self._test.looks[-1] if self._test.looks else None
        if last is not None and last.fraction >= 1.0 and (total, failures) == (last.total, last.failures):
            return
        try:
            self._test.look(fraction, total, failures)
        except ValueError as problem:
            self._shrunk = f"the source lost samples: {problem}"

    def _state(
        self, series: Series, samples: Sequence[Sample], failures: int, *, over: bool
    ) -> tuple[State, Reason | None, str]:
        told = f"{self._told(samples, failures)}, {series.source}"
        untold = self._cannot_be_told(series, samples, over=over)
        if untold is None and self._test is not None and self._test.broken:
            return State.MISSED, None, f"{told}; {self._beyond_chance()}"
        if untold is None:
            untold = self._is_unfinished(samples, failures, over=over)
        if untold is not None:
            return State.OPEN, untold[0], f"{told}; {untold[1]}"
        return State.MET, None, told

    def _cannot_be_told(self, series: Series, samples: Sequence[Sample], *, over: bool) -> tuple[Reason, str] | None:
        """Return why these samples say nothing, good or bad."""
        if not self.objective.is_set:
            return Reason.NOT_CONFIGURED, f"no target is set: agree on one, and set {self.objective.setting}"
        if self.plan.since is not None and self.window.start < self.plan.since:
            return Reason.TOO_EARLY, f"it began before the change at {clock_time(self.plan.since)}"
        if (problem := series.problem or self._shrunk or repeated(samples)) is not None:
            return Reason.SOURCE_ABSENT, problem
        certain = self.objective.allowed == 0 and any(not self.objective.is_good(sample) for sample in samples)
        if len(samples) < self.plan.minimum and not certain:
            why = Reason.TOO_EARLY if not over else Reason.TOO_FEW_SAMPLES if samples else Reason.NO_TRAFFIC
            return why, f"at least {self.plan.minimum} are needed"
        return None

    def _is_unfinished(self, samples: Sequence[Sample], failures: int, *, over: bool) -> tuple[Reason, str] | None:
        """Return why a window that was not called broken is not good either."""
        if not over:
            return Reason.TOO_EARLY, "the window is not over yet"
        if (stopped := ended_early(samples, self.window)) is not None:
            return Reason.NO_TRAFFIC, stopped
        if not self.objective.is_met(len(samples), failures):
            return Reason.TOO_FEW_SAMPLES, "that is short of it, but so few may be so by chance"
        return None

    def _beyond_chance(self) -> str:
        assert self._test is not None
        look = next(look for look in self._test.looks if look.broken)
        return (
            f"{look.failures} of {look.total} beyond the target when {_percent(look.fraction)} of the window was over, "
            f"from {look.bound} on it is no chance (false alarms {_percent(self.plan.alpha_each)})"
        )

    def _told(self, samples: Sequence[Sample], failures: int) -> str:
        if not samples:
            return "no samples"
        if not self.objective.quantile:
            return f"{len(samples) - failures} of {len(samples)} good"
        point = _quantile(samples, self.objective.share)
        beyond = f", {failures} beyond the target" if self.objective.is_set else ""
        return f"{point:.3g} s over {len(samples)} samples{beyond}"

    def _bounds(self, samples: Sequence[Sample], failures: int) -> tuple[float | None, float | None, float | None]:
        """Return the quantile, if it is one, and the exact bounds of quantile or rate."""
        if not samples:
            return None, None, None
        if not self.objective.quantile:
            low, high = interval(failures, len(samples), LEVEL)
            return None, 1 - high, 1 - low
        values = sorted(sample.value for sample in samples if sample.value is not None)
        share = self.objective.share or 0.5
        return _quantile(samples, share), *quantile_bounds(values, share, LEVEL)


def _quantile(samples: Sequence[Sample], share: float | None) -> float:
    """Return the smallest value that at least *share* of all values do not pass."""
    values = sorted(sample.value for sample in samples if sample.value is not None)
    wanted = Fraction(str(share or 0.5)) * len(values)
    return values[max(0, -(-wanted.numerator // wanted.denominator) - 1)]


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.4g} %"
