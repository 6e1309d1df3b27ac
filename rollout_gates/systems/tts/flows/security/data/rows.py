"""Anybody and two users at every table of the data API: who reads, inserts, changes and deletes whose rows."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts.doors import code_of, listed
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.security.data.exposure import of_rows, overview_of_rows
from rollout_gates.systems.tts.flows.security.data.parties import broke_in, gathered
from rollout_gates.systems.tts.flows.security.data.tables import BY_NAME, READABLE, TABLES, Rule, Table, Verb, Whose
from rollout_gates.systems.tts.samples import tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.doors import Doors
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.security.data.parties import Parties, Party
    from rollout_gates.wire import Reply

Row = Mapping[str, Any]
Rows = Mapping[tuple[str, str], Row | None]
"""Rows by the name of their owner and their table."""
_AT_A_TIME = 8
_MOST_ROWS = 5
DENIED, OF_A_CONSTRAINT = "42501", "23"
"""SQLSTATEs: no right; and the class of rows that got as far as the table and broke one of its constraints."""


@dataclass(frozen=True)
class Attempt:
    """One try at a row of *victim*, and what came back. *there*: a row was there. *changed*: it is not what it was.

    *strangers* counts the rows that were read and are not the reader's.
    """

    who: str
    victim: str
    whose: Whose
    table: str
    verb: Verb
    rule: Rule
    reply: Reply
    there: bool = False
    changed: bool = False
    strangers: int = 0


@dataclass(frozen=True)
class DataApi:
    """All tries at tables. *only_reads*: nothing was written, since nothing may be here."""

    attempts: tuple[Attempt, ...]
    only_reads: bool = False

    def of(self, *whose: Whose) -> tuple[Attempt, ...]:
        """Return the tries at rows of these."""
        return tuple(attempt for attempt in self.attempts if attempt.whose in whose)


@flow("data_api")
async def data_api(context: Context) -> DataApi:
    """Read first, then write; in prod read only. Raises `NotConfigured`, or `CouldNotJudge` kinds."""
    async with scene(context) as stage:
        parties = await gathered(stage)
        acting = Acting(stage, parties, asyncio.Semaphore(_AT_A_TIME))
        attempts = await acting.reads()
        prod = stage.session.kind == "prod"
        if not prod:
            attempts += await acting.writes()
    seen = DataApi(tuple(attempts), only_reads=prod)
    context.show(overview_of_rows(seen.attempts, judged))
    context.show(of_rows(seen.attempts, judged))
    return seen


def judged(attempt: Attempt) -> Cell:
    """Return what *attempt* says of the rights behind it."""
    code, told = code_of(attempt.reply), _told(attempt.reply)
    if attempt.changed:
        return Cell(Outcome.LEAKED, f"{told}, and the row is not what it was")
    if attempt.reply.status in (401, 403) and code == DENIED:
        if attempt.rule is Rule.OWN_ROWS:
            return Cell(Outcome.INCONCLUSIVE, f"the owner was refused: {told}")
        return Cell(Outcome.HELD, told)
    if attempt.verb is Verb.SELECT:
        return _of_a_read(attempt, told)
    return _of_a_write(attempt, code, told)


def _of_a_read(attempt: Attempt, told: str) -> Cell:
    rows = listed(attempt.reply)
    if rows is None:
        return Cell(Outcome.INCONCLUSIVE, f"neither rows nor a refusal: {told}")
    if attempt.strangers:
        return Cell(Outcome.LEAKED, f"{told} with {attempt.strangers} rows that are not the reader's")
    if attempt.rule is Rule.OWN_ROWS:
        seen = bool(rows)
        return Cell(Outcome.HELD, "the owner sees it") if seen else Cell(Outcome.INCONCLUSIVE, "the owner has no row")
    if attempt.there:
        return Cell(Outcome.HELD, f"{told}, empty, though a row is there")
    return Cell(Outcome.INCONCLUSIVE, f"{told}, empty, and no row is known to be there")


def _of_a_write(attempt: Attempt, code: str, told: str) -> Cell:
    rows = listed(attempt.reply)
    if code.startswith(OF_A_CONSTRAINT):
        return Cell(Outcome.LEAKED, f"{told}: it got as far as the table")
    if rows is None and not 200 <= attempt.reply.status < 300:
        return Cell(Outcome.INCONCLUSIVE, f"neither done nor refused for want of a right: {told}")
    if attempt.verb is Verb.INSERT or rows:
        allowed = attempt.rule is Rule.DONE
        return Cell(Outcome.HELD, f"{told}: as is allowed") if allowed else Cell(Outcome.LEAKED, f"{told}: it was done")
    if attempt.rule is Rule.REFUSED:
        return Cell(Outcome.LEAKED, f"{told}, no row: the right to {attempt.verb} is there, where none is to be")
    if attempt.there and attempt.rule is Rule.NO_ROW:
        return Cell(Outcome.HELD, f"{told}, no row, though one is there")
    return Cell(Outcome.INCONCLUSIVE, f"{told}, no row, where one could have been expected")


def _told(reply: Reply) -> str:
    return " ".join(filter(None, (str(reply.status), code_of(reply))))


@dataclass(frozen=True)
class Place:
    """Somebody in front of a table: who they are to it, and whose row they reach for, if there is one."""

    doors: Doors
    reader: str | None
    whose: Whose
    table: Table
    victim: Party
    row: Row | None

    def attempt(self, verb: Verb, reply: Reply, **more: Any) -> Attempt:
        """Return the try of *verb* that was answered with *reply*."""
        rule = self.table.rule(self.whose, verb)
        told = {"there": self.row is not None, **more}
        return Attempt(self.doors.actor, self.victim.user.name, self.whose, self.table.name, verb, rule, reply, **told)


@dataclass(frozen=True)
class Acting:
    """The tries, so many at a time."""

    stage: Scene
    parties: Parties
    turn: asyncio.Semaphore

    async def reads(self) -> list[Attempt]:
        """Read as everybody: the row of somebody by its key, and whatever there is of others."""
        places = list(self._places())
        by_key = [self._read(place) for place in places]
        of_others = [self._read(place, wide=True) for place in places if place.whose is not Whose.OWN]
        return list(await asyncio.gather(*by_key, *of_others))

    async def writes(self) -> list[Attempt]:
        """Insert and change as everybody, then delete, and look at the rows before and after."""
        places = list(self._places())
        before = await self._rows()
        tries = await asyncio.gather(*map(self._insert, places), *map(self._update, places))
        between = await self._rows()
        kept = [place for place in places if place.table.rule(place.whose, Verb.DELETE) is not Rule.DONE]
        gone = await asyncio.gather(*map(self._delete, [*kept, *self._spare_places()]))
        after = await self._rows()
        return [*with_changes(tries, before, between), *with_changes(gone, between, after)]

    def _places(self) -> Iterable[Place]:
        """Yield everybody in front of each table; the second user acts at own rows nowhere."""
        owner = self.parties.owner
        for table in TABLES:
            row = owner.rows.get(table.name)
            yield Place(self.parties.anybody, None, Whose.ANYBODYS, table, owner, row)
            yield Place(owner.doors, owner.id, Whose.OWN, table, owner, row)
            for victim, reacher in self.parties.victims:
                row = victim.rows.get(table.name)
                yield Place(reacher.doors, reacher.id, Whose.ANOTHERS, table, victim, row)

    def _spare_places(self) -> Iterable[Place]:
        owner = self.parties.owner
        for name, row in owner.spare.items():
            yield Place(owner.doors, owner.id, Whose.OWN, BY_NAME[name], owner, row)

    async def _read(self, place: Place, *, wide: bool = False) -> Attempt:
        """Read the row by its key or, *wide*, any that is not the reader's own. No more is read than whose it is."""
        table, filters = place.table, {}
        columns = ",".join(dict.fromkeys(["id", table.owner or "id"]))
        if not wide and place.row is not None:
            filters = {"id": f"eq.{place.row['id']}"}
        elif place.reader is not None and table.name in READABLE:
            filters = {str(table.owner): f"{'eq' if place.whose is Whose.OWN else 'neq'}.{place.reader}"}
        async with self.turn:
            reply = await place.doors.table("GET", table.name, select=columns, limit=_MOST_ROWS, **filters)
        rows = listed(reply) or []
        own = place.reader if table.name in READABLE else None
        strangers = [row for row in rows if own is None or str(row.get(str(table.owner))) != own]
        return place.attempt(Verb.SELECT, reply, strangers=len(strangers))

    async def _insert(self, place: Place) -> Attempt:
        row = place.table.row(place.victim.id, tag(self.stage.context.run_id))
        async with self.turn:
            reply = await place.doors.table("POST", place.table.name, body=row, prefer="return=minimal")
        if 200 <= reply.status < 300:
            broke_in(self.stage, place.table, row, place.victim.user.owner)
        return place.attempt(Verb.INSERT, reply)

    async def _update(self, place: Place) -> Attempt:
        return await self._written(place, Verb.UPDATE, "PATCH", place.table.change)

    async def _delete(self, place: Place) -> Attempt:
        return await self._written(place, Verb.DELETE, "DELETE", None)

    async def _written(self, place: Place, verb: Verb, method: str, body: Row | None) -> Attempt:
        # A key that nobody has, where no row is known: what comes back still tells whether the right is there.
        key = place.row["id"] if place.row is not None else 0 if place.table.numbered else str(uuid.uuid4())
        async with self.turn:
            reply = await place.doors.table(
                method, place.table.name, body=body, prefer="return=representation", select="id", id=f"eq.{key}"
            )
        return place.attempt(verb, reply)

    async def _rows(self) -> Rows:
        """Return the rows of both users as they are now: as the service sees them, or else their owner."""
        wanted = [(victim, name) for victim, _ in self.parties.victims for name in victim.rows]

        async def now(victim: Party, name: str) -> Row | None:
            async with self.turn:
                doors = self.parties.service or victim.doors
                found = listed(await doors.table("GET", name, select="*", id=f"eq.{victim.rows[name]['id']}"))
            return found[0] if found else None

        rows = await asyncio.gather(*(now(victim, name) for victim, name in wanted))
        return {(victim.user.name, name): row for (victim, name), row in zip(wanted, rows, strict=True)}


def with_changes(attempts: Iterable[Attempt], before: Rows, after: Rows) -> list[Attempt]:
    """Return *attempts* with those marked after which a row was gone, or held what they sent.

    Those did it that got the row back; where none did, those that were answered with success; else any of them.
    """
    found = list(attempts)
    for place in before:
        if before[place] is None or not _changed(place[1], before[place], after.get(place)):
            continue
        tried = [one for one in found if _could_have(one, place)]
        done = [one for one in tried if 200 <= one.reply.status < 300]
        guilty = [one for one in done if listed(one.reply)] or done or tried
        found = [replace(one, changed=True) if one in guilty else one for one in found]
    return found


def _could_have(attempt: Attempt, place: tuple[str, str]) -> bool:
    mine = (attempt.victim, attempt.table) == place and attempt.verb in (Verb.UPDATE, Verb.DELETE)
    return mine and attempt.rule is not Rule.DONE


def _changed(name: str, before: Row | None, after: Row | None) -> bool:
    if before is None or after is None:
        return before is not after
    # Whose profile it is may change it too; what was sent here is nothing that anybody else would.
    return any(before.get(column) != sent == after.get(column) for column, sent in BY_NAME[name].change.items())
