"""What all flows of a run share: identities, clients, and the list of what has to be removed again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.accounts import Accounts
from rollout_gates.systems.tts.client import Client
from rollout_gates.systems.tts.identities import USER_A, USER_B, Identities, Identity
from rollout_gates.systems.tts.remove import remove_all
from rollout_gates.systems.tts.things import Things

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.environment import Kind
    from rollout_gates.systems.tts.books import Books
    from rollout_gates.systems.tts.settings import Settings

_AT_A_TIME = 8


@dataclass(frozen=True)
class Session:
    """Shared by all flows of one run. *anon* calls without any token."""

    settings: Settings
    kind: Kind
    anon: Client
    accounts: Accounts
    identities: Identities
    things: Things
    # Golden cases are many and short. A few at a time leave the long flows, which decide the wall time, their turn.
    crowd: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_A_TIME))
    # Of playgrounds that are over, for who adds up the whole run.
    closed_books: list[Books] = field(default_factory=list)
    # Calls of tier 1 that scenarios may still make, by the user whom they share.
    booked: dict[str, int] = field(default_factory=dict)

    async def user_a(self) -> Identity:
        """The user who makes things."""
        return await self.identities.get(USER_A)

    async def user_b(self) -> Identity:
        """The user who tries to get at them."""
        return await self.identities.get(USER_B)


@contextlib.asynccontextmanager
async def open_session(context: Context) -> AsyncIterator[Session]:
    """Yield the session of a run; at the end remove what the run made."""
    session = session_of(context)
    try:
        yield session
    finally:
        await remove_all(session)


def session_of(context: Context) -> Session:
    """Return a session in *context*; whoever asks for it sees to what is made in it."""
    settings: Settings = context.settings
    anon = Client(context.wire, settings)
    accounts = Accounts(context.wire, settings)
    things = Things(context.journal)
    identities = Identities(
        anon, accounts, things, context.run_id, register=context.wire.recorder.redactor.register, note=context.note
    )
    return Session(settings, context.environment.kind, anon, accounts, identities, things)
