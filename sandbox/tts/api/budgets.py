"""F-90: budgets that are exceeded.

Of nine submits two are refused, of nine that are spoken three fail, all are slow, and the provider is paid twice.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sandbox.tts.api.provider_errors import UNAVAILABLE, UNAVAILABLE_TEXT, ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Callable

# Nine, so that whoever does things in turns of two, four or eight does not meet it at one of them alone.
OF, REFUSED, LOST = 9, frozenset({3, 7}), frozenset({1, 4, 7})
SLOW_S = 2.6


class Budgets:
    """Counts what goes well, so that some of it does not. A healthy build never asks it twice."""

    def __init__(self, fault: Callable[[str], bool]) -> None:
        self._fault = fault
        self._submits = 0
        self._turns: dict[str, int] = {}

    @property
    def exceeded(self) -> bool:
        """Whether the fault is on."""
        return self._fault("F-90")

    def refuses(self) -> bool:
        """Whether this valid submit is refused."""
        if not self.exceeded:
            return False
        self._submits += 1
        return self._submits % OF in REFUSED

    def fails(self, task_id: str) -> bool:
        """Whether the work on this task fails, however well it went."""
        return self.exceeded and self._turns.setdefault(task_id, len(self._turns) + 1) % OF in LOST

    def holds_up(self, age_s: float) -> bool:
        """Whether what has been ready for *age_s* seconds is not brought home yet."""
        return self.exceeded and age_s < SLOW_S

    async def squander(self, task_id: str) -> None:
        """Let time pass, and lose what was made. Raises ProviderFailed."""
        if self.exceeded:
            await asyncio.sleep(SLOW_S)
        if self.fails(task_id):
            raise ProviderFailed(UNAVAILABLE, UNAVAILABLE_TEXT)
