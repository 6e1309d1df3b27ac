"""Families: flows whose names share what stands before a colon, such as one for each golden case.

They come by the thousand, so two things are done for them that single flows do not need. Their requests take turns, so
that the target is not asked more at once than it would be by a careful client, and an answer's time is the target's
own and no queue's. And they are handed out in batches: a check and the event loop that work at the same time only take
the interpreter from each other, which costs more than waiting a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from rollout_gates.wire.client import NO_TURN

REQUESTS_AT_ONCE = 16
BATCH_S = 0.25
"""How long whoever waited for one member waits for the others, at most."""


def of_family(flow: str) -> bool:
    """Whether the flow of this name is a member of a family (``family:name``)."""
    return ":" in flow


class Families:
    """The families of one stage. Made and used on the running event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._at_work = 0
        self._ended = asyncio.Event()

    def turn(self, flow: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Return what each request of *flow* waits for."""
        return self._turns if of_family(flow) else NO_TURN

    def joined(self, flow: str, task: asyncio.Task[Any]) -> None:
        """Take note that *flow* was started as *task*."""
        if of_family(flow):
            self._at_work += 1
            self._ended.clear()
            task.add_done_callback(self._left)

    async def batch(self, flow: str) -> None:
        """Wait until all members that were started have ended, or the time of a batch is over."""
        if of_family(flow):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), BATCH_S)

    def _left(self, _task: asyncio.Task[Any]) -> None:
        self._at_work -= 1
        if not self._at_work:
            self._ended.set()
