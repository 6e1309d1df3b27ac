"""What was seen of one thing over time, and whether it can be trusted as a source."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rollout_gates.slo.windows import Window, clock_time

_ENOUGH_TO_REPEAT: Final = 8
"""So many values of a measured time are never all the same to the last digit."""
_EXPECTED_IN_THE_GAP: Final = 20.0
_GAP_SHARE: Final = 1 / 3


@dataclass(frozen=True)
class Sample:
    """One event at *at* (seconds since the epoch), good or not, with a *value* in seconds where one was measured.

    *key* tells it from others; two samples with one key are one event that was read twice.
    """

    at: float
    good: bool
    value: float | None = None
    key: str = ""


@dataclass(frozen=True)
class Series:
    """All samples of one thing, from one *source*, which is named in plain words.

    *problem* says why the source cannot be trusted, for example that its clock stands still.
    """

    name: str
    source: str
    samples: tuple[Sample, ...] = ()
    problem: str | None = None
    unit: str = field(default="", compare=False)

    @classmethod
    def of(cls, name: str, source: str, samples: Iterable[Sample], *, unit: str = "") -> Series:
        """Return a series of *samples* in the order of time, each key once: what is read last counts."""
        latest: dict[object, Sample] = {}
        for number, sample in enumerate(samples):
            latest[sample.key or number] = sample
        return cls(name, source, tuple(sorted(latest.values(), key=lambda sample: sample.at)), unit=unit)

    def within(self, window: Window) -> tuple[Sample, ...]:
        """Return the samples that fall into *window*."""
        return tuple(sample for sample in self.samples if sample.at in window)

    def distrusted(self, problem: str | None) -> Series:
        """Return the same series with a *problem* of its source, if there is one."""
        return self if problem is None else replace(self, problem=problem)


def repeated(samples: Sequence[Sample]) -> str | None:
    """Say that *samples* are copies of one: a source that hands out the same again and again has frozen."""
    if len(samples) < _ENOUGH_TO_REPEAT:
        return None
    if len({sample.at for sample in samples}) == 1:
        return (
            f"all {len(samples)} samples bear the same time, {clock_time(samples[0].at)}: the source's clock is frozen"
        )
    values = {sample.value for sample in samples}
    if len(values) == 1 and None not in values:
        return f"all {len(samples)} values are the same, {samples[0].value!r}: the source is frozen"
    return None


def ended_early(samples: Sequence[Sample], window: Window) -> str | None:
    """Say that the traffic stopped in *window*: where so many came before, none at all for a third of it is no chance.

    Samples that come as a Poisson process leave such a gap with a probability below ``exp(-20)``.
    """
    if not samples:
        return None
    last = samples[-1].at
    gap, before = window.end - last, last - window.start
    if gap < _GAP_SHARE * window.seconds or before <= 0:
        return None
    expected = len(samples) / before * gap
    if expected < _EXPECTED_IN_THE_GAP:
        return None
    return f"nothing came after {clock_time(last)}, where {math.floor(expected)} would have been expected"


def stood_still(earlier: float | None, later: float | None, passed_s: float) -> str | None:
    """Say that a source's clock did not move from *earlier* to *later* while *passed_s* seconds passed here."""
    if earlier is None or later is None or passed_s < 1 or later - earlier > passed_s / 2:
        return None
    return f"the source's clock moved {later - earlier:.1f} s in {passed_s:.1f} s: what it says is not fresh"
