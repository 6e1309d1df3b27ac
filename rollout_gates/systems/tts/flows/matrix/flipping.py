"""The switch between the providers: flipped, flipped in the middle of work, and thrown to what it cannot be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.designing import begin, wishes
from rollout_gates.systems.tts.flows.matrix.purse import only_credits
from rollout_gates.systems.tts.flows.matrix.scene import Asked, Scene
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.replies import json_object, text, value
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.settings import other_mode
from rollout_gates.systems.tts.switch import Switch
from rollout_gates.systems.tts.watching import Watch, watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.settings import Settings
    from rollout_gates.wire import Reply

Flip = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class Flipped:
    """Languages before the flip, after it, and after the flip back; and work that was begun before it.

    *speech* and *preview* are what became of that work, asked for under the other mode; ``None`` was never begun, and
    *why* says what kept it from being, where that is known.
    """

    mode: str
    other: str
    before: Reply
    after: Reply
    back: Reply
    speech: Watch | None
    preview: Watch | None
    why: CouldNotJudge | None = None


@dataclass(frozen=True)
class _Work:
    """What is under way when the mode flips."""

    user: Identity | None = None
    task_id: str | None = None
    preview_id: str | None = None
    why: CouldNotJudge | None = None


@flow("flipped", last=True)
async def flipped(context: Context) -> Flipped:
    """Flip the mode while a generate and a preview are at work, wait for both, and flip back.

    A deployment that does not run the mode of its cell is not flipped: nobody could say what to put back. Raises
    `NotConfigured` for one that gives no way to flip it, and `CouldNotJudge` when its command fails.
    """
    settings: Settings = context.settings
    mode, other = settings.provider_mode, other_mode(settings.provider_mode)
    async with _switch(context) as (stage, flip):
        before = await stage.session.anon.languages()
        if value(json_object(before), "provider") != mode and stage.ground is None:
            return Flipped(mode, other, before, before, before, None, None)
        work = await _work(stage)
        async with work.user.busy if work.user else contextlib.nullcontext():
            try:
                await flip(other)
                after = await stage.session.anon.languages()
                speech, shown = await asyncio.gather(
                    _watched(stage, work.user, work.task_id), _watched(stage, work.user, work.preview_id)
                )
            finally:
                await flip(mode)
        back = await stage.session.anon.languages()
    return Flipped(mode, other, before, after, back, speech, shown, work.why)


async def _work(stage: Scene) -> _Work:
    """Begin a generate and a preview, as far as user and limits allow: the flip is judged without them as well."""
    user: Identity | None = None
    preview_id: str | None = None
    try:
        user = await stage.user("flipped")
        voice_id = await speaker(stage, user)
        begun = await begin(stage, user, wishes(stage, "before the flip"))
        preview_id = text(json_object(begun), "task_id")
        async with user.busy:
            started = await _speech(stage, user, voice_id)
    except CouldNotJudge as problem:
        return _Work(user, None, preview_id, problem)
    return _Work(user, started.task_id if started else None, preview_id)


@contextlib.asynccontextmanager
async def _switch(context: Context) -> AsyncIterator[tuple[Scene, Flip]]:
    """Yield where to play, and how to flip it: variables of a playground, or the deployment's own command."""
    if context.sandbox_url is None:
        yield Scene(context), _command(context)
        return
    async with playground(context) as ground:

        async def flip(mode: str) -> None:
            await ground.set_variables(TTS_PROVIDER_MODE=mode)

        yield Scene(ground.context, ground), flip


def _command(context: Context) -> Flip:
    """Return how the deployment of *context* is flipped. Raises `NotConfigured` when no command is configured."""
    switch = Switch(context)

    async def flip(mode: str) -> None:
        ending = (task := asyncio.current_task()) is not None and task.cancelling()
        if ending and mode != switch.home:
            return  # the run is interrupted: whoever entered the cell puts the declared mode back
        done = await switch.to(mode, f"to see the flip from {context.cell or switch.home}")
        # Whether languages tells the truth is what is judged, so a redeploy that it does not show is no error here.
        if done.ran.status != 0:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, context.wire.recorder.redactor.redact(done.problem))

    return flip


async def _watched(stage: Scene, user: Identity | None, task_id: str | None) -> Watch | None:
    if user is None or task_id is None:
        return None
    return await watch(user.client, task_id, patience_s=stage.session.settings.latency_budget_s)


async def speaker(stage: Scene, user: Identity) -> str | None:
    """Return the id of a fresh voice of *user*, or ``None`` when it could not be made."""
    prepared = await prepare(stage, user, "speaker")
    await pay_for_clone(stage)
    done = await finalize(stage, user, prepared)
    return prepared.voice_id if done.status == 200 else None


async def _speech(stage: Scene, user: Identity, voice_id: str | None) -> Start | None:
    said = spoken(stage.context.run_id, "Flip", 90)
    return None if voice_id is None else await start(stage.context, user, voice_id, said)


@dataclass(frozen=True)
class Traffic:
    """What was asked of each provider by a clone, a preview and a generate after a flip to *mode*."""

    mode: str
    lane: str
    finalize: Reply
    preview: Reply
    generate: Reply
    asked: dict[str, Asked]


@flow("traffic_after_flip")
async def traffic_after_flip(context: Context) -> Traffic:
    """Start in the other mode, flip, then clone, design and generate."""
    mode = context.settings.provider_mode
    async with playground(context, mode=other_mode(mode)) as ground:
        await ground.set_variables(TTS_PROVIDER_MODE=mode)
        stage = facing(ground, provider_mode=mode)
        user = await stage.user("traffic")
        await only_credits(ground, user.user_id)
        prepared = await prepare(stage, user, "traffic")
        done = await finalize(stage, user, prepared)
        said = wishes(stage, "traffic")
        begun = await begin(stage, user, said)
        started = await start(stage.context, user, prepared.voice_id, spoken(context.run_id, "Traffic"))
        for task_id in (text(json_object(begun), "task_id"), started.task_id):
            if task_id is not None:
                await watch(user.client, task_id, patience_s=context.settings.latency_budget_s)
        asked = {provider: tuple(await ground.providers.requests(provider)) for provider in ("dashscope", "modal")}
    return Traffic(mode, context.settings.lane, done, begun, started.reply, asked)


def facing(ground: Playground, **changes: object) -> Scene:
    """Return the scene on *ground* with changed settings, after a redeploy that changed them."""
    settings = ground.settings.model_copy(update=changes)
    anon = replace(ground.session.anon, settings=settings)
    session = replace(ground.session, settings=settings, anon=anon)
    return Scene(replace(ground.context, settings=settings, session=session), ground)
