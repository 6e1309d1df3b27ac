"""Designs beyond the plain one: saved twice, saved in parallel, and seen in their rows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.matrix.scene import Asked, Scene, scene
from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.flows.speaking import newest_task
from rollout_gates.systems.tts.replies import Playback, json_object, text, value
from rollout_gates.systems.tts.samples import LANGUAGE, spoken, voice_name
from rollout_gates.systems.tts.watching import Watch, watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

INSTRUCT = "A calm adult voice, clear and even, at an unhurried pace."
PARALLEL = 6


@dataclass(frozen=True)
class Designed:
    """A design from its preview to its second save.

    *samples* are the audio of the preview before it is saved, and in mode modal of the sandbox that of one whose
    service answered "not yet" first. *heard* is the saved voice's clip, *task* and *voice* are rows as they are stored,
    *voices* all rows with the design's name, and *creates* the provider calls until then, ``None`` where nobody can see
    them.
    """

    said: Mapping[str, str]
    watch: Watch
    task: Mapping[str, Any] | None
    samples: tuple[Reply | None, ...] = ()
    save: Reply | None = None
    again: Reply | None = None
    voice: Mapping[str, Any] | None = None
    heard: Playback | None = None
    voices: tuple[Mapping[str, Any], ...] = ()
    creates: Asked | None = None


@flow("designed")
async def designed(context: Context) -> Designed:
    """Design a voice, save it, and save it again."""
    async with scene(context) as stage:
        user = await stage.user("designed")
        said = wishes(stage, "saved twice")
        seen = await preview(stage, user, said)
        task = await task_row(user, seen.task_id)
        sample = await sample_of(user, seen)
        samples = (sample, *(await _interim(stage)))
        if seen.status != "completed" or not (stage.session.settings.is_qwen or (sample and sample.body)):
            return Designed(said, seen, task, samples)
        save = await keep(stage, user, said, seen.task_id, sample)
        saved_id = text(json_object(save), "id")
        if save.status != 200 or saved_id is None:
            return Designed(said, seen, task, samples, save, creates=await stage.asked("dashscope", "design_create"))
        again = await keep(stage, user, said, seen.task_id, sample) if stage.session.settings.is_qwen else None
        voices = await own_rows(user, "voices", name=f"eq.{said['name']}", order="created_at")
        voice = next((row for row in voices if row.get("id") == saved_id), None)
        heard = await user.client.heard(await user.client.voice_preview(saved_id))
        creates = await stage.asked("dashscope", "design_create")
    return Designed(said, seen, task, samples, save, again, voice, heard, voices, creates)


async def _interim(stage: Scene) -> tuple[Reply | None, ...]:
    """Return the audio of a preview whose service redirects to a result that is not there yet, with modal."""
    if stage.ground is None or stage.session.settings.is_qwen:
        return ()
    await stage.ground.providers.options("modal", design_redirect=303, design_interim=1)
    user = await stage.user("interim")
    seen = await preview(stage, user, wishes(stage, "interim"))
    await stage.ground.providers.options("modal", design_redirect=0)
    return (await sample_of(user, seen),)


@dataclass(frozen=True)
class SavedInParallel:
    """One preview, saved several times at once, and the active voices that came of it."""

    answers: tuple[Reply, ...]
    voices: tuple[Mapping[str, Any], ...]


@flow("saved_in_parallel")
async def saved_in_parallel(context: Context) -> SavedInParallel:
    """Save one preview several times at once. Raises `CouldNotJudge` when there is none to be saved."""
    async with scene(context) as stage:
        user = await stage.user("parallel_save")
        said = wishes(stage, "saved at once")
        seen = await preview(stage, user, said)
        if seen.status != "completed":
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the preview ended as {' > '.join(seen.statuses)}")
        answers = await asyncio.gather(*(keep(stage, user, said, seen.task_id) for _ in range(PARALLEL)))
        voices = await own_rows(user, "voices", name=f"eq.{said['name']}", deleted_at="is.null")
    return SavedInParallel(tuple(answers), voices)


# --- steps that other flows take as well


def wishes(stage: Scene, what: str) -> dict[str, str]:
    """Return the body of a preview, all of it unique to run and purpose."""
    name = voice_name(stage.context.run_id, what)
    return {"text": spoken(stage.context.run_id, what), "language": LANGUAGE, "instruct": INSTRUCT, "name": name}


async def begin(stage: Scene, user: Identity, said: Mapping[str, str]) -> Reply:
    """Ask for a preview. Raises `CouldNotJudge` when the user cannot pay."""
    await stage.pay("design preview")
    things = stage.session.things
    planned = things.planned("task", said["name"], user.owner, how="design preview")
    async with user.busy:
        begun = await user.client.design_preview(**said)
    refuse_poverty(begun, user.name, "a design preview")
    if begun.status == 200:
        things.made(planned, text(json_object(begun), "task_id"))
    return begun


async def preview(stage: Scene, user: Identity, said: Mapping[str, str]) -> Watch:
    """Have a preview made and wait for its end. Raises `CouldNotJudge` when it was not even begun."""
    begun = await begin(stage, user, said)
    task_id = text(json_object(begun), "task_id")
    if begun.status == 200 and task_id is None:
        task_id = await newest_task(user.client, "design_preview")
    if task_id is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no preview was begun: it was answered {begun.status}")
    return await watch(user.client, task_id, patience_s=stage.session.settings.latency_budget_s)


async def keep(
    stage: Scene, user: Identity, said: Mapping[str, str], task_id: str, sample: Reply | None = None
) -> Reply:
    """Save the preview as a voice; with modal *sample* is its audio."""
    things = stage.session.things
    fields, audio = dict(said), None
    if stage.session.settings.is_qwen:
        fields["task_id"] = task_id
    elif sample is not None:
        audio = sample.body
    planned = things.planned("voice", said["name"], user.owner, how="designed")
    reply = await user.client.design_save(fields, audio)
    voice_id = text(json_object(reply), "id")
    if reply.status == 200 and voice_id is not None:
        things.made(planned, voice_id)
    return reply


async def task_row(user: Identity, task_id: str) -> Mapping[str, Any] | None:
    """Return the task as it is stored, or ``None``."""
    return next(iter(await own_rows(user, "tasks", id=f"eq.{task_id}")), None)


async def sample_of(user: Identity, seen: Watch) -> Reply | None:
    """Return the audio of a finished preview, ``None`` where its task leads to none."""
    result = value(json_object(seen.last), "result")
    url = text(result, "audio_url") if isinstance(result, dict) else None
    return await user.client.fetch(url, answered=seen.last.request.url) if url else None
