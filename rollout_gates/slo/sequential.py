"""An exact test of a share, looked at several times, whose false alarms all together stay within a known rate.

The null hypothesis is that the share of failures is at most *allowed*. At each look the test may call it broken. How
much of *alpha* has been used up by then is planned ahead, as a function of the part of the window that is over: the
spending function of Lan and DeMets (Biometrika 1983) in the form of O'Brien and Fleming, which hardly spends anything
early. The bound of each look is computed from the exact distribution of failures among those courses that have not been
called broken before, so no approximation enters, whatever the number of samples between two looks.

A median or another quantile is judged by the same test: that a share *q* of all values is at most the target is a
statement about a share. The test rejects exactly when the exact lower order-statistic bound lies above the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

METHOD: Final = (
    "exact binomial test with planned looks; Lan-DeMets alpha spending of the O'Brien-Fleming form; "
    "quantiles by order statistics, which is the same test"
)
_TAIL: Final = 1e-15
"""Of each step's distribution, on either side: what is cut off cannot move a bound."""


@dataclass(frozen=True)
class Look:
    """One look: *failures* among *total* when *fraction* of the window was over, and from how many on it is *broken*.

    A *bound* above *total* says that nothing could have been called broken yet. *spent* is the probability of a false
    alarm up to and with this look, if the share of failures is just what is allowed.
    """

    fraction: float
    total: int
    failures: int
    bound: int
    broken: bool
    spent: float


def load() -> None:
    """Load what the tests need, which takes a second or two: in a thread, before anything is timed."""
    import scipy.stats  # noqa: F401, PLC0415 - as below


def spent_by(fraction: float, alpha: float) -> float:
    """Return how much of *alpha* may be spent when *fraction* of the window is over."""
    from scipy.stats import norm  # noqa: PLC0415 - a second and a half of the start-up of every run

    if fraction <= 0:
        return 0.0
    return float(min(alpha, 2 * norm.sf(norm.isf(alpha / 2) / min(1.0, fraction) ** 0.5)))


class ExactTest:
    """Tests that at most *allowed* of all events are failures; *alpha* is the chance of ever being wrong about that."""

    def __init__(self, allowed: float, alpha: float) -> None:
        self.allowed = allowed
        self.alpha = alpha
        self.looks: list[Look] = []
        self._first = 0
        self._mass: Any = None
        self._spent = 0.0

    @property
    def broken(self) -> bool:
        """Whether any look so far called it broken."""
        return any(look.broken for look in self.looks)

    def look(self, fraction: float, total: int, failures: int) -> Look:
        """Take a look at all events so far. Raises ``ValueError`` when there are fewer than at the look before."""
        before = self.looks[-1] if self.looks else Look(0.0, 0, 0, 1, broken=False, spent=0.0)
        if total < before.total or failures < before.failures or not failures <= total or fraction < before.fraction:
            raise ValueError(f"{failures} of {total} after {before.failures} of {before.total}: a look cannot go back")
        self._go_on(total - before.total)
        bound = self._bound(spent_by(fraction, self.alpha) - self._spent)
        seen = Look(fraction, total, failures, bound, failures >= bound, self._spent)
        self.looks.append(seen)
        return seen

    def _go_on(self, more: int) -> None:
        """Let *more* events come to all courses that have not been called broken."""
        import numpy as np  # noqa: PLC0415 - as above
        from scipy.stats import binom  # noqa: PLC0415 - as above

        if self._mass is None:
            self._mass = np.ones(1)
        if more == 0:
            return
        low, high = (int(binom.ppf(_TAIL, more, self.allowed)), int(binom.isf(_TAIL, more, self.allowed)))
        low, high = max(0, low), min(more, max(high, 0))
        step = binom.pmf(np.arange(low, high + 1), more, self.allowed)
        self._mass, self._first = np.convolve(self._mass, step), self._first + low

    def _bound(self, spare: float) -> int:
        """Return from how many failures on *spare* is not passed, and forget the courses that reach it."""
        import numpy as np  # noqa: PLC0415 - as above

        tails = np.append(np.cumsum(self._mass[::-1])[::-1], 0.0)
        at = int(np.nonzero(tails <= max(spare, 0.0))[0][0])
        self._spent += float(tails[at])
        self._mass = self._mass[:at] if at else np.zeros(1)
        return self._first + at


def interval(failures: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of the share of failures, for one look alone."""
    from scipy.stats import binomtest  # noqa: PLC0415 - as above

    found = binomtest(failures, total).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)


def quantile_bounds(values: list[float], share: float, level: float = 0.95) -> tuple[float | None, float | None]:
    """Return exact bounds of a quantile from the sorted *values*, for one look alone; ``None`` is without bound."""
    from scipy.stats import binom  # noqa: PLC0415 - as above

    rest = (1 - level) / 2
    low = int(binom.ppf(rest, len(values), share))  # the largest with P(X < low) <= rest
    high = int(binom.isf(rest, len(values), share)) + 1
    return values[low - 1] if low >= 1 else None, values[high - 1] if high <= len(values) else None
