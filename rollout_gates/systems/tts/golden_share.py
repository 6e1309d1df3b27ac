"""How golden cases of tier 1 are shared out, so that no user's rate window is used up by them.

A user has few calls of tier 1 in a window (20 by the contract). Fresh users are made as they are needed. Where nobody
can sign up, two users have to do: the flows, which alone decide every clause, take their first window, and cases are
sent in the windows after it, as many as ``rate_windows`` allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.names import TIER_1, tier_of

if TYPE_CHECKING:
    from rollout_gates.golden import Case
    from rollout_gates.systems.tts.settings import Settings

_USERS = 2
# Some room is left in each window for what a deployment counts and we do not see.
_SHARE = 0.9


def share(settings: Settings) -> int:
    """Return how many cases of tier 1 one user sends in one window."""
    return max(1, int(settings.rate_limits.tier1_user * _SHARE))


def is_tier_1(case: Case) -> bool:
    """Tell whether *case* is a call of its own by a user that counts in tier 1."""
    request = case.request
    return request is not None and case.actor != "anon" and tier_of(request.method, request.path) == TIER_1


def in_turn(cases: Iterable[Case]) -> list[str]:
    """Return the ids of the cases of tier 1: the first of each folder, then the second of each, and so on."""
    folders: dict[str, list[str]] = {}
    for case in sorted(cases, key=lambda case: case.id):
        if is_tier_1(case):
            folders.setdefault(case.folder, []).append(case.id)
    return [found for row in zip_longest(*folders.values()) for found in row if found is not None]


def left_out(settings: Settings, cases: Collection[Case]) -> frozenset[str]:
    """Return the ids of the cases that the users' windows have no room for; with sign-up there are none.

    A case whose twin has no room goes with it.
    """
    if settings.sign_up:
        return frozenset()
    room = (settings.rate_windows - 1) * _USERS * share(settings)
    dropped = set(in_turn(cases)[room:])
    dropped |= {case.id for case in cases if case.twin in dropped}
    return frozenset(dropped)
