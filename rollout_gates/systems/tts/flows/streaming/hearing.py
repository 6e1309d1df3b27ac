"""Asking for a stream and listening to it; what it makes is written down before, what was heard is kept after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.replies import is_uuid
from rollout_gates.systems.tts.samples import utf16_units
from rollout_gates.wire import Listening

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.sound import Sound
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Arrivals, Reply

PROVIDER, GENERATION, TASK = "x-utter-provider", "x-utter-generation-id", "x-utter-task-id"


@dataclass(frozen=True)
class Hearing:
    """One stream. *reply* is its answer, with the times of its parts; *sound* is what it decodes to, if it does.

    The ids are those of the headers; ``None`` where there is none.
    """

    said: str
    reply: Reply
    sound: Sound | None = None
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
    reply = await user.client.raw(
        "POST",
        STREAM,
        json={"voice_id": voice_id, "text": said, "language": "Auto"},
        headers=manner.headers,
        listening=Listening(
            idle_s=context.wire.timeout_s,
            total_s=max(context.settings.latency_budget_s, context.wire.timeout_s),
            leave_after=manner.leave_after,
            on_first=manner.on_first,
        ),
    )
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
    return Hearing(said, reply, sound, generation_id, task_id)


def id_in(reply: Reply, name: str) -> str | None:
    """Return the UUID under header *name*, or ``None``."""
    given = reply.header(name, "").strip()
    return given if is_uuid(given) else None
