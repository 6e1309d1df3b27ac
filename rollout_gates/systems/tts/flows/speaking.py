"""Beginning to speak a text, and finding the ids that the answer gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import detail, json_object, rows, text
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
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

    Raises `OutOfBudget`, or `CouldNotJudge` when the user cannot pay or is not free.
    """
    await context.budget.spend("generate", KEY)
    started = await submit(context, user, voice_id, said)
    refuse_unready(user, started.reply, said)
    return started


def refuse_unready(user: Identity, reply: Reply, said: str) -> None:
    """Raise `CouldNotJudge` when *reply* says that the user cannot pay, or is not free: that is about our user."""
    refuse_poverty(reply, user.name, f"{len(said)} characters of speech")
    if reply.status == 409 and not user.fresh:
        told = detail(reply) or "status 409"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} is busy with something of before this run: {told}")


async def submit(context: Context, user: Identity, voice_id: str, said: str) -> Start:
    """Send *said* to be spoken; what that makes is written down before it is sent."""
    things = context.session.things
    planned = things.planned("generation", said, user.owner, how="generate")
    reply = await user.client.generate(voice_id=voice_id, text=said, language="Auto")
    if reply.status != 200:
        if 400 <= reply.status < 500:
            things.gone(planned, f"was refused with {reply.status}")
        return Start(said, reply)
    task_id, generation_id = await _ids(user.client, reply, said)
    if generation_id:
        things.made(planned, generation_id)
    if task_id:
        things.made(things.planned("task", task_id, user.owner, how="generate"))
    return Start(said, reply, task_id, generation_id)


async def _ids(client: Client, reply: Reply, said: str) -> tuple[str | None, str | None]:
    """Return the ids of task and generation; one that the answer lacks is looked for where else it stands.

    What the answer lacks is a finding of the clause about its form. The flow goes on, so that the others are judged.
    """
    answer = json_object(reply)
    task_id, generation_id = text(answer, "task_id"), text(answer, "generation_id")
    if generation_id is None:
        listing = await client.generations(per_page=100)
        found = (text(row, "id") for row in rows(listing, "generations") if row.get("text") == said)
        generation_id = next(found, None)
    return task_id or await newest_task(client, "generate"), generation_id


async def newest_task(client: Client, kind: str) -> str | None:
    """Return the id of the user's newest task of *kind*, from the data API."""
    query: dict[str, str | int] = {"select": "id", "type": f"eq.{kind}", "order": "created_at.desc", "limit": 1}
    try:
        listed = (await client.rows("tasks", query)).json()
    except BadAnswer:
        return None
    return text(listed[0], "id") if isinstance(listed, list) and listed and isinstance(listed[0], dict) else None
