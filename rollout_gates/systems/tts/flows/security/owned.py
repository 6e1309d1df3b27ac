"""What a user has that others could reach for: written by the service role, left by the smoke gate, or made anew."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared, finalize, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.designing import wishes
from rollout_gates.systems.tts.flows.matrix.planting import plant, work
from rollout_gates.systems.tts.flows.settling import settled
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.samples import LANGUAGE, TRANSCRIPT, spoken, tag, voice_name
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.speech import Speech
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity

Row = dict[str, Any]
AT_WORK, ENDED = "task at work", "task that ended"
REFERENCES, GENERATIONS = "references", "generations"


@dataclass(frozen=True)
class Preview:
    """A finished preview that its owner may save: what was asked for, and its task."""

    said: Mapping[str, str]
    task_id: str


@dataclass(frozen=True)
class Owned:
    """Things of *owner*. *tasks* are by what they are; *clip* is uploaded, and no voice was made of it.

    In prod there is no clip. *voice_key* and *audio_key* are where the clip of the voice and the generation's audio
    lie, ``None`` where that is not known. What is *spare* nobody else needs, so that its owner may use it up.
    """

    owner: Identity
    voice_id: str
    generation_id: str
    tasks: Mapping[str, str]
    clip: Prepared | None = None
    preview: Preview | None = None
    voice_key: str | None = None
    audio_key: str | None = None
    spare: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all of it."""
        others = (self.clip.voice_id if self.clip else None, self.preview.task_id if self.preview else None)
        return (self.voice_id, self.generation_id, *self.tasks.values(), *(each for each in others if each))


async def planted(stage: Scene, user: Identity, what: str, *, at_work: bool = True) -> Owned:
    """Write a voice, a generation with its audio, tasks and a preview of *user*; only clips are uploaded by them.

    A task *at_work* keeps a user from speaking, so that is not done to one whom other scenarios share. Raises
    `NotConfigured` without a service role, `CouldNotJudge` where something is refused.
    """
    cloned, clip = await prepare(stage, user, what), await prepare(stage, user, f"{what}, unused")
    voice = {**voice_row(stage, user, what, cloned.object_key), "id": cloned.voice_id}
    await plant(stage, user, voice)
    generation = await plant(stage, user, generation_row(stage, user, what, cloned.voice_id), "generations")
    audio_key = str(generation["audio_object_key"])
    await _store(stage, user, audio_key, cloned.clip)
    ended = await plant(stage, user, _task(stage, user, "generate", generation_id=generation["id"]), "tasks")
    tasks = {ENDED: str(ended["id"])}
    if at_work and user.fresh:
        tasks[AT_WORK] = str((await work(stage, user, spoken(stage.context.run_id, what))).task_id)
    preview = await _preview(stage, user, what, clip) if stage.session.settings.is_qwen else None
    keys = cloned.object_key, audio_key
    return Owned(user, cloned.voice_id, str(generation["id"]), tasks, clip, preview, *keys, spare=True)


def voice_row(stage: Scene, user: Identity, what: str, key: str) -> Row:
    """Return a voice of *user* in the present mode, whose clip lies under *key*."""
    settings = stage.session.settings
    row = {
        **_common(user),
        "name": voice_name(stage.context.run_id, what),
        "language": LANGUAGE,
        "source": "uploaded",
        "reference_transcript": TRANSCRIPT,
        "reference_object_key": key,
        "tts_provider": settings.provider_mode,
    }
    if settings.is_qwen:
        row |= _at_the_provider(stage, "vc", settings.vc_model)
    return row


def generation_row(stage: Scene, user: Identity, what: str, voice_id: str, key: str | None = None) -> Row:
    """Return a generation in a voice of *user*, with its audio under *key*, or where the system would put it."""
    common = _common(user)
    return {
        **common,
        "voice_id": voice_id,
        "text": spoken(stage.context.run_id, what),
        "language": "Auto",
        "status": "completed",
        "tts_provider": stage.session.settings.provider_mode,
        "audio_object_key": key or f"{user.user_id}/{common['id']}.wav",
        "completed_at": datetime.now(UTC).isoformat(),
    }


async def _preview(stage: Scene, user: Identity, what: str, clip: Prepared) -> Preview:
    settings, said = stage.session.settings, wishes(stage, what)
    names = _at_the_provider(stage, "vd", settings.vd_model)
    result = {**names, "object_key": clip.object_key, "provider_request_id": str(uuid.uuid4())}
    row = await plant(stage, user, _task(stage, user, "design_preview", metadata=dict(said), result=result), "tasks")
    return Preview(said, str(row["id"]))


def _task(stage: Scene, user: Identity, kind: str, **more: Any) -> Row:
    ended = {"status": "completed", "completed_at": datetime.now(UTC).isoformat()}
    return {**_common(user), "type": kind, "provider": stage.session.settings.provider_mode, **ended, **more}


def _common(user: Identity) -> Row:
    return {"id": str(uuid.uuid4()), "user_id": user.user_id}


def _at_the_provider(stage: Scene, kind: str, model: str | None) -> Row:
    """Return the columns of a voice that the provider does not know: nothing planted may cost anything."""
    return {
        "provider_voice_id": f"qwen-tts-{kind}-{tag(stage.context.run_id)}-voice-{uuid.uuid4().hex[:12]}",
        "provider_target_model": model,
        "provider_voice_kind": kind,
    }


async def _store(stage: Scene, user: Identity, key: str, audio: bytes) -> None:
    service = stage.session.settings.secret("service_role_key")
    if service is None:
        raise CouldNotJudge(Reason.NOT_CONFIGURED, "audio is stored by the service role")
    reply = await user.client.store(GENERATIONS, key, audio, "audio/wav", bearer=service)
    if reply.status not in (200, 201):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"audio could not be stored for a generation: {reply.status}")


async def left_by_smoke(stage: Scene) -> Owned:
    """Return what the flows of the smoke gate made for user A; a clip, which nobody can remove, not in prod.

    Raises `CouldNotJudge` where that is not enough.
    """
    context = stage.context
    voice: Voice = await context.observe("voice")
    speech: Speech | None = await settled(context, "speech")
    design: Design | None = await settled(context, "design")
    user = await stage.session.user_a()
    if speech is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "user A had nothing spoken that others could reach for")
    preview = None
    if stage.session.settings.is_qwen and design is not None and design.watch is not None:
        preview = Preview(wishes(stage, "foreign save"), design.watch.task_id)
    clip = None if stage.context.environment.kind == "prod" else await prepare(stage, user, "foreign clip")
    return _spoken(user, voice.voice_id, speech.started, clip, preview)


async def made(stage: Scene, user: Identity, what: str) -> Owned:
    """Clone a voice of *user* and have it speak. Raises `OutOfBudget`, or `CouldNotJudge` where that fails."""
    cloned = await prepare(stage, user, what)
    await pay_for_clone(stage)
    async with user.busy:
        answer = await finalize(stage, user, cloned)
        if answer.status != 200:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} has no voice: finalize answered {answer.status}")
        begun = await start(stage.context, user, cloned.voice_id, spoken(stage.context.run_id, what))
        if begun.task_id is not None:
            await watch(user.client, begun.task_id, patience_s=stage.session.settings.latency_budget_s)
    return _spoken(user, cloned.voice_id, begun, await prepare(stage, user, "foreign clip"), None)


def _spoken(user: Identity, voice_id: str, begun: Start, clip: Prepared | None, preview: Preview | None) -> Owned:
    if begun.task_id is None or begun.generation_id is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} had nothing spoken: {begun.reply.status}")
    return Owned(user, voice_id, begun.generation_id, {ENDED: begun.task_id}, clip, preview)
