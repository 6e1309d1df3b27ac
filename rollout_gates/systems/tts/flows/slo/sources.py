"""Which source tells of which objective: rows of all users rather than our own probes; for answers the log, if any."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.slo.samples import Sample, Series, stood_still
from rollout_gates.systems.tts.flows.slo import logged, probing
from rollout_gates.systems.tts.flows.slo.objectives import (
    CANCELS,
    COMPLETION,
    DURABLE,
    FIRST_BYTE,
    MEDIAN,
    P95,
    START,
    STREAM_ENDS,
)
from rollout_gates.systems.tts.flows.slo.work import Read, Work

if TYPE_CHECKING:
    from rollout_gates.systems.tts.flows.slo.probing import Probe

Line = Mapping[str, Any]
PROBES, LOG = "own probes", "the log"
_SAME_CLOCK_S = 2.0
_BLIND = "it may not look at storage.objects, so whether audio is there cannot be told; grant select on it"


@dataclass
class Freshness:
    """Remembers a source's clock, to tell when it stands still, and how far it is ahead of ours."""

    _first: tuple[float, float] | None = None
    ahead_s: float = 0.0

    def check(self, read: Read) -> str | None:
        """Return why *read*, which was read just now, cannot be trusted."""
        now = time.time()
        if read.clock is None:
            return None
        if self._first is None:
            self._first = (now, read.clock)
            ahead_s = read.clock - now
            self.ahead_s = ahead_s if abs(ahead_s) > _SAME_CLOCK_S else 0.0
            return None
        return stood_still(self._first[1], read.clock, now - self._first[0])


def series_of(
    probes: Sequence[Probe], read: Read | None, lines: Sequence[Line] | None, *, problem: str | None = None
) -> dict[str, Series]:
    """Return the series of each objective that anything tells of; *problem* is why the rows cannot be trusted."""
    made = tuple(probes)
    found: dict[str, Series] = {}

    def add(name: str, source: str, samples: Sequence[Sample], *, trusted: bool = True) -> None:
        found[name] = Series.of(name, source, samples).distrusted(None if trusted else problem)

    if lines is not None:
        add(START, LOG, logged.submits(lines))
        add(CANCELS, LOG, logged.cancels(lines))
    elif made:
        add(START, PROBES, probing.submits(made))
        add(CANCELS, PROBES, probing.cancels(made))
    if read is not None:
        for name in (COMPLETION, MEDIAN, P95):
            add(name, read.source, completions(read.work), trusted=False)
        kept = durable(read.work)
        blind = not kept and any(each.status == "completed" and each.key for each in read.work)
        if blind and made:
            add(DURABLE, PROBES, probing.durable(made))
        else:
            add(DURABLE, read.source, kept, trusted=False)
            found[DURABLE] = found[DURABLE].distrusted(_BLIND if blind else None)
    elif made:
        for name in (COMPLETION, MEDIAN, P95):
            add(name, PROBES, probing.completions(made))
        add(DURABLE, PROBES, probing.durable(made))
    if made:
        add(FIRST_BYTE, PROBES, probing.first_bytes(made))
        add(STREAM_ENDS, PROBES, probing.streams(made))
    return found


def completions(work: Sequence[Work]) -> list[Sample]:
    """Each task that completed or failed. One that its user cancelled is neither, nor is one that has not ended."""
    return [
        Sample(each.created_at, each.status == "completed", each.took_s, each.task_id)
        for each in work
        if each.status in ("completed", "failed")
    ]


def durable(work: Sequence[Work]) -> list[Sample]:
    """Each completed task of which it can be told whether its audio is there."""
    return [Sample(each.created_at, each.durable, key=each.task_id) for each in work if each.durable is not None]
