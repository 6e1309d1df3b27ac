"""Waiting for a state: with a deadline, growing pauses, and the states that end it early."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Sample(Generic[T]):
    """What a probe saw, *at_s* seconds after the wait began."""

    at_s: float
    value: T


@dataclass(frozen=True)
class Polled(Generic[T]):
    """All samples in order, at least one. `ended` says whether a terminal state was met before the deadline."""

    samples: tuple[Sample[T], ...]
    ended: bool
    waited_s: float

    @property
    def last(self) -> T:
        """The last thing seen."""
        return self.samples[-1].value

    @property
    def values(self) -> tuple[T, ...]:
        """Everything seen, oldest first."""
        return tuple(sample.value for sample in self.samples)


@dataclass(frozen=True)
class Poller:
    """Probes after *first_s*, then after pauses that grow by *factor* up to *longest_s* (seconds).

    The probe itself obeys the rate limits, since it sends through `Wire` with a tier.
    """

    first_s: float = 0.1
    factor: float = 1.5
    longest_s: float = 4.0

    async def until(
        self, probe: Callable[[], Awaitable[T]], done: Callable[[T], bool], *, deadline_s: float
    ) -> Polled[T]:
        """Call *probe* until *done* says that its value is terminal, or *deadline_s* is over.

        The probe is called at least once, and once more at the deadline, so that a late end is seen.
        """
        started = time.monotonic()
        samples: list[Sample[T]] = []
        pause_s = self.first_s
        while True:
            value = await probe()
            at_s = time.monotonic() - started
            samples.append(Sample(at_s, value))
            if done(value):
                return Polled(tuple(samples), ended=True, waited_s=at_s)
            left_s = deadline_s - at_s
            if left_s <= 0:
                return Polled(tuple(samples), ended=False, waited_s=at_s)
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * self.factor, self.longest_s)
