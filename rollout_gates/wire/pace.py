"""How often an actor may call: fixed windows, aligned to the epoch, counted for all workers together.

Counting here what the target counts there keeps the run from being refused. Nothing is polled: who finds a
window used up sleeps until it turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rollout_gates.wire.shared import SharedState

# The target's clock is not ours: a window is taken to turn a little later than our own clock says.
_AFTER_THE_TURN_S = 0.25


class Pace:
    """Limits per (actor, tier), for example ``{"tier1": 20}`` in *window_s* seconds. A tier without a limit is free.

    *path* is a file in the run directory; *note* is told, once a window, what is waited for.
    """

    def __init__(
        self,
        path: Path,
        limits: Mapping[str, int] | None = None,
        window_s: float = 300.0,
        *,
        note: Callable[[str], None] = lambda _text: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.configure(limits or {}, window_s)
        self._state = SharedState(path)
        self._note = note
        self._now = now
        self._told: set[tuple[str, str, int]] = set()

    def configure(self, limits: Mapping[str, int], window_s: float) -> None:
        """Set the limits anew; what was counted stays counted."""
        if window_s <= 0:
            raise ValueError("window_s must be more than 0")
        self.limits = dict(limits)
        self.window_s = window_s

    async def take(self, actor: str, tier: str, count: int = 1, *, keep: int = 0) -> float:
        """Take *count* calls, waiting for the next window when there is no room; return the seconds waited.

        *keep* calls of the window are left for others. Raises ``ValueError`` for more than a window holds.
        """
        limit = self.limits.get(tier)
        if limit is None:
            return 0.0
        if count > limit - keep:
            raise ValueError(f"{count} calls of {tier} never fit: {limit} in {self.window_s:g} s, {keep} kept")
        waited = 0.0
        while (wait_s := self._try(actor, tier, count, limit - keep)) > 0:
            self._tell(actor, tier, wait_s, f"{limit} in {self.window_s:g} s{f', {keep} kept' if keep else ''}")
            await asyncio.sleep(wait_s)
            waited += wait_s
        return waited

    def _tell(self, actor: str, tier: str, wait_s: float, limit: str) -> None:
        """Note once a window what is waited for, however many wait for it."""
        key = (actor, tier, self._window())
        if key not in self._told:
            self._told.add(key)
            self._note(f"waiting {wait_s:.0f} s: {tier} of {actor} is used up ({limit})")

    def used(self, actor: str, tier: str) -> int:
        """Calls counted in the present window."""
        cell = self._state.read().get(_key(actor, tier))
        return int(cell["used"]) if cell and cell["window"] == self._window() else 0

    def room(self, actor: str, tier: str) -> int | None:
        """Calls left in the present window; None where the tier has no limit."""
        limit = self.limits.get(tier)
        return None if limit is None else max(0, limit - self.used(actor, tier))

    def count(self, actor: str, tier: str, count: int = 1) -> None:
        """Count calls that were sent without asking (a burst does that on purpose)."""
        with self._state.changed() as document:
            self._cell(document, actor, tier)["used"] += count

    def refused(self, actor: str, tier: str, retry_after_s: float) -> None:
        """The target said that the window is used up: nobody takes from it before it turns."""
        with self._state.changed() as document:
            self._cell(document, actor, tier)["until"] = self._now() + retry_after_s

    def turns_in_s(self) -> float:
        """Seconds until the present window ends."""
        now = self._now()
        return self.window_s - now % self.window_s

    def _try(self, actor: str, tier: str, count: int, limit: int) -> float:
        """Take and return 0, or take nothing and return the seconds to wait."""
        with self._state.changed() as document:
            cell = self._cell(document, actor, tier)
            blocked_s = float(cell["until"]) - self._now()
            if blocked_s > 0:
                return blocked_s
            if cell["used"] + count <= limit:
                cell["used"] += count
                return 0.0
        return self.turns_in_s() + _AFTER_THE_TURN_S

    def _cell(self, document: dict[str, Any], actor: str, tier: str) -> dict[str, Any]:
        cell: dict[str, Any] = document.setdefault(_key(actor, tier), {"window": -1, "used": 0, "until": 0.0})
        if cell["window"] != self._window():
            cell.update(window=self._window(), used=0)
        return cell

    def _window(self) -> int:
        return int(self._now() // self.window_s)


def _key(actor: str, tier: str) -> str:
    return f"{actor} {tier}"
