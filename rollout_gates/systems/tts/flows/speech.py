"""From a text to replayed audio: generate, wait, hear it twice, find it in the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.replies import Playback, row_of
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch, watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Speech:
    """One text spoken; what comes after a step that failed was not tried and is ``None``.

    *took_s* runs from sending the request to the first answer that showed the task ended.
    """

    voice_id: str
    started: Start
    watch: Watch | None = None
    took_s: float = 0.0
    listing: Reply | None = None
    first: Playback | None = None
    second: Playback | None = None

    @property
    def submit(self) -> Reply:
        """The answer to generate."""
        return self.started.reply

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The generation as it is listed."""
        return row_of(self.listing, "generations", self.started.generation_id)


@flow("speech")
async def speech(context: Context) -> Speech:
    """Have a short text spoken in a usable voice, as user A."""
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    user = await session.user_a()
    async with user.busy:
        started = await start(context, user, voice.voice_id, spoken(context.run_id, "Speech"))
        if started.task_id is None:
            return Speech(voice.voice_id, started)
        seen = await watch(user.client, started.task_id, patience_s=session.settings.latency_budget_s)
    took_s = started.reply.elapsed_s + seen.waited_s
    if seen.status != "completed" or started.generation_id is None:
        return Speech(voice.voice_id, started, seen, took_s)
    listing = await user.client.generations(per_page=100)
    first = await _heard(user.client, started.generation_id)
    second = await _heard(user.client, started.generation_id)
    return Speech(voice.voice_id, started, seen, took_s, listing, first, second)


async def _heard(client: Client, generation_id: str) -> Playback:
    return await client.heard(await client.generation_audio(generation_id))
