"""How long it is worth to go on asking: a dead target is given up soon, a 429 is waited out while waiting helps.

Without this a run against a target that hangs takes the time-out once a call, one after the other, and a target that
refuses everything with 429 is waited for a window at each call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from rollout_gates.wire.errors import CouldNotJudge, TargetUnreachable, TimedOut, shown_url
from rollout_gates.wire.urls import Origin, origin

_IN_A_ROW: Final = 6
"""Calls in a row without a whole answer after which a target, or one route of it, is given up."""
_ROUTES: Final = 3
"""So many different routes have to be among them, before one dead route is taken for a dead target."""
_TRY_AGAIN_S: Final = 5.0


@dataclass
class _Silence:
    """Calls in a row that got no whole answer."""

    calls: int = 0
    routes: set[str] = field(default_factory=set)
    verdict: CouldNotJudge | None = None
    next_try: float = 0.0


class Patience:
    """Knows, for each target and each route of it, whether it still answers. One object a run and process.

    Once a target is given up, one call each 5 s goes out to see whether it came back.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._silences: dict[str, _Silence] = {}
        self._refusing: set[Hashable] = set()
        self._willing: set[Origin] = set()

    def ask(self, method: str, url: str) -> None:
        """Raise what is known of a target that was given up; else do nothing."""
        for key, _ in _places(method, url):
            silence = self._silences.get(key)
            if silence is None or silence.verdict is None:
                continue
            if self._now() < silence.next_try:
                raise type(silence.verdict)(silence.verdict.message)  # type: ignore[call-arg,arg-type]
            silence.next_try = self._now() + _TRY_AGAIN_S

    def silent(self, method: str, url: str, problem: CouldNotJudge) -> None:
        """Write down that no whole answer came."""
        if not isinstance(problem, TargetUnreachable | TimedOut):
            return
        for key, routes in _places(method, url):
            silence = self._silences.setdefault(key, _Silence())
            silence.calls += 1
            silence.routes.add(_route(method, url))
            if silence.verdict is None and silence.calls >= _IN_A_ROW and len(silence.routes) >= routes:
                silence.verdict = _given_up(problem, silence, str(key))
                silence.next_try = self._now() + _TRY_AGAIN_S

    def answered(self, method: str, url: str) -> None:
        """Write down that a whole answer came."""
        for key, _ in _places(method, url):
            self._silences.pop(key, None)

    # --- 429

    def is_worth_a_wait(self, url: str, bucket: str, tier: str | None) -> bool:
        """Tell whether to wait for a 429: not where that was done and ended in another 429."""
        place = origin(url)
        return (place, bucket, tier) not in self._refusing and (place in self._willing or place not in self._refusing)

    def refused_again(self, url: str, bucket: str, tier: str | None) -> None:
        """Write down that a 429 came after the wait that the one before had asked for."""
        self._refusing |= {origin(url), (origin(url), bucket, tier)}

    def let_in(self, url: str, bucket: str, tier: str | None) -> None:
        """Write down that an answer came that is no 429."""
        self._willing.add(origin(url))
        self._refusing.discard((origin(url), bucket, tier))


def _places(method: str, url: str) -> tuple[tuple[str, int], ...]:
    """Return what is watched, and how many routes of it must be silent: the target as a whole, and the route."""
    scheme, host, port = origin(url)
    return (f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}", _ROUTES), (_route(method, url), 1)


def _route(method: str, url: str) -> str:
    return f"{method} {shown_url(url)}"


def _given_up(problem: CouldNotJudge, silence: _Silence, place: str) -> CouldNotJudge:
    """Return what further calls are told; a *problem* with no route in it is told as it is, so that it reads alike."""
    if "://" not in problem.message:
        return problem
    told = f"{place}: no whole answer to {silence.calls} calls in a row, so no more are sent; {problem.message}"
    return type(problem)(told)  # type: ignore[call-arg,arg-type]
