"""How long the client's own event loop stood still: what came meanwhile came together, whatever the sender did."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from types import TracebackType
from typing import Final, Self

_BEAT_S: Final = 0.01
_WORTH_S: Final = 0.02
_KEPT: Final = 10_000


class Pulse:
    """Beats while its block runs; ask for the longest pause between two beats within a span of `time.perf_counter`."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._beating: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating

    async def _beat(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(_BEAT_S)
            now = time.perf_counter()
            if now - before - _BEAT_S > _WORTH_S:
                self._late.append((now, now - before - _BEAT_S))
            before = now

    def longest_s(self, start: float, end: float) -> float:
        """Return the longest pause, in seconds, that touched the span from *start* to *end*; zero for none."""
        return max((late for at, late in self._late if at >= start and at - late <= end), default=0.0)
