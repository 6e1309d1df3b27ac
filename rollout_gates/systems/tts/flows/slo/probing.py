"""Probes of our own: short generates that are heard, cancelled or streamed, one after the other."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollout_gates.slo.samples import Sample
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.flows.streaming.hearing import GENERATION, TASK, id_in
from rollout_gates.systems.tts.names import KEY, STREAM
from rollout_gates.systems.tts.replies import detail, row_of, status_of
from rollout_gates.systems.tts.samples import tag
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge, End, Listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

SPEECH, CANCEL, STREAMED = "speech", "cancel", "stream"
_TURNS: Final = (SPEECH, CANCEL, SPEECH, SPEECH, CANCEL, SPEECH, CANCEL, SPEECH)
_TURNS_WITH_STREAMS: Final = (STREAMED, CANCEL, SPEECH, STREAMED, CANCEL, STREAMED, CANCEL, SPEECH)
CYCLE: Final = len(_TURNS)
_NOT_OURS: Final = frozenset({402, 409, 429})
"""Answers that say that our user is poor, busy or too quick: no valid submit was refused."""


class CannotProbe(Exception):
    """Our own user may not go on."""


@dataclass(frozen=True)
class Probe:
    """One probe of kind *what* at *at*, seconds since the epoch: the answer to its submit, and what came of it.

    *status* is the task's last; *took_s* runs from the request to the answer that showed it ended. *agreed* says of a
    cancel that both rows are cancelled, *too_late* that the task had ended before it. *audio_bytes* were heard.
    """

    what: str
    at: float
    reply: Reply
    task_id: str | None = None
    generation_id: str | None = None
    status: str | None = None
    took_s: float | None = None
    first_byte_s: float | None = None
    cancel: Reply | None = None
    agreed: bool | None = None
    too_late: bool = False
    audio_bytes: int | None = None

    @property
    def key(self) -> str:
        """What tells it from others."""
        return self.task_id or f"{self.at}"

    @property
    def accepted(self) -> bool:
        """Whether its submit was."""
        return self.reply.status == 200


@dataclass
class Prober:
    """One user who probes with one voice, and the probes so far."""

    context: Context
    user: Identity
    voice_id: str
    turns: Iterator[str]
    numbers: Iterator[int]

    async def probe(self) -> Probe | None:
        """Probe once. ``None`` where the user was busy or too quick. Raises `CannotProbe`, `OutOfBudget`."""
        what = next(self.turns)
        await self.context.budget.spend("generate", KEY)
        said = f"Watch {next(self.numbers)} {tag(self.context.run_id)}."
        async with self.user.busy:
            act = {SPEECH: self._speech, CANCEL: self._cancel, STREAMED: self._stream}[what]
            found = await act(said)
        if found.reply.status == 402:
            raise CannotProbe(f"{self.user.name} cannot pay for more probes: {detail(found.reply) or 402}")
        return None if found.reply.status in _NOT_OURS else found

    async def _speech(self, said: str) -> Probe:
        at = time.time()
        started = await submit(self.context, self.user, self.voice_id, said)
        known = (started.reply, started.task_id, started.generation_id)
        if started.reply.status != 200 or started.task_id is None:
            return Probe(SPEECH, at, *known)
        patience_s = self.context.settings.latency_budget_s
        seen = await watch(self.user.client, started.task_id, patience_s=patience_s)
        heard = await self._heard(started.generation_id) if seen.status == "completed" else None
        took_s = started.reply.elapsed_s + seen.waited_s
        return Probe(SPEECH, at, *known, status=seen.status, took_s=took_s, audio_bytes=heard)

    async def _heard(self, generation_id: str | None) -> int:
        """Return how many bytes the audio has, none where there is no audio."""
        if generation_id is None:
            return 0
        played = await self.user.client.heard(await self.user.client.generation_audio(generation_id))
        return played.size_bytes

    async def _cancel(self, said: str) -> Probe:
        at = time.time()
        started = await submit(self.context, self.user, self.voice_id, said)
        known = (started.reply, started.task_id, started.generation_id)
        if started.reply.status != 200 or started.task_id is None:
            return Probe(CANCEL, at, *known)
        client = self.user.client
        cancelled = await client.cancel_task(started.task_id)
        if cancelled.status in (400, 409):
            patience_s = self.context.settings.latency_budget_s
            seen = await watch(client, started.task_id, patience_s=patience_s)
            return Probe(CANCEL, at, *known, seen.status, cancel=cancelled, too_late=seen.status != "cancelled")
        task, listing = await asyncio.gather(client.task(started.task_id), client.generations(per_page=100))
        row = row_of(listing, "generations", started.generation_id)
        agreed = status_of(task) == "cancelled" and row is not None and row.get("status") == "cancelled"
        return Probe(CANCEL, at, *known, status_of(task), cancel=cancelled, agreed=agreed)

    async def _stream(self, said: str) -> Probe:
        at = time.time()
        things = self.context.session.things
        planned = things.planned("generation", said, self.user.owner, how="stream")
        wire, budget_s = self.context.wire, self.context.settings.latency_budget_s
        listening = Listening(idle_s=wire.timeout_s, total_s=max(budget_s, wire.timeout_s))
        body = {"voice_id": self.voice_id, "text": said, "language": "Auto"}
        reply = await self.user.client.raw("POST", STREAM, json=body, listening=listening)
        task_id, generation_id = id_in(reply, TASK), id_in(reply, GENERATION)
        if reply.status != 200:
            if 400 <= reply.status < 500:
                things.gone(planned, f"was refused with {reply.status}")
            return Probe(STREAMED, at, reply)
        if generation_id is not None:
            things.made(planned, generation_id)
        if task_id is not None:
            things.made(things.planned("task", task_id, self.user.owner, how="stream"))
        came = reply.arrivals
        whole = came is not None and came.end is End.COMPLETE
        return Probe(
            STREAMED, at, reply, task_id, generation_id, "completed" if whole else "failed",
            reply.elapsed_s, came.first_s if came is not None else None, audio_bytes=len(reply.body),
        )  # fmt: skip


def turns(*, streams: bool) -> Iterator[str]:
    """Return what is probed, turn by turn: cancels among the rest, and streams where there are any."""
    return itertools.cycle(_TURNS_WITH_STREAMS if streams else _TURNS)


def submits(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each probe's submit: all of them are valid by their making."""
    return [Sample(probe.at, probe.accepted, key=probe.key) for probe in probes]


def completions(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each accepted probe that was to be heard: whether it completed, and how long that took."""
    heard = [probe for probe in probes if probe.what == SPEECH and probe.accepted and probe.status != "cancelled"]
    return [
        Sample(probe.at, done := probe.status == "completed", probe.took_s if done else None, probe.key)
        for probe in heard
    ]


def cancels(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each cancel of a task at work: whether it was answered 200, and both rows say so."""
    tried = [probe for probe in probes if probe.cancel is not None and not probe.too_late]
    return [
        Sample(probe.at, probe.cancel is not None and probe.cancel.status == 200 and bool(probe.agreed), key=probe.key)
        for probe in tried
    ]


def first_bytes(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each stream: how long its first byte took."""
    return [
        Sample(probe.at, probe.first_byte_s is not None, probe.first_byte_s, probe.key)
        for probe in probes
        if probe.what == STREAMED and probe.accepted
    ]


def streams(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each stream that was accepted: whether it came to its end."""
    return [
        Sample(probe.at, probe.status == "completed", key=probe.key)
        for probe in probes
        if probe.what == STREAMED and probe.accepted
    ]


def durable(probes: tuple[Probe, ...]) -> list[Sample]:
    """Each completed probe: whether its audio could be heard afterwards."""
    return [
        Sample(probe.at, bool(probe.audio_bytes), key=probe.key)
        for probe in probes
        if probe.what == SPEECH and probe.status == "completed"
    ]


async def refused_kindly(probing: Prober) -> Probe | str | None:
    """Probe once; where that may not go on, return why."""
    try:
        return await probing.probe()
    except (CannotProbe, CouldNotJudge) as problem:
        return str(problem)
