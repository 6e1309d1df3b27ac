"""User B reaches for what is user A's; user A does the same beside it, so that a refusal means something."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.settling import all_settled, settled
from rollout_gates.systems.tts.replies import row_of, status_of
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.cancel import Cancel
    from rollout_gates.systems.tts.flows.clone import Clone
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

TASK, VOICE, GENERATION = "Task not found.", "Voice not found.", "Generation not found."


@dataclass(frozen=True)
class Targets:
    """Things of user A: a task, a voice, a generation."""

    task_id: str
    voice_id: str
    generation_id: str


@dataclass(frozen=True)
class Reach:
    """One way to get at one of A's things: what A got, what B got. *own* is ``None`` where A must not try it."""

    title: str
    detail: str
    own: Reply | None
    foreign: Reply


@dataclass(frozen=True)
class Isolation:
    """All reaches, proof that B could have acted, and A's things (those written at) before and after."""

    reads: tuple[Reach, ...]
    writes: tuple[Reach, ...]
    b_signed_in: Reply
    b_voices: Reply
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@flow("isolation")
async def isolation(context: Context) -> Isolation:
    """Read first, then write, when nobody needs A's things any more. Raises `CouldNotJudge` when A has none."""
    session: Session = context.session
    first, second = await session.user_a(), await session.user_b()
    a, b = first.client, second.client
    heard, spare = await _targets(context)
    if a.caller == b.caller:
        raise CouldNotJudge(Reason.NOT_CONFIGURED, "isolation needs two users: configure user_b or set sign_up = true")
    if first.user_id and first.user_id == second.user_id:
        raise CouldNotJudge(Reason.NOT_CONFIGURED, f"user_a and user_b are both user {first.user_id}: configure two")
    before, signed_in, voices = await asyncio.gather(_belongings(a, spare), b.me(), b.voices())
    reads = await asyncio.gather(*(_reach(a, b, way) for way in _reads(heard)))
    writes = await asyncio.gather(*(_reach(a, b, way) for way in _writes(spare)))
    return Isolation(tuple(reads), tuple(writes), signed_in, voices, before, await _belongings(a, spare))


async def _targets(context: Context) -> tuple[Targets, Targets]:
    """Return what to read, which has audio if anything has, and what to write at, which nobody needs any more."""
    voice: Voice = await context.observe("voice")
    await all_settled(context, "lists", "usage", "cap_leftovers")
    speech: Speech | None = await settled(context, "speech")
    cancel: Cancel | None = await settled(context, "cancel")
    starts = [seen.started for seen in (speech, cancel) if seen is not None]
    pairs = [(start.task_id, start.generation_id) for start in starts if start.task_id and start.generation_id]
    if not pairs:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "user A has no task and no generation that user B could reach for")
    (read_task, read_generation), (write_task, write_generation) = pairs[0], pairs[-1]
    return (
        Targets(str(read_task), voice.voice_id, str(read_generation)),
        Targets(str(write_task), await _spare_voice(context, voice), str(write_generation)),
    )


async def _spare_voice(context: Context, voice: Voice) -> str:
    clone: Clone | None = await settled(context, "clone")
    design: Design | None = await settled(context, "design")
    made = [seen.voice_id for seen in (design, clone) if seen is not None and seen.voice_id]
    return next((voice_id for voice_id in made if voice_id != voice.voice_id), voice.voice_id)


@dataclass(frozen=True)
class Way:
    """One way to get at a thing: what to do, and how its absence is worded. *own*: A tries it as well."""

    title: str
    detail: str
    act: Callable[[Client], Awaitable[Reply]]
    own: bool = True


def _reads(targets: Targets) -> tuple[Way, ...]:
    return (
        Way("read the task", TASK, lambda client: client.task(targets.task_id)),
        Way("hear the voice", VOICE, lambda client: client.voice_preview(targets.voice_id)),
        Way("hear the generation", GENERATION, lambda client: client.generation_audio(targets.generation_id)),
        Way("repeat the generation", "Generation not found", lambda client: client.regenerate(targets.generation_id)),
    )


def _writes(targets: Targets) -> tuple[Way, ...]:
    return (
        # The task has ended, so its owner's own cancel is answered 400: found, and nothing changes.
        Way("cancel the task", TASK, lambda client: client.cancel_task(targets.task_id)),
        Way("delete the task", TASK, lambda client: client.delete_task(targets.task_id), own=False),
        Way("delete the voice", VOICE, lambda client: client.delete_voice(targets.voice_id), own=False),
        Way(
            "delete the generation",
            GENERATION,
            lambda client: client.delete_generation(targets.generation_id),
            own=False,
        ),
    )


async def _reach(a: Client, b: Client, way: Way) -> Reach:
    mine = await way.act(a) if way.own else None
    return Reach(way.title, way.detail, mine, await way.act(b))


async def _belongings(client: Client, targets: Targets) -> dict[str, Any]:
    """What A sees of A's things."""
    task, voices, generations = await asyncio.gather(
        client.task(targets.task_id), client.voices(per_page=100), client.generations(per_page=100)
    )
    return {
        "task": status_of(task) if task.status == 200 else f"answered {task.status}",
        "voice listed": row_of(voices, "voices", targets.voice_id) is not None,
        "generation listed": row_of(generations, "generations", targets.generation_id) is not None,
    }
