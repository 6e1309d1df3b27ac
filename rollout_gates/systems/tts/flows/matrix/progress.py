"""One generate walked through step by step: held at each call to the provider, and looked at there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls, meanwhile

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.wire import Reply

POLLS = 10
_READS = 4
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """What showed at one moment: the answer to a read, if one was made, and both rows."""

    at: str
    answer: Reply | None
    task: Row
    generation: Row


@dataclass(frozen=True)
class Progress:
    """*looks* in order of time. *asked* is how often providers were asked, before and after `POLLS` reads."""

    voice: Row
    started: Start
    looks: tuple[Look, ...]
    polls: tuple[Reply, ...]
    asked: tuple[int, int]
    left: Aftermath


@flow("progress")
async def progress(context: Context) -> Progress:
    """Walk one generate through its steps, in a playground."""
    async with bench(context) as place:
        voice = await place.row("voices", place.voice_id)
        held = {name: call for name, call in calls(place.ground.settings).items() if name != "submit"}
        if place.ground.settings.is_qwen:
            for call in held.values():
                await place.hold(call)
        started = await place.begin("Progress")
        walk = _walk_qwen if place.ground.settings.is_qwen else _walk_modal
        looks, polls, asked = await walk(place, started, held)
        seen = await place.end(started)
        ended = [Look("ended", sample, {}, {}) for sample in seen.samples]
        ended += [await _look(place, started, "afterwards") for _ in range(2)]
        return Progress(voice, started, (*looks, *ended), polls, asked, await place.left(started))


async def _walk_qwen(
    place: Bench, started: Start, held: Mapping[str, tuple[str, str]]
) -> tuple[list[Look], tuple[Reply, ...], tuple[int, int]]:
    looks: list[Look] = []
    polls: tuple[Reply, ...] = ()
    asked = (0, 0)
    for name, call in held.items():
        await place.until_held(call)
        looks.append(await _look(place, started, name))
        if not polls:
            polls, asked = await _polled(place, started)
        looks.append(await _look(place, started, name))
        await place.release(call)
    return looks, polls, asked


async def _walk_modal(
    place: Bench, started: Start, held: Mapping[str, tuple[str, str]]
) -> tuple[list[Look], tuple[Reply, ...], tuple[int, int]]:
    looks = [await _look(place, started, "accepted", read=False)]
    running = {"job_id": "any", "status": "running", "result_ready": False, "elapsed_seconds": 1.5}
    await place.ground.providers.script(*held["status"], status=200, body=running, times=_READS)
    looks += [await _look(place, started, "running") for _ in range(_READS)]
    for call in held.values():
        await place.hold(call)
    async with meanwhile(lambda: place.client.task(started.task_id or "")):
        for name, call in held.items():
            await place.until_held(call)
            looks.append(await _look(place, started, name, read=False))
            await place.release(call)
    return looks, (), (0, 0)


async def _polled(place: Bench, started: Start) -> tuple[tuple[Reply, ...], tuple[int, int]]:
    before = len(await place.ground.providers.requests())
    polls = await asyncio.gather(*(place.client.task(started.task_id or "") for _ in range(POLLS)))
    return tuple(polls), (before, len(await place.ground.providers.requests()))


async def _look(place: Bench, started: Start, at: str, *, read: bool = True) -> Look:
    answer = await place.client.task(started.task_id or "") if read else None
    task = await place.row("tasks", started.task_id)
    return Look(at, answer, task, await place.row("generations", started.generation_id))
