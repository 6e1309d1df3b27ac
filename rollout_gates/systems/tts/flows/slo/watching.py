"""A watch at work: what it read last, what it has seen so far, and what it says and writes down of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.slo.course import Course
from rollout_gates.systems.tts.flows.slo.objectives import objectives, plan
from rollout_gates.systems.tts.flows.slo.sources import PROBES, Freshness, series_of
from rollout_gates.systems.tts.flows.slo.work import Read, read_work
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.slo.windows import Window
    from rollout_gates.systems.tts.flows.slo.probing import Probe
    from rollout_gates.systems.tts.session import Session

# A cancel's two writes may be seen one after the other.
_SETTLED_S: Final = 60.0
WINDOWS: Final = 2
"""So many windows are judged: as many as the abort rule needs."""


@dataclass
class Watch:
    """A watch at work: its course, the probes so far, and the rows as they were read last."""

    context: Context
    course: Course
    probes: list[Probe] = field(default_factory=list)
    read: Read | None = None
    logs: bool = False
    _fresh: Freshness = field(default_factory=Freshness)

    @property
    def session(self) -> Session:
        """The session to act in."""
        session: Session = self.context.session
        return session

    async def look(self, number: int, now: float, fraction: float | None = None) -> None:
        """Read all sources and look at one window, or at all that are over with it."""
        start, end = self.course.windows[0].start, self.course.windows[number].end
        lines = await log_lines(self.context.settings.logs) if self.logs else None
        problem = await self._read_work(start, end)
        series = series_of(self.probes, self.read, lines, problem=problem)
        for at, window in enumerate(self.course.windows[: number + 1]):
            told = series if self._reaches(window) else self._of_the_past(series)
            self.course.look(at, told, now, fraction if at == number else None)
        self.course.write_down()

    async def _read_work(self, start: float, end: float) -> str | None:
        ahead_s = self._fresh.ahead_s
        try:
            read = await read_work(self.context.settings, self.session.anon, start + ahead_s, end + ahead_s)
        except NotConfigured:
            return None
        problem = self._fresh.check(read)
        if self._fresh.ahead_s != ahead_s:  # it is known now how far the two clocks are apart
            return await self._read_work(start, end)
        self.read = read.in_our_time(self._fresh.ahead_s)
        return problem

    def _reaches(self, window: Window) -> bool:
        """Whether our probes could have seen *window*."""
        return bool(self.probes) and self.probes[0].at < window.end

    def _of_the_past(self, series: dict[str, Any]) -> dict[str, Any]:
        """Return those of *series* that tell of a time before our first probe."""
        return {name: each for name, each in series.items() if each.source != PROBES}

    def half_cancelled(self) -> list[Any]:
        """Return the tasks that say cancelled, long enough, while their generation goes on."""
        now = time.time()
        work = self.read.work if self.read is not None else ()
        ours = {probe.task_id for probe in self.probes}
        return [
            each
            for each in work
            if each.half_cancelled and (each.task_id in ours or now - (each.ended_at or now) > _SETTLED_S)
        ]

    def tell(self, number: int, over: float, more: str = "") -> None:
        """Tell the person who waits how the window with this *number* stands."""
        told = self.course.told(number)
        self.context.note(f"slo: window {number + 1} of {WINDOWS}, {over:.0%} over: {told}{more}")


def new_course(context: Context) -> Course:
    """Return the course of a run with nothing seen yet."""
    judged = objectives(context.settings)
    return Course(context.system, context.cell, plan(context.settings, WINDOWS), judged, context.record)


@contextlib.asynccontextmanager
async def written_down(watch: Watch) -> AsyncIterator[None]:
    """Write down what was seen at the end, whatever ends it."""
    try:
        yield
    finally:
        watch.course.write_down(final=True)
