"""What user A has at the end: every generation with its task, its money and its object; and cancels that come late."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import (
    BUCKET,
    Aftermath,
    Stored,
    about,
    aftermath,
    listed,
    rows,
)
from rollout_gates.systems.tts.flows.settling import all_settled, settled
from rollout_gates.systems.tts.replies import TERMINAL, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.cancel import Cancel
    from rollout_gates.systems.tts.flows.matrix.aftermath import Row
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

REPLAYS = 3


@dataclass(frozen=True)
class LateCancel:
    """A cancel of a task that had ended as *status*, and what it left of it, *before* and *after*."""

    status: str
    reply: Reply
    before: Aftermath
    after: Aftermath


@dataclass(frozen=True)
class Belongings:
    """Everything of user A after all else. *objects* are those that the rows point to, by key.

    *replays* are answers to reads of the finished speech, between which its object was looked at (*versions*).
    """

    late: tuple[LateCancel, ...]
    replays: tuple[Reply, ...]
    versions: tuple[Row, ...]
    generations: tuple[Row, ...]
    tasks: tuple[Row, ...]
    ledger: tuple[Row, ...]
    entries: tuple[Row, ...]
    listing: Reply
    objects: Mapping[str, Stored] = field(default_factory=dict)
    owner: str = ""

    def of_status(self, status: str) -> tuple[Row, ...]:
        """Return the generations with *status*."""
        return tuple(row for row in self.generations if row.get("status") == status)

    def tasks_of(self, generation: Row) -> tuple[Row, ...]:
        """Return the tasks of a generation."""
        return tuple(row for row in self.tasks if row.get("generation_id") == generation.get("id"))

    def ledger_of(self, generation: Row) -> tuple[Row, ...]:
        """Return the ledger rows of a generation."""
        return about(self.ledger, str(generation.get("id")))


@flow("belongings")
async def belongings(context: Context) -> Belongings:
    """Cancel what has ended, ask again for what was finished, and then read all that user A has."""
    session: Session = context.session
    await all_settled(context, "crowd", "cap_leftovers")
    speech: Speech | None = await settled(context, "speech")
    cancel: Cancel | None = await settled(context, "cancel")
    user = await session.user_a()
    async with user.busy:
        late = [await _late(user, seen.started) for seen in (speech, cancel) if seen is not None]
        replays, versions = await _replayed(user, speech)
        return await _all_of(user, tuple(found for found in late if found is not None), replays, versions)


async def _late(user: Identity, started: Start) -> LateCancel | None:
    before = await aftermath(user, started)
    if started.task_id is None or before.status not in TERMINAL:
        return None
    reply = await user.client.cancel_task(started.task_id)
    return LateCancel(before.status or "", reply, before, await aftermath(user, started))


async def _replayed(user: Identity, speech: Speech | None) -> tuple[tuple[Reply, ...], tuple[Row, ...]]:
    """Read the finished task again, several times at once; return the answers, and its object before and after."""
    if speech is None or speech.watch is None or speech.watch.status != "completed":
        return (), ()
    task_id, generation_id = speech.watch.task_id, speech.started.generation_id or ""
    before = await _entry(user, generation_id)
    replays = await asyncio.gather(*(user.client.task(task_id) for _ in range(REPLAYS)))
    return tuple(replays), (*before, *await _entry(user, generation_id))


async def _entry(user: Identity, generation_id: str) -> tuple[Row, ...]:
    return tuple(entry for entry in await listed(user) if str(entry["name"]).startswith(generation_id))


async def _all_of(
    user: Identity, late: tuple[LateCancel, ...], replays: tuple[Reply, ...], versions: tuple[Row, ...]
) -> Belongings:
    client = user.client
    generations, tasks, ledger, listing = await asyncio.gather(
        rows(client, "generations"), rows(client, "tasks"), rows(client, "credit_ledger"), client.generations()
    )
    entries = await listed(user)
    by_name = {f"{user.user_id}/{entry['name']}": entry for entry in entries}
    keys = [key for row in generations if (key := text(row, "audio_object_key"))]
    fetched = await asyncio.gather(*(client.stored(BUCKET, key) for key in keys))
    objects = {key: Stored(key, by_name.get(key, {}), reply) for key, reply in zip(keys, fetched, strict=True)}
    return Belongings(late, replays, versions, generations, tasks, ledger, entries, listing, objects, user.user_id)
