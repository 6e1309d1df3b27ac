"""The deployment's own switch between the providers: a command of the team's, its effect waited for and written down.

The mode that the environment file declares is *home*. Whatever happens in between, it is put back at the end: by
whoever flipped, and where that process died, by the one that owns the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.changes import Changes
from rollout_gates.commands import Ran, run_command
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.client import Client
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.wire import CouldNotJudge, NotConfigured
from rollout_gates.wire.errors import one_line

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.settings import Control, Settings

MODE = "provider mode"
# A redeploy is seen by one instance after the other, so one answer may still be followed by an old one.
_AGREEING = 3
_FIRST_S, _FACTOR, _LONGEST_S = 0.25, 1.5, 5.0
_SHOWN_CHARACTERS = 1500
_OURS = re.compile(r"ROLLOUT_GATES_|PYTEST_")
_SECRET_NAME = re.compile(r"(TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASS|DSN|CREDENTIALS?|PAT)$", re.IGNORECASE)
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Flip:
    """How a flip to mode *to* went.

    *shown_after_s* counts from the end of the command to the first of several agreeing answers of languages; ``None``
    if they never came. *said* is the provider that languages named last. *problem* is empty if the flip took effect.
    """

    to: str
    ran: Ran
    shown_after_s: float | None
    said: str
    problem: str


class Switch:
    """Flips the deployment of *context*. Raises `NotConfigured` where the environment file does not say how."""

    def __init__(self, context: Context) -> None:
        settings: Settings = context.settings
        if settings.control is None:
            raise NotConfigured(
                "the mode cannot be flipped: configure control.flip, a command that redeploys with {mode}"
            )
        self.home: str = context.environment.systems[KEY].provider_mode
        self._context = context
        self._control: Control = settings.control
        self._client = Client(context.wire, settings)
        self._changes = Changes(context.record, system=KEY, cell=context.cell, worker=context.wire.recorder.worker)

    async def to(self, mode: str, why: str) -> Flip:
        """Flip to *mode*, and wait until languages shows it. What came of it is written down, and returned."""
        command = self._line(mode)
        try:
            self._changes.planned(MODE, mode, self.home, self._line(self.home), command=command, why=why)
        except CouldNotJudge:
            if mode != self.home:
                raise  # what cannot be written down is not begun; putting back must go on all the same
        self._context.note(f"flipping to {mode} ({why}): {command}")
        ran = await run_command(
            self._words(mode),
            within_s=self._control.flip_timeout_s,
            variables=self._variables(),
            started=lambda pid: self._changes.running(MODE, pid),
        )
        shown_after_s, said = await self._shown(mode, 0.0 if ran.status else self._control.shown_within_s)
        flip = Flip(mode, ran, shown_after_s, said, _problem(mode, ran, shown_after_s, said, self._control))
        self._write(flip)
        return flip

    async def refuse_strange_mode(self) -> None:
        """Raise `CouldNotJudge` unless languages names the declared mode: another one could not be put back."""
        said = await self._said()
        if said != self.home:
            raise CouldNotJudge(
                Reason.SOURCE_ABSENT,
                f"languages names {said!r}, the environment file declares {self.home!r}; the mode was not flipped, "
                "since only the declared one would be put back",
            )

    def _words(self, mode: str) -> list[str]:
        return [word.replace("{mode}", mode) for word in self._control.flip]

    def _line(self, mode: str) -> str:
        return shlex.join(self._words(mode))

    def _variables(self) -> dict[str, str]:
        """Return the variables for the command. What is secret among them may come back in its output."""
        register = self._context.wire.recorder.redactor.register
        for name, held in os.environ.items():
            if _SECRET_NAME.search(name) and len(held) >= _SHORTEST_SECRET:
                register(held, name.lower())
        return {name: held for name, held in os.environ.items() if not _OURS.match(name)}

    def _write(self, flip: Flip) -> None:
        redact = self._context.wire.recorder.redactor.redact
        ran = flip.ran
        self._changes.made(
            MODE,
            to=flip.to,
            home=self.home,
            status=ran.status,
            output=redact(ran.output)[-_SHOWN_CHARACTERS:].strip(),
            took_s=ran.took_s,
            shown_after_s=flip.shown_after_s,
            problem=redact(flip.problem),
        )
        shown = f"languages says {flip.to} after {flip.shown_after_s:g} s" if flip.shown_after_s is not None else ""
        self._context.note(f"flip to {flip.to}: {flip.problem or f'took {ran.took_s:g} s, {shown}'}")

    async def _shown(self, mode: str, within_s: float) -> tuple[float | None, str]:
        """Return after how many seconds languages named *mode* for good, or ``None``, and what it named last."""
        began, pause_s, agreeing, since_s = time.monotonic(), _FIRST_S, 0, 0.0
        while True:
            at_s = time.monotonic() - began
            said = await self._said()
            agreeing = agreeing + 1 if said == mode else 0
            since_s = at_s if agreeing == 1 else since_s
            if agreeing == _AGREEING:
                return round(since_s, 3), said
            if not agreeing and time.monotonic() - began >= within_s:
                return None, said
            await asyncio.sleep(_FIRST_S if agreeing else max(0.0, min(pause_s, within_s - at_s)))
            pause_s = min(pause_s * _FACTOR, _LONGEST_S)

    async def _said(self) -> str:
        """Return the provider that languages names, or in brackets what came instead."""
        try:
            reply = await self._client.languages()
        except CouldNotJudge as problem:  # out of reach in the middle of a redeploy, for example
            return f"({problem})"
        said = value(json_object(reply), "provider")
        return said if isinstance(said, str) else f"(status {reply.status})"


def _problem(mode: str, ran: Ran, shown_after_s: float | None, said: str, control: Control) -> str:
    """Return in one line what keeps the flip from having taken effect; empty if it did."""
    names = f"languages names {said}"
    if ran.problem:
        return f"control.flip to {mode} {ran.problem}; {names}"
    if ran.status != 0:
        told = one_line(ran.output[-200:]) or "it wrote nothing"
        return f"control.flip to {mode} ended with status {ran.status} ({told}); {names}"
    if shown_after_s is None:
        return f"control.flip to {mode} ended with status 0, but after {control.shown_within_s:g} s {names}"
    return ""


@contextlib.asynccontextmanager
async def entered(context: Context) -> AsyncIterator[None]:
    """Have the deployment run the mode of *context*'s cell meanwhile, and the declared one afterwards, come what may.

    Raises `CouldNotJudge` where the mode cannot be had. That the declared one could not be put back is told by what was
    written down: no such run is ever GO.
    """
    switch, mode = Switch(context), context.settings.provider_mode
    if mode == switch.home:
        yield
        return
    await switch.refuse_strange_mode()
    try:
        flip = await switch.to(mode, f"to judge {context.cell}")
        if flip.problem:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, context.wire.recorder.redactor.redact(flip.problem))
        yield
    finally:
        await switch.to(switch.home, "to put the declared mode back")


async def restore(context: Context) -> str:
    """Put the declared mode back; return why that failed, empty if it did not."""
    switch = Switch(context)
    return (await switch.to(switch.home, "to put the declared mode back, after whoever flipped it was lost")).problem
