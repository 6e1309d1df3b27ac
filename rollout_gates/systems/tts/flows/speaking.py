"""Beginning to speak a text, and finding the ids that the answer gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import json_object, text

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Start:
    """An answer to generate, and the ids in it; both are ``None`` when it was refused."""

    said: str
    reply: Reply
    task_id: str | None = None
    generation_id: str | None = None


async def start(context: Context, user: Identity, voice_id: str, said: str) -> Start:
    """Have *said* spoken. The call is counted before it is sent.

    Raises `OutOfBudget`, or `CouldNotJudge` when the user cannot pay.
    """
    await context.budget.spend("generate", KEY)
    started = await submit(context, user, voice_id, said)
    refuse_poverty(started.reply, user.name, f"{len(said)} characters of speech")
    return started


async def submit(context: Context, user: Identity, voice_id: str, said: str) -> Start:
    """Send *said* to be spoken; what that makes is written down before it is sent."""
    things = context.session.things
    planned = things.planned("generation", said, user.owner, how="generate")
    reply = await user.client.generate(voice_id=voice_id, text=said, language="Auto")
    if reply.status != 200:
        if 400 <= reply.status < 500:
            things.gone(planned, f"was refused with {reply.status}")
        return Start(said, reply)
    answer = json_object(reply)
    task_id, generation_id = text(answer, "task_id"), text(answer, "generation_id")
    if generation_id:
        things.made(planned, generation_id)
    if task_id:
        things.made(things.planned("task", task_id, user.owner, how="generate"))
    return Start(said, reply, task_id, generation_id)
