"""Two users with something to lose: a row in each table, planted by the service role where the run may do that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollout_gates.systems.tts.doors import Doors, doors_of, listed, service_of
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.flows.security.data.tables import READABLE, TABLES, Table
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.identities import USER_A
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Resource

Row = Mapping[str, Any]
OWNER, OTHER = "data_owner", "user_b"
"""Who has what to lose where it can be planted; elsewhere user A has, for whom the run made something."""


@dataclass(frozen=True)
class Party:
    """One user, their doors, and a row of theirs in each table where they have any; *spare* ones nobody needs."""

    user: Identity
    doors: Doors
    rows: Mapping[str, Row] = field(default_factory=dict)
    spare: Mapping[str, Row] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The user's id."""
        return self.user.user_id


@dataclass(frozen=True)
class Parties:
    """Who acts: anybody, and two users. *victims* are those who have rows to lose."""

    anybody: Doors
    owner: Party
    other: Party
    service: Doors | None

    @property
    def victims(self) -> tuple[tuple[Party, Party], ...]:
        """Return who has rows, each with who reaches for them: both ways where rows can be planted."""
        one_way = ((self.owner, self.other),)
        return (*one_way, (self.other, self.owner)) if self.service is not None else one_way


async def gathered(stage: Scene) -> Parties:
    """Return the two users with their rows. Raises `NotConfigured` where there are no two."""
    session = stage.session
    service = service_of(session)
    owner = USER_A if service is None else OWNER
    first, second = await asyncio.gather(session.identities.get(owner), session.identities.get(OTHER))
    if first.client.caller == second.client.caller or first.user_id == second.user_id:
        raise NotConfigured("who gets at whose rows takes two users: configure user_b or set sign_up = true")
    if service is None and session.kind != "prod" and stage.ground is None:
        await settled(stage.context, "speech")
    parties = [Party(user, doors_of(session, user.name, user.client.caller.token)) for user in (first, second)]
    if service is not None:
        parties = list(await asyncio.gather(*(_planted(stage, party, service) for party in parties)))
    else:
        parties = list(await asyncio.gather(*(_found(party) for party in parties)))
    return Parties(doors_of(session, "anon"), parties[0], parties[1], service)


async def _found(party: Party) -> Party:
    """Return *party* with the newest row that they see of their own in each table."""
    tables = [table for table in TABLES if table.name in READABLE]
    found = await asyncio.gather(*(newest(party.doors, table, party.id) for table in tables))
    return Party(
        party.user, party.doors, {table.name: row for table, row in zip(tables, found, strict=True) if row is not None}
    )


async def newest(doors: Doors, table: Table, owner_id: str) -> Row | None:
    """Return the newest row of *owner_id* as *doors* see it."""
    mine = {str(table.owner): f"eq.{owner_id}"}
    reply = await doors.table("GET", table.name, select="*", order="created_at.desc", limit=1, **mine)
    rows = listed(reply)
    return rows[0] if rows else None


async def _planted(stage: Scene, party: Party, service: Doors) -> Party:
    """Return *party* with rows that the service role wrote; what it may not write, they do not have."""
    await Treasury(stage).grant(party.user, 1)
    written = [table for table in TABLES if table.name not in ("profiles", "credit_ledger")]
    spare = [table for table in TABLES if table.deletable]
    rows = await asyncio.gather(*(_plant(stage, party, table, service) for table in (*written, *spare)))
    there = await asyncio.gather(
        *(newest(service, table, party.id) for table in TABLES if table.name in ("profiles", "credit_ledger"))
    )
    mine = dict(zip((table.name for table in written), rows, strict=False))
    mine |= dict(zip(("profiles", "credit_ledger"), there, strict=True))
    extra = dict(zip((table.name for table in spare), rows[len(written) :], strict=True))
    return Party(party.user, party.doors, _present(mine), _present(extra))


def _present(rows: Mapping[str, Row | None]) -> dict[str, Row]:
    return {name: row for name, row in rows.items() if row is not None}


async def _plant(stage: Scene, party: Party, table: Table, service: Doors) -> Row | None:
    return await plant_row(stage, party.user, service, table, table.row(party.id, tag(stage.context.run_id)))


async def plant_row(stage: Scene, user: Identity, service: Doors, table: Table, row: Row) -> Row | None:
    """Write *row* as the service, written down before and removed later; return it, ``None`` where it is refused."""
    planned = stage.session.things.planned("row", _found_by(table, row), user.owner, how="seeded")
    reply = await service.table("POST", table.name, body=row, prefer="return=representation")
    written = listed(reply)
    if not written:
        stage.session.things.gone(planned, f"was refused with {reply.status}")
        return None
    stage.session.things.made(planned)
    return written[0]


async def plant_object(stage: Scene, user: Identity, service: Doors, path: str, audio: bytes) -> bool:
    """Store *audio* under *path* (``bucket/key``) as the service; tell whether it was taken."""
    planned = stage.session.things.planned("object", path, user.owner, how="seeded")
    reply = await service.put("POST", path, audio)
    if 200 <= reply.status < 300:
        stage.session.things.made(planned)
        return True
    stage.session.things.gone(planned, f"was refused with {reply.status}")
    return False


def _found_by(table: Table, row: Row) -> str:
    """Return what a planted *row* is found by: table, column and value, as a filter of the data API."""
    unique = ("idempotency_key", "provider_event_id", "actor_key", "id")
    column = next(name for name in unique if name in row)
    return f"{table.name}?{column}=eq.{row[column]}"


def broke_in(stage: Scene, table: Table, row: Row, owner: str) -> Resource:
    """Write down a row that should have been refused, so that it is removed.

    It is written down after it was made, unlike anything else: what is refused, as it should be, never came to be.
    """
    planned = stage.session.things.planned("row", _found_by(table, row), owner, how="was not refused")
    return stage.session.things.made(planned)
