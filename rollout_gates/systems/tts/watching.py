"""Waiting for a task to end, with every answer on the way kept as a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.replies import ACTIVE, TERMINAL, is_terminal, status_of
from rollout_gates.wire import Poller

if TYPE_CHECKING:
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.wire import Reply

# 0.1 s at first, 4 s at last: one call each 4 s stays within tier 2 for as long as anybody would wait.
_POLLER = Poller(first_s=0.1, factor=1.4, longest_s=4.0)
_TOO_MANY_BROKEN = 5


@dataclass(frozen=True)
class Watch:
    """A task from its start to its end, or to the end of our patience. *samples* are in order, at least one."""

    task_id: str
    samples: tuple[Reply, ...]
    ended: bool
    waited_s: float

    @property
    def last(self) -> Reply:
        """The last answer."""
        return self.samples[-1]

    @property
    def status(self) -> str | None:
        """The task's status in the last answer."""
        return status_of(self.last)

    @property
    def statuses(self) -> tuple[str, ...]:
        """What was seen on the way, each change once: a status, or the number of an answer without one."""
        seen = [status_of(sample) or str(sample.status) for sample in self.samples]
        return tuple(word for at, word in enumerate(seen) if at == 0 or word != seen[at - 1])

    @property
    def active(self) -> tuple[Reply, ...]:
        """The answers that showed the task at work."""
        return tuple(sample for sample in self.samples if status_of(sample) in ACTIVE)

    @property
    def terminal(self) -> Reply | None:
        """The answer that showed the task ended, if there was one."""
        return self.last if status_of(self.last) in TERMINAL else None


async def watch(client: Client, task_id: str, *, patience_s: float) -> Watch:
    """Ask for *task_id* until it has ended, for at most *patience_s* seconds."""
    broken = 0

    def over(reply: Reply) -> bool:
        nonlocal broken
        broken = broken + 1 if reply.status >= 500 else 0
        return is_terminal(reply) or broken >= _TOO_MANY_BROKEN

    polled = await _POLLER.until(lambda: client.task(task_id), over, deadline_s=patience_s)
    return Watch(task_id, polled.values, polled.ended, polled.waited_s)
