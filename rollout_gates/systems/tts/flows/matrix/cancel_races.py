"""Cancels against everything that may still come in: answers of the provider that were held, a completion half done."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids
from rollout_gates.systems.tts.flows.matrix.aimed_races import aimed_races
from rollout_gates.systems.tts.flows.matrix.bench import Bench, Call, bench, calls, driven, meanwhile
from rollout_gates.systems.tts.flows.matrix.locking import locked
from rollout_gates.systems.tts.flows.matrix.races import Race, Races

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.wire import Reply

# What is said over a connection to have a text spoken; the rest is about the connection itself.
_SPEAK = "input_text_buffer.append"
TRIES = 6
"""Aimed tries at a cancel in the very moment when the last answer of the provider comes in."""


@flow("held_races")
async def held_races(context: Context) -> Races:
    """Cancel while each answer of the provider is held back in turn, then let it come, in playgrounds side by side."""
    steps = calls(context.settings)
    found = await asyncio.gather(*(_held(context, name, call) for name, call in steps.items()))
    return Races(tuple(found))


async def _held(context: Context, name: str, call: Call) -> Race:
    async with bench(context) as place:
        await place.hold(call)
        if name == "submit":
            return await _while_submitting(place, call)
        started = await place.begin(f"Held at {name}")
        async with driven(place, started) as read:
            await place.until_held(call)
            cancel = await place.client.cancel_task(started.task_id or "")
            before, known = await place.left(started), await _asked(place)
            await place.release(call)
            late = await read if read is not None else None
        own = await _fence(place, started)
        asked = {each: count - known[each] - own[each] for each, count in (await _asked(place)).items()}
        return Race(name, cancel, before, await place.left(started), late, asked)


async def _while_submitting(place: Bench, call: Call) -> Race:
    """Cancel while the job service has the job and we do not know its id yet. Mode modal."""
    async with meanwhile(lambda: place.begin("Held at submit")) as starting:
        await place.until_held(call)
        unknown = await place.newest()
        cancel = await place.client.cancel_task(unknown.task_id or "")
        before = await place.left(unknown)
        await place.release(call)
    await _fence(place, unknown)
    return Race("submit", cancel, before, await place.left(unknown), starting.result().reply)


async def _asked(place: Bench) -> Counter[str]:
    """Count what providers were asked: calls, and what was said on connections that stay open."""
    found: Counter[str] = Counter()
    for entry in await place.ground.providers.requests():
        found[f"{entry['provider']}:{entry['call']}"] += 1
        found[_SPEAK] += sum(
            isinstance(event, dict) and event.get("type") == _SPEAK for event in entry.get("events", ())
        )
    return found


async def _fence(place: Bench, started: Start | Ids) -> Counter[str]:
    """Wait until what was released has had its effect; return what the waiting asked of providers for itself.

    With qwen another text is spoken meanwhile: it takes more steps than the one that was released. With modal nothing
    happens but by reads.
    """
    if not place.ground.settings.is_qwen:
        for _ in range(2):
            await place.client.task(started.task_id or "")
        return Counter()
    other = await place.begin("Fence")
    if other.task_id is None:
        return Counter()
    await place.end(other)
    calls_of_one = Counter(f"{provider}:{call}" for provider, call in calls(place.ground.settings).values())
    return calls_of_one + Counter({"dashscope:realtime": 1, _SPEAK: 1})


@flow("queued_races")
async def queued_races(context: Context) -> Races:
    """Cancel between the last look at the task and its completion, in a playground.

    The task's row is locked, and those who want to write it wait in line. With qwen these are the worker, with its last
    look, and then the cancel; what the worker writes next comes after both. With modal the cancel comes first, and then
    the completion by a read that saw the task at work.
    """
    async with bench(context) as place:
        last, qwen = calls(place.ground.settings)["last"], place.ground.settings.is_qwen
        await place.hold(last)
        started = await place.begin("Queued")
        async with driven(place, started) as read:
            await place.until_held(last)
            async with locked(place.ground, "tasks", started.task_id or "") as lock:
                if qwen:
                    await place.release(last)
                    await lock.wait(1, "the worker")
                cancelling = asyncio.ensure_future(place.client.cancel_task(started.task_id or ""))
                await lock.until_waiting(2 if qwen else 1, unless=cancelling)
                if not qwen:
                    await place.release(last)
                    await lock.until_waiting(2, unless=read)
            cancel = await cancelling
            before = await place.left(started)
            late = await read if read is not None else None
        await _fence(place, started)
        return Races((Race("queued", cancel, before, await place.left(started), late),))


@flow("lost_race")
async def lost_race(context: Context) -> Races:
    """Have somebody else end the task between the cancel's read of it and its write, in a playground."""
    async with bench(context) as place:
        first = next(call for name, call in calls(place.ground.settings).items() if name != "submit")
        await place.hold(first)
        started = await place.begin("Lost")
        if place.ground.settings.is_qwen:
            await place.until_held(first)
        async with locked(place.ground, "tasks", started.task_id or "", status="completed") as lock:
            cancelling = asyncio.ensure_future(place.client.cancel_task(started.task_id or ""))
            await lock.wait(1, "the cancel")
        cancel = await cancelling
        before = await place.left(started)
        await place.release(first)
        return Races((Race("lost", cancel, before, await place.left(started)),))


@flow("close_races")
async def close_races(context: Context) -> Races:
    """Cancel when the completion is half done, then `TRIES` times as the last answer comes in; in two playgrounds.

    On a deployment cancel at moments that a client can aim at, see `aimed_races`.
    """
    if context.sandbox_url is None:
        return await aimed_races(context)
    halfway, (plain, *aimed) = await asyncio.gather(_halfway(context), _aimed(context))
    return Races((halfway, *aimed), plain)


async def _halfway(context: Context) -> Race:
    """The completion has to wait for the generation's row, with all before that written; then the cancel comes."""
    async with bench(context) as place:
        last = calls(place.ground.settings)["last"]
        await place.hold(last)
        started = await place.begin("Halfway")
        async with driven(place, started) as read:
            await place.until_held(last)
            async with locked(place.ground, "generations", started.generation_id or "") as lock:
                await place.release(last)
                await lock.wait(1, "the completion")
                cancelling = asyncio.ensure_future(place.client.cancel_task(started.task_id or ""))
                await lock.until_waiting(2, unless=cancelling)
            cancel = await cancelling
            late = await read if read is not None else None
        await place.end(started)
        left = await place.left(started)
        return Race("halfway", cancel, left, left, late)


async def _aimed(context: Context) -> tuple[Aftermath, *tuple[Race, ...]]:
    async with bench(context) as place:
        started = await place.begin("Plain")
        await place.end(started)
        plain = await place.left(started)
        return plain, *[await _try(place, number) for number in range(TRIES)]


async def _try(place: Bench, number: int) -> Race:
    last = calls(place.ground.settings)["last"]
    await place.hold(last)
    started = await place.begin(f"Try {number}")
    async with driven(place, started) as read:
        await place.until_held(last)
        cancel = await _beside_the_release(number, place, started)
        late = await read if read is not None else None
    before = await place.left(started)
    await place.end(started)
    await _fence(place, started)
    return Race(f"try {number + 1}", cancel, before, await place.left(started), late)


async def _beside_the_release(number: int, place: Bench, started: Start) -> Reply:
    """Cancel as the last answer is let go; the first time before that, so that one race is won by the cancel."""
    last = calls(place.ground.settings)["last"]
    if number == 0:
        cancel = await _after(number, place, started)
        await place.release(last)
        return cancel
    cancel, _ = await asyncio.gather(_after(number, place, started), place.release(last))
    return cancel


async def _after(number: int, place: Bench, started: Start) -> Reply:
    """Cancel, later by a few reads with every try: nothing here is timed."""
    for _ in range(number):
        await place.row("tasks", started.task_id)
    return await place.client.cancel_task(started.task_id or "")
