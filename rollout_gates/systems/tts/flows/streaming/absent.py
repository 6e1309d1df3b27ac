"""A stream asked for where nothing is streamed: in lane task, and in mode modal."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.purse import Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.streaming.hearing import Manner, hear
from rollout_gates.systems.tts.replies import ids, rows
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Trace:
    """What a user can see of what was done: their purse and generations, and the calls to providers where they show."""

    purse: Purse
    generations: tuple[str, ...]
    calls: tuple[str, ...] | None


@dataclass(frozen=True)
class Unstreamed:
    """The answer to a stream in a voice that can speak, and the traces *before* and *after* it.

    *can_speak* is the answer that shows the voice.
    """

    reply: Reply
    can_speak: Reply
    before: Trace
    after: Trace


@flow("stream_absent")
async def stream_absent(context: Context) -> Unstreamed:
    """Ask for a stream as a client would that does not know better."""
    async with _place(context) as (stage, user, voice_id), user.busy:
        can_speak = await user.client.voices(per_page=100)
        before = await _trace(stage, user)
        # A deployment that streams against expectation is paid for it.
        await stage.pay("generate")
        said = spoken(context.run_id, "Unstreamed")
        hearing = await hear(stage.context, user, voice_id, said, Manner("where nothing is streamed"))
        return Unstreamed(hearing.reply, can_speak, before, await _trace(stage, user))


@contextlib.asynccontextmanager
async def _place(context: Context) -> AsyncIterator[tuple[Scene, Identity, str]]:
    async with scene(context) as stage:
        if stage.ground is None:
            yield stage, await stage.session.user_a(), (await context.observe("voice")).voice_id
            return
        user = await stage.user("user_a")
        yield stage, user, await own_voice(stage, user)


async def _trace(stage: Scene, user: Identity) -> Trace:
    listing = await user.client.generations(per_page=100)
    found: Any = await stage.calls()
    return Trace(await purse(user.client), ids(rows(listing, "generations")), found)
