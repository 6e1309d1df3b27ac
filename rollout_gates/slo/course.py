"""All objectives of a run over all its windows: looked at, told to who waits, and written down for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rollout_gates.reasons import Reason
from rollout_gates.slo.judging import Finding, Judge, Objective, Plan
from rollout_gates.slo.samples import Sample, Series
from rollout_gates.slo.windows import Window

EVENT: Final = "objective_observed"
MOST_POINTS: Final = 1000
"""Samples of one series that are written down for the picture of it; all of them are counted."""
_MOST_MEANWHILE: Final = 200

Record = Callable[..., None]


@dataclass
class Course:
    """The judges of *objectives* in *windows*, and the series as they were last read.

    An objective without a series in a window is not judged there: its source does not reach back so far.
    """

    system: str
    cell: str
    plan: Plan
    objectives: Sequence[Objective]
    record: Record
    _judges: dict[tuple[str, int], Judge] = field(default_factory=dict)
    _findings: dict[tuple[str, int], Finding] = field(default_factory=dict)
    _series: dict[tuple[str, int], Series] = field(default_factory=dict)
    _windows: list[Window] = field(default_factory=list)

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows so far, the oldest first."""
        return tuple(self._windows)

    def begin(self, window: Window) -> int:
        """Begin with one more window and return its number. It may be replaced as long as nobody knows its end."""
        self._windows.append(window)
        return len(self._windows) - 1

    @property
    def is_of_use(self) -> bool:
        """Whether any objective has samples enough, in a window after the change that is judged."""
        return any(
            finding.total >= self.plan.minimum and finding.reason is not Reason.TOO_EARLY
            for finding in self._findings.values()
        )

    def forget(self) -> None:
        """Begin anew, without a window."""
        for kept in (self._judges, self._findings, self._series):
            kept.clear()
        self._windows.clear()

    def bound(self, number: int, window: Window) -> None:
        """Say where the window with this *number* ends."""
        self._windows[number] = window
        for (_, at), judge in self._judges.items():
            if at == number:
                judge.window = window

    def look(self, number: int, series: Mapping[str, Series], now: float, fraction: float | None = None) -> None:
        """Look at one window: *series* by the names of their objectives, as they were read just now."""
        for objective in self.objectives:
            if objective.name not in series:
                continue
            key = (objective.name, number)
            self._series[key] = series[objective.name]
            judge = self._judges.setdefault(key, Judge(objective, self._windows[number], self.plan))
            self._findings[key] = judge.look(series[objective.name], now, fraction)

    def of(self, name: str) -> tuple[Finding, ...]:
        """Return the findings of the objective called *name*, the oldest window first."""
        found = sorted((at, finding) for (each, at), finding in self._findings.items() if each == name)
        return tuple(finding for _, finding in found)

    def in_window(self, number: int, names: Iterable[str]) -> tuple[Finding, ...]:
        """Return the findings of the objectives *names* in one window."""
        return tuple(self._findings[name, number] for name in names if (name, number) in self._findings)

    def told(self, number: int) -> str:
        """Return in one line how a window stands."""
        found = self.in_window(number, (objective.name for objective in self.objectives))
        return ", ".join(_short(finding) for finding in found if finding.total) or "nothing seen yet"

    def write_down(self, *, final: bool = False) -> None:
        """Append what is known to the run's events; what is written later of an objective counts."""
        most = MOST_POINTS if final else _MOST_MEANWHILE
        for objective in self.objectives:
            findings = self.of(objective.name)
            read = [self._series[key] for key in sorted(self._series) if key[0] == objective.name]
            if not findings:
                continue
            pairs = zip(read, findings, strict=True)
            samples = [sample for series, finding in pairs for sample in series.within(finding.window)]
            self.record(
                EVENT,
                system=self.system,
                cell=self.cell,
                objective=objective.name,
                target=str(objective),
                share=objective.share,
                target_s=objective.target_s,
                quantile=objective.quantile,
                source=read[-1].source,
                plan=str(self.plan),
                final=final,
                windows=[_window(finding) for finding in findings],
                points=[_point(objective, sample) for sample in thinned(objective.counted(samples), most)],
            )


def thinned(samples: Sequence[Sample], most: int) -> list[Sample]:
    """Return at most *most* of *samples*, evenly spread; those that are no good go last, since they are looked for."""
    if len(samples) <= most:
        return list(samples)
    bad = [sample for sample in samples if not sample.good][:most]
    good = [sample for sample in samples if sample.good]
    room = most - len(bad)
    kept = [good[number * len(good) // room] for number in range(room)] if room and good else []
    return sorted([*bad, *kept], key=lambda sample: sample.at)


def _short(finding: Finding) -> str:
    objective = finding.objective
    if objective.quantile:
        return f"{objective.name} {finding.point_s:.2g} s" if finding.point_s is not None else objective.name
    return f"{objective.name} {finding.total - finding.failures}/{finding.total}"


def _point(objective: Objective, sample: Sample) -> list[Any]:
    value = None if sample.value is None else round(sample.value, 6)
    return [round(sample.at, 3), objective.is_good(sample) if objective.is_set else sample.good, value]


def _window(finding: Finding) -> dict[str, Any]:
    return {
        "start": finding.window.start,
        "end": finding.window.end,
        "state": str(finding.state),
        "reason": str(finding.reason) if finding.reason else None,
        "words": finding.words,
        "total": finding.total,
        "failures": finding.failures,
        "point_s": finding.point_s,
        "low": finding.low,
        "high": finding.high,
        "looks": [
            {
                "fraction": round(look.fraction, 4),
                "total": look.total,
                "failures": look.failures,
                "bound": look.bound,
                "broken": look.broken,
                "spent": look.spent,
            }
            for look in finding.looks
        ],
    }
