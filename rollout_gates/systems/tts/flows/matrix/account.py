"""One user's money as all who tell of it tell it: the usage answer, the profile's row, the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import rows
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Row = Mapping[str, Any]

GIVEN_AT_FIRST = 100
"""Credits of a new user."""
WINDOW_DAYS = 365
_PAGE = 1000
_NEWEST = 20
_POLLER = Poller(first_s=0.05, factor=1.5, longest_s=1.0)
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Account:
    """The money of one user at one moment. *ledger* is whole, oldest first; *usage* looks back `WINDOW_DAYS`."""

    who: str
    fresh: bool
    usage: Reply
    profile: Row
    ledger: tuple[Row, ...]

    @property
    def balance(self) -> int:
        """Credits in the profile's row."""
        return int(self.profile["credits_remaining"])

    @property
    def trials(self) -> Mapping[str, Any]:
        """Trials in the profile's row, under the names of the usage answer."""
        names = {"design_remaining": "design_trials_remaining", "clone_remaining": "clone_trials_remaining"}
        return {ours: self.profile.get(theirs) for ours, theirs in names.items()}

    @property
    def opening(self) -> int:
        """Credits before the first row of the ledger, by what that row says; the balance where there is none."""
        if not self.ledger:
            return self.balance
        first = self.ledger[0]
        return int(first["balance_after"]) - int(first["signed_amount"])

    @property
    def lowest(self) -> int:
        """The smallest balance that the account ever had, by any of its sources."""
        return min([self.balance, *(int(row["balance_after"]) for row in self.ledger)])

    @property
    def moved(self) -> int:
        """The sum of all signed amounts."""
        return sum(int(row["signed_amount"]) for row in self.ledger)

    @property
    def debited(self) -> int:
        """The sum of what was taken."""
        return -sum(min(0, int(row["signed_amount"])) for row in self.ledger)

    @property
    def credited(self) -> int:
        """The sum of what was given."""
        return sum(max(0, int(row["signed_amount"])) for row in self.ledger)

    @property
    def newest(self) -> tuple[Row, ...]:
        """The rows that the usage answer lists, newest first."""
        return tuple(reversed(self.ledger))[:_NEWEST]


async def account(user: Identity) -> Account:
    """Return the account of *user* when it has come to rest. Raises `CouldNotJudge` when it never does."""
    polled = await _POLLER.until(lambda: _read(user), lambda found: found is not None, deadline_s=_PATIENCE_S)
    if polled.last is None:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"the account of {user.name} never came to rest")
    return polled.last


async def _read(user: Identity) -> Account | None:
    """Return the account, or ``None`` when something moved while it was read."""
    first = await _usage(user.client)
    profiles, ledger = await asyncio.gather(rows(user.client, "profiles", id=f"eq.{user.user_id}"), _ledger(user))
    second = await _usage(user.client)
    if _told(first) != _told(second):
        return None
    if not profiles:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the data API shows no profile of {user.name}")
    return Account(user.name, user.fresh, second, profiles[0], ledger)


async def _usage(client: Client) -> Reply:
    return await client.credits_usage(window_days=WINDOW_DAYS)


def _told(usage: Reply) -> object:
    answer = json_object(usage)
    return value(answer, "balance"), value(answer, "trials"), value(answer, "events")


async def _ledger(user: Identity) -> tuple[Row, ...]:
    """Return all rows, page by page: the data API gives a thousand at a time."""
    found: list[Row] = []
    last = 0
    while page := await rows(user.client, "credit_ledger", order="id.asc", id=f"gt.{last}", limit=_PAGE):
        found += page
        last = int(page[-1]["id"])
        if len(page) < _PAGE:
            break
    return tuple(found)
