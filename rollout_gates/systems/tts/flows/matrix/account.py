"""One user's money as all who tell of it tell it: the usage answer, the profile's row, the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.books import Books
from rollout_gates.systems.tts.flows.matrix.aftermath import rows
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Row = Mapping[str, Any]

WINDOW_DAYS = 365
_PAGE = 1000
_NEWEST = 20
_POLLER = Poller(first_s=0.05, factor=1.5, longest_s=1.0)
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Account:
    """The money of one user at one moment. *books* are the rows; *usage* looks back `WINDOW_DAYS`."""

    usage: Reply
    profile: Row
    books: Books

    @property
    def who(self) -> str:
        """What the user is called."""
        return self.books.who

    @property
    def balance(self) -> int:
        """Credits in the profile's row."""
        return self.books.balance

    @property
    def ledger(self) -> tuple[Row, ...]:
        """The ledger, whole, oldest first."""
        return self.books.ledger

    @property
    def trials(self) -> Mapping[str, Any]:
        """Trials in the profile's row, under the names of the usage answer."""
        names = {"design_remaining": "design_trials_remaining", "clone_remaining": "clone_trials_remaining"}
        return {ours: self.profile.get(theirs) for ours, theirs in names.items()}

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
    books = Books(user.name, user.user_id, user.fresh, int(profiles[0]["credits_remaining"]), ledger)
    return Account(second, profiles[0], books)


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
