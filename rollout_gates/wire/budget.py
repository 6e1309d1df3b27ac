"""What a run may spend, all workers together: billable calls, burst requests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from rollout_gates.wire.errors import OutOfBudget
from rollout_gates.wire.shared import SharedState


class Append(Protocol):
    """Writes one event of the run."""

    def __call__(self, kind: str, /, **fields: Any) -> None: ...


class Budget:
    """*limits* are the numbers of the environment file's ``[limits]`` by key; *path* is a file in the run directory."""

    def __init__(self, path: Path, limits: Mapping[str, int], append: Append) -> None:
        self.limits = dict(limits)
        self._state = SharedState(path)
        self._append = append

    async def spend(self, what: str, system: str, *, amount: int = 1, key: str = "billable_calls") -> int:
        """Count *amount* against ``limits.<key>`` before the call is made; return the new total.

        Raises `OutOfBudget`, having counted nothing, when it would pass the limit.
        """
        limit = self.limits[key]
        with self._state.changed() as document:
            total = int(document.get(key, 0)) + amount
            if total > limit:
                raise OutOfBudget(
                    f"{what} of {system} needs {amount} of limits.{key}, "
                    f"and {limit - total + amount} of {limit} are left; raise limits.{key} in the environment file"
                )
            document[key] = total
        self._append("spend", system=system, what=what, amount=amount, total=total, key=key)
        return total

    async def allow(self, what: str, system: str, *, amount: int, key: str = "burst_requests") -> None:
        """Write down that *amount* calls are about to be sent at once. `limits.<key>` bounds each burst, not their sum.

        Raises `OutOfBudget`, having written nothing, when *amount* passes the limit.
        """
        limit = self.limits[key]
        if amount > limit:
            raise OutOfBudget(
                f"{what} of {system} needs {amount} of limits.{key}, and one burst may send {limit}; "
                f"raise limits.{key} in the environment file"
            )
        with self._state.changed() as document:
            total = document[key] = int(document.get(key, 0)) + amount
        self._append("spend", system=system, what=what, amount=amount, total=total, key=key)

    def spent(self, key: str = "billable_calls") -> int:
        """What all workers have spent so far."""
        return int(self._state.read().get(key, 0))

    def left(self, key: str = "billable_calls") -> int:
        """What may still be spent."""
        return max(0, self.limits[key] - self.spent(key))
