"""What is left of one generate, from everywhere that its owner can look: rows, ledger, audio route, storage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.systems.tts.replies import Playback, text
from rollout_gates.wire import BadAnswer

if TYPE_CHECKING:
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

Row = Mapping[str, Any]
BUCKET = "generations"
_NEWEST = 1000


@dataclass(frozen=True)
class Ids:
    """A task and its generation, however they became known."""

    task_id: str | None
    generation_id: str | None


@dataclass(frozen=True)
class Stored:
    """One object in the bucket: its entry in the list, and what its owner gets when they fetch it."""

    key: str
    entry: Row
    fetched: Reply

    @property
    def readable(self) -> bool:
        """Whether the owner got bytes."""
        return self.fetched.status == 200 and bool(self.fetched.body)


@dataclass(frozen=True)
class Aftermath:
    """One generate looked at once. *route* is the audio route followed to its end, *objects* what lies in storage."""

    task: Row | None
    generation: Row | None
    ledger: tuple[Row, ...]
    route: Playback
    objects: tuple[Stored, ...]

    @property
    def status(self) -> str | None:
        """The status in the task's row."""
        return None if self.task is None else text(self.task, "status")

    @property
    def generation_status(self) -> str | None:
        """The status in the generation's row."""
        return None if self.generation is None else text(self.generation, "status")

    @property
    def debits(self) -> int:
        """How many ledger rows took credits for it."""
        return sum(row.get("event_kind") == "debit" for row in self.ledger)

    @property
    def refunds(self) -> int:
        """How many ledger rows gave credits back for it."""
        return sum(row.get("event_kind") == "refund" for row in self.ledger)

    @property
    def cost(self) -> int:
        """What it cost its user in the end, in credits."""
        return -sum(int(row.get("signed_amount") or 0) for row in self.ledger)

    @property
    def obtainable(self) -> bool:
        """Whether its owner can get at audio, by the route or straight from storage."""
        return self.route.size_bytes > 0 or any(found.readable for found in self.objects)

    @property
    def reply(self) -> Reply:
        """An answer to show for it."""
        return self.route.media or self.route.route


async def aftermath(user: Identity, started: Start | Ids) -> Aftermath:
    """Look at what became of *started*, as its owner."""
    client = user.client
    task_id, generation_id = started.task_id or "", started.generation_id or ""
    tasks, generations, ledger, route, objects = await asyncio.gather(
        rows(client, "tasks", id=f"eq.{task_id}"),
        rows(client, "generations", id=f"eq.{generation_id}"),
        ledger_of(client, generation_id, task_id),
        client.generation_audio(generation_id),
        objects_of(user, generation_id),
    )
    return Aftermath(
        tasks[0] if tasks else None,
        generations[0] if generations else None,
        ledger,
        await client.heard(route),
        objects,
    )


async def rows(client: Client, table: str, **query: str | int) -> tuple[Row, ...]:
    """Return the caller's own rows of *table*, all columns. Raises `BadAnswer` for an answer that is no list."""
    reply = await client.rows(table, {"select": "*", "limit": _NEWEST, **query})
    found = reply.json()
    if not isinstance(found, list):
        raise BadAnswer(f"the data API answered {reply.status} to a read of {table} (exchange {reply.exchange_id})")
    return tuple(found)


async def ledger_of(client: Client, *ids: str) -> tuple[Row, ...]:
    """Return the ledger rows that name one of *ids*, by reference or in their key, oldest first."""
    found = await rows(client, "credit_ledger", order="id.asc")
    return about(found, *ids)


def about(ledger: tuple[Row, ...], *ids: str) -> tuple[Row, ...]:
    """Return the rows of *ledger* that name one of *ids*."""
    known = [each for each in ids if each]
    return tuple(
        row
        for row in ledger
        if any(row.get("reference_id") == each or each in str(row.get("idempotency_key")) for each in known)
    )


async def objects_of(user: Identity, generation_id: str) -> tuple[Stored, ...]:
    """Return what lies in storage for a generation, whatever its format."""
    entries = [entry for entry in await listed(user) if generation_id and str(entry["name"]).startswith(generation_id)]
    keys = [f"{user.user_id}/{entry['name']}" for entry in entries]
    fetched = await asyncio.gather(*(user.client.stored(BUCKET, key) for key in keys))
    return tuple(Stored(*each) for each in zip(keys, entries, fetched, strict=True))


async def listed(user: Identity, bucket: str = BUCKET) -> tuple[Row, ...]:
    """Return the entries of the user's folder in *bucket*, as they see them."""
    reply = await user.client.stored_list(bucket, user.user_id)
    found = reply.json()
    if not isinstance(found, list):
        raise BadAnswer(f"storage answered {reply.status} to a listing (exchange {reply.exchange_id})")
    return tuple(entry for entry in found if isinstance(entry, dict) and entry.get("id"))
