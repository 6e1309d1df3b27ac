"""A text as it is spoken: one stream, heard to its end, and what the history shows of it (section 2.16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import all_settled
from rollout_gates.systems.tts.flows.speaking import refuse_unready
from rollout_gates.systems.tts.names import KEY, STREAM
from rollout_gates.systems.tts.replies import is_uuid, row_of
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

GENERATION, TASK = "x-utter-generation-id", "x-utter-task-id"


@dataclass(frozen=True)
class Stream:
    """One stream. *listing* is the history after it; ``None`` when the answer named no generation."""

    said: str
    reply: Reply
    generation_id: str | None = None
    listing: Reply | None = None

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The generation as it is listed."""
        return row_of(self.listing, "generations", self.generation_id)


@flow("stream")
async def stream(context: Context) -> Stream:
    """Have a short text streamed in a usable voice, as user A, when nothing else of theirs is spoken."""
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await all_settled(context, "speech", "cancel")
    user = await session.user_a()
    async with user.busy:
        return await _heard(context, user, voice.voice_id, spoken(context.run_id, "Stream"))


async def _heard(context: Context, user: Identity, voice_id: str, said: str) -> Stream:
    """Ask for the stream and look for it in the history; what it makes is written down before.

    Raises `OutOfBudget`, or `CouldNotJudge` when the user cannot pay or is not free.
    """
    await context.budget.spend("generate", KEY)
    things = context.session.things
    planned = things.planned("generation", said, user.owner, how="stream")
    body = {"voice_id": voice_id, "text": said, "language": "Auto"}
    reply = await user.client.raw("POST", STREAM, json=body)
    refuse_unready(user, reply, said)
    if reply.status != 200:
        if 400 <= reply.status < 500:
            things.gone(planned, f"was refused with {reply.status}")
        return Stream(said, reply)
    generation_id, task_id = _id(reply, GENERATION), _id(reply, TASK)
    if generation_id is not None:
        things.made(planned, generation_id)
    if task_id is not None:
        things.made(things.planned("task", task_id, user.owner, how="stream"))
    return Stream(said, reply, generation_id, await user.client.generations(per_page=100))


def _id(reply: Reply, name: str) -> str | None:
    given = reply.header(name, "").strip()
    return given if is_uuid(given) else None
