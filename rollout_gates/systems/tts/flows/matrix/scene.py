"""Where a scenario plays: in the sandbox on an instance of its own, elsewhere on the deployment that is judged."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.names import KEY, TIER_1
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session

SMOKE = ("clone", "design", "speech", "cancel")
"""The flows of the smoke gate that cost money: what a run with a small budget is to spend it on first."""
CALLS = 10
"""Calls of tier 1 that one scenario makes at most, by and large."""
PROVIDERS = ("dashscope", "modal", "audio_host")
Asked = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Scene:
    """Where a scenario plays. *ground* is ``None`` on a deployment, where nobody can see what providers are asked."""

    context: Context
    ground: Playground | None = None

    @property
    def session(self) -> Session:
        """The session to act in."""
        session: Session = self.context.session
        return session

    @property
    def can_plant(self) -> bool:
        """Whether the service role may write rows and move credits here."""
        return self.session.settings.secret("service_role_key") is not None

    async def user(self, name: str) -> Identity:
        """Return the user called *name*.

        Raises `CouldNotJudge` (out of budget) where that is somebody whom all scenarios share, and whose rate limit
        has no room for one more of them: waiting for it would take five minutes each time.
        """
        user = await self.session.identities.get(name)
        if self.ground is None and not user.fresh:
            self._book(user)
        return user

    def _book(self, user: Identity) -> None:
        settings, pace = self.session.settings, self.context.pace
        room = settings.rates()[0][TIER_1] * settings.rate_windows
        taken = self.session.booked.get(user.owner, pace.used(user.name, TIER_1) if pace is not None else 0)
        if taken + CALLS > room:
            raise CouldNotJudge(
                Reason.OUT_OF_BUDGET,
                f"the rate limit of {user.name} has no room for this in {settings.rate_windows} windows; "
                "set sign_up = true, or raise rate_windows",
            )
        self.session.booked[user.owner] = taken + CALLS

    async def pay(self, what: str) -> None:
        """Count a call that costs provider money, before it is made. Raises `OutOfBudget`."""
        await self.context.budget.spend(what, KEY)

    async def asked(self, provider: str, call: str | None = None) -> Asked | None:
        """Return what *provider* was asked so far; ``None`` where that cannot be seen."""
        return None if self.ground is None else tuple(await self.ground.providers.requests(provider, call))

    async def calls(self) -> tuple[str, ...] | None:
        """Return the names of all calls to providers so far, ``provider:call``; ``None`` where nobody can see them."""
        if self.ground is None:
            return None
        listed = await self.ground.providers.requests()
        return tuple(f"{entry['provider']}:{entry['call']}" for entry in listed if entry["provider"] in PROVIDERS)

    async def logged(self) -> tuple[Mapping[str, Any], ...]:
        """Return the log lines of the API so far. Raises `NotConfigured` where nobody said how to read them."""
        if self.ground is None:
            return await log_lines(self.session.settings.logs)
        return tuple(await self.ground.log())


@contextlib.asynccontextmanager
async def scene(context: Context) -> AsyncIterator[Scene]:
    """Yield the scene of one scenario; on a deployment not before the smoke gate has had what it needs."""
    if context.sandbox_url is None:
        await context.after(*SMOKE)
        yield Scene(context)
        return
    async with playground(context) as ground:
        yield Scene(ground.context, ground)
