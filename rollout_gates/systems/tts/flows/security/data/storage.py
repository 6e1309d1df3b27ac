"""Anybody and two users at stored objects: who reads, lists, signs, uploads, replaces, moves and deletes whose."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Outcome
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.security.data import objects
from rollout_gates.systems.tts.flows.security.data.exposure import of_objects, overview_of_objects
from rollout_gates.systems.tts.flows.security.data.objects import (
    ACTS,
    BUCKETS,
    CHANGES,
    GENERATIONS,
    HELD_BYTES,
    INSERTS,
    READS,
    REFERENCES,
    Aim,
    Way,
    aim,
)
from rollout_gates.systems.tts.flows.security.data.parties import gathered, plant_object
from rollout_gates.systems.tts.flows.security.data.tables import Whose
from rollout_gates.systems.tts.samples import tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.doors import Doors
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.security.data.parties import Parties, Party
    from rollout_gates.wire import Reply

_AT_A_TIME: Final = 8
_KEYS: Final = {REFERENCES: ("voices", "reference_object_key"), GENERATIONS: ("generations", "audio_object_key")}


@dataclass(frozen=True)
class ObjectTry:
    """One try at an object of *victim*. *there*: it was there. *changed*: it is gone, or holds other bytes."""

    who: str
    victim: str
    whose: Whose
    bucket: str
    way: Way
    reply: Reply
    there: bool
    changed: bool = False

    @property
    def is_twin(self) -> bool:
        """Whether it must succeed: what the owner may do, with which the same calls of others are compared."""
        inserts = self.bucket == REFERENCES and self.way in INSERTS
        return self.whose is Whose.OWN and (self.way in READS or inserts)


@dataclass(frozen=True)
class Storage:
    """All tries at stored objects. *only_reads*: nothing was written, since nothing may be here."""

    tries: tuple[ObjectTry, ...]
    only_reads: bool = False


@flow("storage")
async def storage(context: Context) -> Storage:
    """Read first, then write; in prod read only. Raises `NotConfigured`, or `CouldNotJudge` kinds."""
    async with scene(context) as stage:
        parties = await gathered(stage)
        prod = stage.session.kind == "prod"
        keepers = [Keeper(stage, parties, victim, reacher) for victim, reacher in parties.victims]
        tries = [one for found in await asyncio.gather(*(keeper.tried(prod) for keeper in keepers)) for one in found]
    seen = Storage(tuple(tries), only_reads=prod)
    context.show(overview_of_objects(seen.tries, judged))
    context.show(of_objects(seen.tries, judged))
    return seen


def judged(one: ObjectTry) -> Cell:
    """Return what *one* says of the policies behind it."""
    cell = objects.judged(one.way, one.reply, there=one.there, changed=one.changed)
    if not one.is_twin:
        return cell
    done = cell.outcome is Outcome.LEAKED
    return Cell(Outcome.HELD if done else Outcome.INCONCLUSIVE, f"to its owner: {cell.reason}")


class Keeper:
    """Keeps objects of *victim*, for *reacher* and anybody to get at, and for themselves."""

    def __init__(self, stage: Scene, parties: Parties, victim: Party, reacher: Party) -> None:
        """Take who acts; nothing is stored yet."""
        self._stage = stage
        self._parties = parties
        self._victim = victim
        self._doors: Mapping[Whose, Doors] = {
            Whose.ANYBODYS: parties.anybody,
            Whose.ANOTHERS: reacher.doors,
            Whose.OWN: victim.doors,
        }
        self._turn = asyncio.Semaphore(_AT_A_TIME)

    async def tried(self, only_reads: bool) -> list[ObjectTry]:
        """Try everything, in each bucket by itself."""
        found = await asyncio.gather(*(self._bucket(bucket, only_reads) for bucket in BUCKETS))
        return [one for tries in found for one in tries]

    async def _bucket(self, bucket: str, only_reads: bool) -> list[ObjectTry]:
        aims = await self._aims(bucket)
        there = await self._bytes(next(iter(aims.values()))) is not None
        tries = list(await asyncio.gather(*(self._try(*place, there=there) for place in self._reads(aims))))
        if only_reads:
            return tries
        tries += await asyncio.gather(*(self._insert(*place, there=there) for place in self._inserts(bucket, aims)))
        by_object: dict[str, list[tuple[Whose, Aim]]] = {}
        for whose, at in aims.items():
            by_object.setdefault(at.path, []).append((whose, at))
        changes = await asyncio.gather(*(self._changes(places) for places in by_object.values()))
        return [*tries, *(one for found in changes for one in found)]

    def _reads(self, aims: Mapping[Whose, Aim]) -> Iterable[tuple[Whose, Aim, Way]]:
        for whose, at in aims.items():
            yield from ((whose, at, way) for way in READS if whose is not Whose.OWN or way is not Way.PUBLIC)

    def _inserts(self, bucket: str, aims: Mapping[Whose, Aim]) -> Iterable[tuple[Whose, Aim, Way]]:
        for whose, at in aims.items():
            # What a user may store, nobody but the service can remove.
            if whose is not Whose.OWN or bucket != REFERENCES or self._parties.service is not None:
                yield from ((whose, at, way) for way in INSERTS)

    async def _try(self, whose: Whose, at: Aim, way: Way, *, there: bool, changed: bool = False) -> ObjectTry:
        doors = self._doors[whose]
        async with self._turn:
            reply = await ACTS[way](doors, at)
        return ObjectTry(doors.actor, self._victim.user.name, whose, at.bucket, way, reply, there, changed)

    async def _insert(self, whose: Whose, at: Aim, way: Way, *, there: bool) -> ObjectTry:
        fresh = aim(at.bucket, at.key)
        found = await self._try(whose, fresh, way, there=there)
        if way is Way.INSERT and 200 <= found.reply.status < 300:
            self._made(fresh)
        return found

    async def _changes(self, places: list[tuple[Whose, Aim]]) -> list[ObjectTry]:
        """Try all changes of one object, one after the other, and look at it after each."""
        found: list[ObjectTry] = []
        at = places[0][1]
        held = await self._bytes(at)
        for way in CHANGES:
            for whose, _ in places:
                if held is None:
                    # Over nothing, a change would be an insert, which an owner may do.
                    return found
                one = await self._try(whose, at, way, there=True)
                now = await self._bytes(at)
                if way is Way.MOVE and 200 <= one.reply.status < 300:
                    self._made(at)
                found.append(one if now == held else replace(one, changed=True))
                held = now
        return found

    def _made(self, at: Aim) -> None:
        """Write down what was stored: it is written down afterwards, since what is refused never came to be."""
        things = self._stage.session.things
        things.made(things.planned("object", f"{at.bucket}/{at.fresh}", self._victim.user.owner, how="not refused"))

    async def _bytes(self, at: Aim) -> bytes | None:
        """Return the object as the service sees it, or else its owner."""
        async with self._turn:
            reply = await ACTS[Way.READ](self._parties.service or self._victim.doors, at)
        return reply.body if reply.status == 200 else None

    async def _aims(self, bucket: str) -> Mapping[Whose, Aim]:
        """Return an object for each to get at: one apiece where they can be stored, else the newest that there is."""
        folder = f"{self._victim.id}/rollout-gate-{tag(self._stage.context.run_id)}"
        wanted = {whose: aim(bucket, f"{folder}/{number}.wav") for number, whose in enumerate(Whose)}
        service = self._parties.service
        if service is not None:
            user = self._victim.user
            await asyncio.gather(
                *(plant_object(self._stage, user, service, at.path, HELD_BYTES) for at in wanted.values())
            )
            return wanted
        table, column = _KEYS[bucket]
        key = self._victim.rows.get(table, {}).get(column)
        if not isinstance(key, str):
            return wanted
        return dict.fromkeys(Whose, aim(bucket, key))
