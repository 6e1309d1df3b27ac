"""Asking for a stream and listening to it; what it makes is written down before, what was heard is kept after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.streams import Doubt, Expected, Judgement, Kind, judge
from rollout_gates.streams.pulse import Pulse
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.replies import is_uuid
from rollout_gates.systems.tts.samples import utf16_units
from rollout_gates.wire import Listening

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.sound import Sound
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Arrivals, Reply

# More than this is no speech of any text that may be asked for.
_MOST_JUDGED = 8 * 2**20
NOTHING_WRONG = Judgement()
PROVIDER, GENERATION, TASK = "x-utter-provider", "x-utter-generation-id", "x-utter-task-id"


@dataclass(frozen=True)
class Hearing:
    """One stream. *reply* is its answer, with the times of its parts; *sound* is what it decodes to, if it does.

    *judgement* says what is wrong with it as a stream of sound. The ids are those of the headers; ``None`` where there
    is none.
    """

    said: str
    reply: Reply
    sound: Sound | None = None
    judgement: Judgement = NOTHING_WRONG
    generation_id: str | None = None
    task_id: str | None = None

    @property
    def arrivals(self) -> Arrivals:
        """When its parts came."""
        assert self.reply.arrivals is not None, "a stream is always listened to"
        return self.reply.arrivals


@dataclass(frozen=True)
class Manner:
    """How to listen: under which *label* it is kept, when to leave, what to do when the first part is there."""

    label: str
    leave_after: int | None = None
    on_first: Callable[[], None] | None = None
    headers: Mapping[str, str] | None = None


async def hear(context: Context, user: Identity, voice_id: str, said: str, manner: Manner) -> Hearing:
    """Have *said* streamed to *user*.

    It takes at most the time limit of a call between two parts, and the latency budget in all.
    """
    things = context.session.things
    planned = things.planned("generation", said, user.owner, how="stream")
    listening = Listening(
        idle_s=context.wire.timeout_s,
        total_s=max(context.settings.latency_budget_s, context.wire.timeout_s),
        leave_after=manner.leave_after,
        on_first=manner.on_first,
    )
    body = {"voice_id": voice_id, "text": said, "language": "Auto"}
    async with Pulse() as pulse:
        started = time.perf_counter()
        reply = await user.client.raw("POST", STREAM, json=body, headers=manner.headers, listening=listening)
        starved_s = pulse.longest_s(started, time.perf_counter())
    if reply.status != 200:
        if 400 <= reply.status < 500:
            things.gone(planned, f"was refused with {reply.status}")
        return Hearing(said, reply)
    generation_id, task_id = id_in(reply, GENERATION), id_in(reply, TASK)
    if generation_id is not None:
        things.made(planned, generation_id)
    if task_id is not None:
        things.made(things.planned("task", task_id, user.owner, how="stream"))
    sound = await context.heard(reply, manner.label, utf16_units(said))
    judgement = await asyncio.to_thread(judged, reply, said, starved_s)
    return Hearing(said, reply, sound, judgement, generation_id, task_id)


def judged(reply: Reply, said: str, starved_s: float = 0.0) -> Judgement:
    """Return what is wrong with *reply* as a stream that speaks *said*."""
    if reply.arrivals is None or len(reply.body) > _MOST_JUDGED:
        return Judgement(undecided=(Doubt(frozenset(Kind), f"{len(reply.body)} bytes are too many to be judged"),))
    expected = Expected(media_type=reply.content_type, text_units=utf16_units(said), starved_s=starved_s)
    return judge(reply.arrivals, reply.body, expected)


def id_in(reply: Reply, name: str) -> str | None:
    """Return the UUID under header *name*, or ``None``."""
    given = reply.header(name, "").strip()
    return given if is_uuid(given) else None
