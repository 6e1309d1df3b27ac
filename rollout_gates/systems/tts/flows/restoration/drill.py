"""What is flipped in a rehearsal: an instance of the sandbox by its variables, a deployment by the team's command."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.bench import QUICK
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.systems.tts.switch import Switch
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

_POLLER = Poller(first_s=0.05, factor=1.5, longest_s=0.5)
# An instance of the sandbox has other variables at once.
_SHOWN_WITHIN_S = 3.0


@dataclass(frozen=True)
class Turned:
    """A flip to mode *to*: how long the command took, after how many seconds languages named the mode, if it ever did.

    *within_s* is what was agreed on for that.
    """

    to: str
    took_s: float
    shown_after_s: float | None
    within_s: float
    languages: Reply


class Drill:
    """Flips, and yields scenes in the mode that is meant to run."""

    def __init__(self, context: Context, ground: Playground | None) -> None:
        self.ground = ground
        self._context = context
        self._switch = None if ground is not None else Switch(context)
        self._at = self.home

    @property
    def home(self) -> str:
        """The mode that is put back at the end."""
        return self._switch.home if self._switch is not None else "qwen"

    def scene(self, mode: str) -> Scene:
        """Return the scene as it is while the deployment runs *mode*."""
        base = self.ground.context if self.ground is not None else self._context
        settings = base.settings.model_copy(update={"provider_mode": mode})
        session = replace(base.session, settings=settings, anon=replace(base.session.anon, settings=settings))
        return Scene(replace(base, settings=settings, session=session), self.ground)

    async def user(self, scene: Scene, name: str) -> Identity:
        """Return a user of the rehearsal's own, who can pay as far as that can be seen to."""
        user = await scene.user(name)
        if self.ground is not None:
            await self.ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
        return user

    async def to(self, mode: str, why: str) -> Turned:
        """Flip to *mode*, and wait until languages shows it. Raises `CouldNotJudge` for a command that failed."""
        if self.ground is not None:
            return await self._set(self.ground, mode)
        assert self._switch is not None
        self._at = "unknown, as long as the command runs"
        flip = await self._switch.to(mode, why)
        if flip.ran.status != 0:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, self._context.wire.recorder.redactor.redact(flip.problem))
        self._at = mode
        within_s = self._context.settings.control.shown_within_s
        languages = await self._context.session.anon.languages()
        return Turned(mode, flip.ran.took_s, flip.shown_after_s, within_s, languages)

    async def _set(self, ground: Playground, mode: str) -> Turned:
        began = time.monotonic()
        await ground.set_variables(TTS_PROVIDER_MODE=mode)
        took_s = time.monotonic() - began
        polled = await _POLLER.until(
            ground.session.anon.languages,
            lambda reply: value(json_object(reply), "provider") == mode,
            deadline_s=_SHOWN_WITHIN_S,
        )
        shown = round(polled.waited_s, 3) if polled.ended else None
        return Turned(mode, round(took_s, 3), shown, _SHOWN_WITHIN_S, polled.values[-1])

    async def go_home(self) -> None:
        """Put the declared mode back, whatever happened."""
        if self._switch is not None and self._at != self.home:
            await self._switch.to(self.home, "to put the declared mode back")


@contextlib.asynccontextmanager
async def drill(context: Context) -> AsyncIterator[Drill]:
    """Yield a drill; at its end the deployment runs its declared mode. Raises `NotConfigured` without a way to flip."""
    if context.sandbox_url is not None:
        async with playground(context, mode="qwen") as ground:
            for provider, habits in QUICK.items():
                await ground.providers.options(provider, **habits)
            # As the job service answers when it is busy: elsewhere, and not at once.
            await ground.providers.options("modal", design_redirect=303, design_interim=1)
            yield Drill(context, ground)
        return
    found = Drill(context, None)
    await context.after(*SMOKE)
    assert found._switch is not None  # noqa: SLF001 - our own
    await found._switch.refuse_strange_mode()  # noqa: SLF001 - as above
    try:
        yield found
    finally:
        await found.go_home()
