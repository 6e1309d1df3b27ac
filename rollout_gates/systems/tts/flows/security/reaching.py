"""One user reaches for the things of another, both ways; then their owner does the same, so that a refusal counts.

Where the service role may write, in the sandbox or on a deployment, the things are written by it, and the owner uses
them up. Elsewhere those of the smoke gate are reached for, and a voice and a speech of the other user.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.matrix import Cell, Matrix, Outcome, worst
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.matrix.planting import plant
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.security import overview
from rollout_gates.systems.tts.flows.security.owned import (
    AT_WORK,
    GENERATIONS,
    REFERENCES,
    Owned,
    generation_row,
    left_by_smoke,
    made,
    planted,
    voice_row,
)
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.identities import USER_A, USER_B
from rollout_gates.systems.tts.replies import detail, ids, json_object, rows, text
from rollout_gates.systems.tts.samples import LANGUAGE, TRANSCRIPT, spoken, voice_name
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

VOICE, TASK, GENERATION, CLIP, PREVIEW = "voice", "task", "generation", "clip", "preview"
TITLE = "Another user's things through the API"
_NOTE = "A signed-in user reaches for what is somebody else's; its owner does the same after them."
HEARD = (200, 302, 303, 307)
"""What an owner who is sent to their audio is answered: the contract says 302, which is judged elsewhere."""
_READS = ("read", "hear", "repeat")
Act = Callable[["Identity"], Awaitable["Reply"]]


@dataclass(frozen=True)
class Way:
    """One way to a thing of a *kind*. *refusal* is what others must be answered: a status and a text.

    *owners* are the statuses of its owner's own try, empty where they must not try it.
    """

    kind: str
    thing: str
    what: str
    refusal: tuple[int, str]
    act: Act
    owners: tuple[int, ...] = ()

    @property
    def title(self) -> str:
        """What is done to what."""
        return f"{self.what} the {self.thing}"


@dataclass(frozen=True)
class Reach:
    """One way tried by somebody else (*foreign*), and after that by the owner; *own* is ``None`` where they did not."""

    way: Way
    foreign: Reply
    own: Reply | None = None


@dataclass(frozen=True)
class Direction:
    """All that one user tried with what is another's; *title* says who reached for whose things.

    *expected* are the names of the owner's things by kind, *before* and *after* what they see under these names.
    *lists* are answers to the intruder's own lists, *strays* ids of the owner's things in them.
    """

    title: str
    reaches: tuple[Reach, ...]
    expected: Mapping[str, tuple[str, ...]]
    before: Mapping[str, str]
    after: Mapping[str, str]
    lists: tuple[Reply, ...] = ()
    strays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reached:
    """Both directions. *one_way* says why there is only one of them, if that is so."""

    directions: tuple[Direction, ...]
    one_way: CouldNotJudge | None = None


@flow("foreign_reach")
async def foreign_reach(context: Context) -> Reached:
    """Reach for the things of another user, both ways; in prod one way only."""
    async with scene(context) as stage:
        sides, one_way = await _sides(stage)
        directions = []
        for title, owned, intruder in sides:
            async with owned.owner.busy:
                directions.append(await _tried(stage, title, owned, intruder))
    found = Reached(tuple(directions), one_way)
    context.show(overview.part(by_kind(found, qwen=context.settings.is_qwen)))
    context.show(table(found))
    return found


def by_kind(found: Reached, *, qwen: bool) -> dict[tuple[str, str], Cell]:
    """Return what came of it for each kind of thing, where all ways in stand together."""

    def place(reach: Reach) -> tuple[str, str]:
        return reach.way.kind, overview.API_READ if reach.way.what in _READS else overview.API_WRITE

    cells = worst([reach for side in found.directions for reach in side.reaches], place, _cell)
    if not qwen:
        cells[PREVIEW, overview.API_WRITE] = Cell(Outcome.NOT_APPLICABLE, "in this mode it is handed in with its audio")
    return cells


def table(found: Reached) -> Matrix:
    """Return what came of it, for the report."""
    cells = {(reach.way.title, side.title): _cell(reach) for side in found.directions for reach in side.reaches}
    return _matrix(cells)


def _matrix(cells: Mapping[tuple[str, str], Cell]) -> Matrix:
    titles, sides = (tuple(dict.fromkeys(place[at] for place in cells)) for at in (0, 1))
    return Matrix(TITLE, _NOTE, titles, sides, cells)


def _cell(reach: Reach) -> Cell:
    told, own = f"{reach.foreign.status} {detail(reach.foreign) or ''}".strip(), reach.own
    if reach.foreign.status != reach.way.refusal[0]:
        return Cell(Outcome.LEAKED, told)
    if own is not None and own.status not in reach.way.owners:
        return Cell(Outcome.INCONCLUSIVE, f"the owner was answered {own.status}")
    return Cell(Outcome.HELD, told)


async def _sides(stage: Scene) -> tuple[list[tuple[str, Owned, Identity]], CouldNotJudge | None]:
    """Return whose things are reached for by whom, and why that goes one way only, if it does."""
    first, second = await two_users(stage)
    if stage.can_plant:
        mine, theirs = await planted(stage, first, "of A"), await planted(stage, second, "of B")
        return [("B on A", mine, second), ("A on B", theirs, first)], None
    sides = [("B on A", await left_by_smoke(stage), second)]
    if stage.context.environment.kind == "prod":
        return sides, None
    try:
        return [*sides, ("A on B", await made(stage, second, "of B"), first)], None
    except CouldNotJudge as problem:
        return sides, problem


async def two_users(stage: Scene) -> tuple[Identity, Identity]:
    """Return two users; of nobody else's where things are planted. Raises `NotConfigured` where they are one."""
    alone = stage.can_plant and stage.session.settings.sign_up
    names = ("reach_a", "reach_b") if alone else (USER_A, USER_B)
    first, second = [await stage.session.identities.get(name) for name in names]
    if first.user_id == second.user_id or first.client.caller == second.client.caller:
        raise NotConfigured("isolation needs two users: configure user_b or set sign_up = true")
    return first, second


async def _tried(stage: Scene, title: str, owned: Owned, intruder: Identity) -> Direction:
    found = ways(stage, owned)
    before = await _seen(owned)
    foreign = await asyncio.gather(*(way.act(intruder) for way in found))
    after = await _seen(owned)
    lists = await asyncio.gather(intruder.client.voices(per_page=100), intruder.client.generations(per_page=100))
    listed = {*ids(rows(lists[0], "voices")), *ids(rows(lists[1], "generations"))}
    reaches = [Reach(way, reply, await _own(owned, way)) for way, reply in zip(found, foreign, strict=True)]
    strays = tuple(sorted(listed & set(owned.ids)))
    return Direction(title, tuple(reaches), _expected(owned), before, after, tuple(lists), strays)


async def _own(owned: Owned, way: Way) -> Reply | None:
    return await way.act(owned.owner) if way.owners else None


def ways(stage: Scene, owned: Owned) -> tuple[Way, ...]:
    """Return all ways to what is *owned*, in the order in which its owner may go them one after the other."""
    deletes = (200,) if owned.spare else ()
    return (
        *(way for thing, task_id in owned.tasks.items() for way in _task_ways(thing, task_id, deletes)),
        *_voice_ways(stage, owned, deletes),
        *_generation_ways(owned, deletes),
        *_clip_ways(stage, owned),
    )


def _task_ways(thing: str, task_id: str, deletes: tuple[int, ...]) -> tuple[Way, ...]:
    absent = (404, "Task not found.")
    cancelled = (200,) if thing == AT_WORK else (400,)
    return (
        Way(TASK, thing, "read", absent, lambda user: user.client.task(task_id), (200,)),
        Way(TASK, thing, "cancel", absent, lambda user: user.client.cancel_task(task_id), cancelled),
        Way(TASK, thing, "delete", absent, lambda user: user.client.delete_task(task_id), deletes),
    )


def _voice_ways(stage: Scene, owned: Owned, deletes: tuple[int, ...]) -> tuple[Way, ...]:
    absent, voice_id = (404, "Voice not found."), owned.voice_id
    speak = partial(_spoken, stage, voice_id)
    free = (200,) if stage.ground is not None else ()
    return (
        Way(VOICE, VOICE, "hear", absent, lambda user: user.client.voice_preview(voice_id), HEARD),
        Way(VOICE, VOICE, "speak in", (404, "Voice not found"), speak, free),
        Way(VOICE, VOICE, "delete", absent, lambda user: user.client.delete_voice(voice_id), deletes),
    )


def _generation_ways(owned: Owned, deletes: tuple[int, ...]) -> tuple[Way, ...]:
    absent, key = (404, "Generation not found."), owned.generation_id
    again = (404, "Generation not found")
    return (
        Way(GENERATION, GENERATION, "hear", absent, lambda user: user.client.generation_audio(key), HEARD),
        Way(GENERATION, GENERATION, "repeat", again, lambda user: user.client.regenerate(key), (200,)),
        Way(GENERATION, GENERATION, "delete", absent, lambda user: user.client.delete_generation(key), deletes),
    )


def _clip_ways(stage: Scene, owned: Owned) -> tuple[Way, ...]:
    """Return how a clip becomes a voice, and a preview does, where it is by its task (qwen)."""
    free, saved = (200,) if stage.ground is not None else (), (200,) if owned.spare else ()
    clips: dict[str, tuple[str, tuple[int, ...]]] = {"clip of a voice": (owned.voice_id, ())}
    if owned.clip is not None:
        clips["uploaded clip"] = (owned.clip.voice_id, free)
    not_there, absent = (400, "Audio file not uploaded."), (404, "Preview task not found.")
    found = [
        Way(CLIP, thing, "make a voice of", not_there, partial(_finalized, stage, voice_id), owners)
        for thing, (voice_id, owners) in clips.items()
    ]
    if owned.preview is not None:
        save = partial(_saved, stage, {**owned.preview.said, "task_id": owned.preview.task_id})
        found.append(Way(PREVIEW, PREVIEW, "make a voice of", absent, save, saved))
    return tuple(found)


# --- ways that make something, for their owner and for whoever is let in; it is written down before it is made


async def _spoken(stage: Scene, voice_id: str, user: Identity) -> Reply:
    said = spoken(stage.context.run_id, f"Foreign {_word()}")
    return (await submit(stage.context, user, voice_id, said)).reply


async def _finalized(stage: Scene, voice_id: str, user: Identity) -> Reply:
    said = {"language": LANGUAGE, "transcript": TRANSCRIPT}
    return await _voice_made(stage, user, partial(user.client.clone_finalize, voice_id=voice_id, **said))


async def _saved(stage: Scene, fields: Mapping[str, str], user: Identity) -> Reply:
    async def save(name: str) -> Reply:
        return await user.client.design_save({**fields, "name": name})

    return await _voice_made(stage, user, save)


async def _voice_made(stage: Scene, user: Identity, send: Callable[..., Awaitable[Reply]]) -> Reply:
    """Make a voice under a name of its own: the same id, or name, may stand for what somebody else has made."""
    things, name = stage.session.things, voice_name(stage.context.run_id, f"foreign {_word()}")
    planned = things.planned("voice", name, user.owner, how="reached for")
    reply = await send(name=name)
    voice_id = text(json_object(reply), "id")
    if reply.status == 200 and voice_id is not None:
        things.made(planned, voice_id)
    elif 400 <= reply.status < 500:
        things.gone(planned, f"was refused with {reply.status}")
    return reply


def _word() -> str:
    return secrets.token_hex(3)


# --- what the owner sees


def _expected(owned: Owned) -> dict[str, tuple[str, ...]]:
    """Return the names under which the owner must see their things, by kind."""
    previews = () if owned.preview is None else (owned.preview.task_id,)
    audio = () if owned.audio_key is None else (owned.audio_key,)
    return {
        VOICE: (owned.voice_id,),
        TASK: tuple(owned.tasks.values()),
        GENERATION: (owned.generation_id, *audio),
        CLIP: tuple(key for bucket, key in _objects(owned) if bucket == REFERENCES),
        PREVIEW: previews,
    }


def _objects(owned: Owned) -> list[tuple[str, str]]:
    """Return bucket and key of the owner's objects, as far as they are known."""
    clip_key = None if owned.clip is None else owned.clip.object_key
    known = [(REFERENCES, clip_key), (REFERENCES, owned.voice_key), (GENERATIONS, owned.audio_key)]
    return [(bucket, key) for bucket, key in known if key is not None]


async def _seen(owned: Owned) -> dict[str, str]:
    """Return what the owner sees of their things: rows as they are stored, by id, and digests of objects, by key."""
    user, previews = owned.owner, [] if owned.preview is None else [owned.preview.task_id]
    tables = await asyncio.gather(
        own_rows(user, "voices", id=f"eq.{owned.voice_id}"),
        own_rows(user, "generations", id=f"eq.{owned.generation_id}"),
        own_rows(user, "tasks", id=f"in.({','.join([*owned.tasks.values(), *previews])})"),
    )
    found = {str(row["id"]): str(sorted(row.items())) for table in tables for row in table}
    for bucket, key in _objects(owned):
        reply = await user.client.stored(bucket, key)
        if reply.status == 200:
            found[key] = hashlib.sha256(reply.body).hexdigest()
    return found


# --- rows that point at what is somebody else's


@dataclass(frozen=True)
class Pointer:
    """A row of one user that points at an object of another: *foreign* is the answer to who asks for it by that row.

    *side* says whose row points at whose object. *own* is the answer to the same question about a row that points at an
    own object, and *there* that to the owner of the other object who reads it.
    """

    title: str
    side: str
    foreign: Reply
    own: Reply
    there: Reply


@flow("foreign_keys")
async def foreign_keys(context: Context) -> tuple[Pointer, ...]:
    """Write rows of each user that point at an object of the other, and ask for what they point at."""
    if context.settings.secret("service_role_key") is None and context.sandbox_url is None:
        raise NotConfigured("this clause seeds rows: configure secrets.service_role_key (never in prod)")
    async with scene(context) as stage:
        first, second = await two_users(stage)
        pair = {"key of A": first, "key of B": second}
        mine, theirs = [await planted(stage, user, what, at_work=False) for what, user in pair.items()]
        sides = {"A on B": (mine, theirs), "B on A": (theirs, mine)}
        found = [pointer for side, pair in sides.items() for pointer in await _pointers(stage, side, *pair)]
    context.show(table_of_keys(found))
    return tuple(found)


def table_of_keys(pointers: Iterable[Pointer]) -> Matrix:
    """Return what came of rows that point at another's object, for the same table of the report."""
    cells = {}
    for pointer in pointers:
        told = f"{pointer.foreign.status} {detail(pointer.foreign) or ''}".strip()
        blind = pointer.there.status != 200 or pointer.own.status not in HEARD
        outcome = Outcome.HELD if pointer.foreign.status == 403 else Outcome.LEAKED
        cells[f"hear another's object by {pointer.title}", pointer.side] = (
            Cell(Outcome.INCONCLUSIVE, "an own object was not to be had") if blind else Cell(outcome, told)
        )
    return _matrix(cells)


async def _pointers(stage: Scene, side: str, own: Owned, other: Owned) -> list[Pointer]:
    user, client = own.owner, own.owner.client
    keys = {REFERENCES: str(other.voice_key), GENERATIONS: str(other.audio_key)}
    voice = await plant(stage, user, voice_row(stage, user, "pointing", keys[REFERENCES]))
    row = generation_row(stage, user, "pointing", own.voice_id, keys[GENERATIONS])
    generation = await plant(stage, user, row, "generations")
    asked = {
        "an own voice": (client.voice_preview, str(voice["id"]), own.voice_id, REFERENCES),
        "an own generation": (client.generation_audio, str(generation["id"]), own.generation_id, GENERATIONS),
    }
    return [
        Pointer(
            title,
            side,
            await ask(pointing),
            await ask(straight),
            await other.owner.client.stored(bucket, keys[bucket]),
        )
        for title, (ask, pointing, straight, bucket) in asked.items()
    ]
