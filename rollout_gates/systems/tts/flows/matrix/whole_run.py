"""The accounts of all users of a run, when everything else is over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.account import Account, account
from rollout_gates.systems.tts.flows.settling import all_settled
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.books import Books
    from rollout_gates.systems.tts.session import Session


@dataclass(frozen=True)
class WholeRun:
    """The accounts of everybody who acted, and the *books* of all users, those of playgrounds among them."""

    accounts: tuple[Account, ...]
    books: tuple[Books, ...]


@flow("whole_run", last=True)
async def whole_run(context: Context) -> WholeRun:
    """Read the accounts. Raises `CouldNotJudge` when nobody spent anything: then there is nothing to reconcile."""
    session: Session = context.session
    await all_settled(context, "speech", "cancel")
    users = await session.identities.made()
    accounts = await asyncio.gather(*(account(user) for user in users))
    if not any(found.ledger for found in accounts):
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "nobody spent or got any credits in this run")
    return WholeRun(tuple(accounts), (*(found.books for found in accounts), *session.closed_books))
