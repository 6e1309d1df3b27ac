"""Series of samples for the tests."""

from __future__ import annotations

from rollout_gates.slo.judging import Judge, Objective, Plan
from rollout_gates.slo.samples import Sample, Series
from rollout_gates.slo.windows import Window

WINDOW = Window(1000.0, 1100.0)
RATE = Objective("start success", "[shop.slo] start_success", 0.95)
MEDIAN = Objective("median latency", "[shop.slo] median_s", 0.5, 2.0, quantile=True)
PLAN = Plan(alpha=0.05, tests=5, minimum=20)


def spread(good, bad=0, *, value=None, window=WINDOW, source="own probes"):
    """A series of *good* and *bad* samples, evenly spread over *window*; values differ from one another a little."""
    total = good + bad
    samples = [
        Sample(
            window.start + window.seconds * (number + 0.5) / total,
            number % total >= bad,
            None if value is None else value + number / 1e6,
            f"{window.start}-{number}",
        )
        for number in range(total)
    ]
    return Series.of("start", source, samples)


def judged(series, objective=RATE, *, now=WINDOW.end, plan=PLAN, window=WINDOW):
    """The finding of one look at the end."""
    return Judge(objective, window, plan).look(series, now)
