"""A rehearsal, from the cutover to the restoration and to the next cutover; what was seen on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.cancel import came_too_late
from rollout_gates.systems.tts.flows.errors import handled_errors
from rollout_gates.systems.tts.flows.isolation import GENERATION, TASK, VOICE, Reach
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, aftermath
from rollout_gates.systems.tts.flows.matrix.bench import PATIENCE_S, calls
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.designing import begin, sample_of, wishes
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.matrix.worker_death import WAITED_S
from rollout_gates.systems.tts.flows.restoration.drill import Drill, Turned, drill
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.replies import json_object, row_of, text, value
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch, watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.errors import Probes
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.replies import Playback
    from rollout_gates.wire import Reply

MODAL, QWEN = "modal", "qwen"
_OVERDUE_S = 8.0
_TRIES = (48, 96, 160)


@dataclass(frozen=True)
class Spoken:
    """A text spoken: its start, how it went, and the audio at its end."""

    voice_id: str
    started: Start
    watch: Watch | None = None
    audio: Playback | None = None

    @property
    def heard(self) -> bool:
        """Whether it completed, and its audio came whole."""
        return (
            self.watch is not None and self.watch.status == "completed" and bool(self.audio and self.audio.size_bytes)
        )


@dataclass(frozen=True)
class Flight:
    """A generate of mode qwen that was at work when the mode was flipped back. *title* says what else befell it."""

    title: str
    started: Start
    watch: Watch
    left: Aftermath


@dataclass(frozen=True)
class AfterModal:
    """What modal did after the restoration. What could not be begun is ``None``."""

    clone: Reply
    preview: Reply
    preview_watch: Watch | None
    sample: Reply | None
    speech: Spoken | None
    cancel_start: Start | None
    cancel: Reply | None
    cancelled: Reply | None


@dataclass(frozen=True)
class Restored:
    """A whole rehearsal.

    *period* is what was made in mode qwen; *listing* and *replay* are the same after the restoration, *refused* the try
    to speak in its voice then. *again* and *reused* are the next cutover, and the same voice in it. *to_restore_s* runs
    from the beginning of the flip back until modal could be heard, ``None`` if it never was.
    """

    period: Spoken
    flights: tuple[Flight, ...]
    back: Turned
    modal: AfterModal
    to_restore_s: float | None
    listing: Reply
    replay: Playback
    refused: Reply
    reaches: tuple[Reach, ...]
    errors: Probes
    again: Turned
    reused: Spoken

    @property
    def ran_modal(self) -> bool:
        """Whether the deployment came to run modal, by what languages says or by a task of its own."""
        seen = self.modal.preview_watch
        return self.back.shown_after_s is not None or (
            seen is not None and value(json_object(seen.last), "provider") == MODAL
        )

    @property
    def listed(self) -> Mapping[str, Any] | None:
        """The generation of the qwen period as it is listed after the restoration."""
        return row_of(self.listing, "generations", self.period.started.generation_id)


@flow("restored", last=True)
async def restored(context: Context) -> Restored:
    """Rehearse. Raises `NotConfigured` without a way to flip, `CouldNotJudge` where qwen did not work to begin with."""
    async with drill(context) as stage:
        if stage.ground is not None or stage.home != QWEN:
            await stage.to(QWEN, "to rehearse the restoration: use qwen first")
        return await _rehearsed(context, stage)


async def _rehearsed(context: Context, stage: Drill) -> Restored:
    qwen, modal = stage.scene(QWEN), stage.scene(MODAL)
    user = await stage.user(qwen, "restored")
    voice_id = await own_voice(qwen, user)
    period = await _spoken(qwen, user, voice_id, "Before the restoration")
    pilots = await _taken_off(stage, qwen, voice_id, user)
    began = time.monotonic()
    back = await stage.to(MODAL, "to restore modal")
    flights = [await _landed(stage, pilots)] if pilots else []
    after = await _after(stage, modal, await _another(stage, modal, user, "backonmodal"))
    to_restore_s = round(time.monotonic() - began, 1) if after.speech is not None and after.speech.heard else None
    _tell(context, back, to_restore_s)
    listing = await user.client.generations(per_page=100)
    replay = await user.client.heard(await user.client.generation_audio(period.started.generation_id or ""))
    refused = await user.client.generate(voice_id=voice_id, text=spoken(context.run_id, "In a qwen voice"))
    reaches = await _reaches(modal, user, period)
    errors = await handled_errors.act(modal.context)
    flights += await _orphaned(stage, qwen, pilots)
    again = await stage.to(QWEN, "to cut over again")
    reused = await _spoken(qwen, user, voice_id, "After the next cutover")
    return Restored(
        period, tuple(flights), back, after, to_restore_s, listing, replay, refused, reaches, errors, again, reused
    )


async def _another(stage: Drill, scene: Scene, user: Identity, name: str) -> Identity:
    """Return a user beside *user*, who has credits of their own; the same one where nobody can be signed up."""
    return await stage.user(scene, name) if user.fresh else user


def _tell(context: Context, back: Turned, to_restore_s: float | None) -> None:
    shown = (
        f"languages named modal after {back.took_s + back.shown_after_s:g} s"
        if back.shown_after_s is not None
        else ("languages never named modal")
    )
    heard = f"modal was heard after {to_restore_s:g} s" if to_restore_s is not None else "modal was never heard"
    context.note(f"time to restore: {shown}, {heard}")


async def _spoken(scene: Scene, user: Identity, voice_id: str, what: str) -> Spoken:
    async with user.busy:
        started = await start(scene.context, user, voice_id, spoken(scene.context.run_id, what))
        if started.task_id is None:
            return Spoken(voice_id, started)
        seen = await watch(user.client, started.task_id, patience_s=_patience_s(scene))
    if seen.status != "completed" or started.generation_id is None:
        return Spoken(voice_id, started, seen)
    audio = await user.client.heard(await user.client.generation_audio(started.generation_id))
    return Spoken(voice_id, started, seen, audio)


def _patience_s(scene: Scene) -> float:
    return PATIENCE_S if scene.ground is not None else float(scene.session.settings.latency_budget_s)


# --- work that is under way


@dataclass(frozen=True)
class _Pilots:
    """Whose generates are under way when the mode flips: one goes on, one loses its worker (in the sandbox alone)."""

    user: Identity
    started: Start
    orphan: Identity | None = None
    orphaned: Start | None = None


async def _taken_off(stage: Drill, qwen: Scene, voice_id: str, user: Identity) -> _Pilots | None:
    """Begin what is under way. ``None`` where it was refused."""
    if stage.ground is None:
        pilot = await _another(stage, qwen, user, "pilot")
        voice = voice_id if pilot is user else await own_voice(qwen, pilot)
        async with pilot.busy:
            started = await start(qwen.context, pilot, voice, spoken(qwen.context.run_id, "In flight", 90))
        return _Pilots(pilot, started) if started.task_id else None
    speak = calls(qwen.session.settings)["speak"]
    await stage.ground.providers.hold(*speak, 2)
    pilots = []
    for number, name in enumerate(("pilot", "orphan"), start=1):
        each = await stage.user(qwen, name)
        voice = await own_voice(qwen, each)
        started = await start(qwen.context, each, voice, spoken(qwen.context.run_id, name))
        if started.task_id is None or not await stage.ground.providers.until_held(
            *speak, number, patience_s=PATIENCE_S
        ):
            return None
        pilots.append((each, started))
    return _Pilots(*pilots[0], *pilots[1])


async def _landed(stage: Drill, pilots: _Pilots) -> Flight:
    """Let the first one go on, and wait for its end."""
    if stage.ground is not None:
        speak = calls(stage.scene(QWEN).session.settings)["speak"]
        await stage.ground.providers.release(*speak, 1)
    patience_s = _patience_s(stage.scene(QWEN))
    seen = await watch(pilots.user.client, pilots.started.task_id or "", patience_s=patience_s)
    return Flight("that went on", pilots.started, seen, await aftermath(pilots.user, pilots.started))


async def _orphaned(stage: Drill, qwen: Scene, pilots: _Pilots | None) -> list[Flight]:
    """Let the worker of the second one die, as a redeploy may end it, and half an hour pass."""
    if stage.ground is None or pilots is None or pilots.orphan is None or pilots.orphaned is None:
        return []
    await stage.ground.kill_worker()
    await stage.ground.providers.release(*calls(qwen.session.settings)["speak"])
    await stage.ground.skip(WAITED_S)
    seen = await watch(pilots.orphan.client, pilots.orphaned.task_id or "", patience_s=_OVERDUE_S)
    left = await aftermath(pilots.orphan, pilots.orphaned)
    return [Flight("whose worker died with the redeploy", pilots.orphaned, seen, left)]


# --- modal, after the restoration


async def _after(stage: Drill, modal: Scene, user: Identity) -> AfterModal:
    prepared = await prepare(modal, user, "after the restoration")
    cloned = await finalize(modal, user, prepared)
    preview = await begin(modal, user, wishes(modal, "after the restoration"))
    task_id = text(json_object(preview), "task_id")
    watched = await watch(user.client, task_id, patience_s=_patience_s(modal)) if task_id else None
    sample = await sample_of(user, watched) if watched is not None and watched.status == "completed" else None
    if cloned.status != 200:
        return AfterModal(cloned, preview, watched, sample, None, None, None, None)
    speech = await _spoken(modal, user, prepared.voice_id, "After the restoration")
    return AfterModal(
        cloned, preview, watched, sample, speech, *await _cancelled(stage, modal, user, prepared.voice_id)
    )


async def _cancelled(
    stage: Drill, modal: Scene, user: Identity, voice_id: str
) -> tuple[Start | None, Reply | None, Reply | None]:
    """Cancel a generate at work. Raises `CouldNotJudge` when every one had ended before its cancel arrived."""
    if stage.ground is not None:
        await stage.ground.providers.options("modal", job_s=600)
    for length in _TRIES:
        async with user.busy:
            started = await start(modal.context, user, voice_id, spoken(modal.context.run_id, "Cancel", length))
        if started.task_id is None:
            return started, None, None
        cancel = await user.client.cancel_task(started.task_id)
        if not came_too_late(cancel):
            return started, cancel, await user.client.task(started.task_id)
    raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "no task could be caught at work after the restoration")


async def _reaches(modal: Scene, user: Identity, period: Spoken) -> tuple[Reach, ...]:
    """Have another user reach for what was made in the qwen period."""
    other = (await modal.user("stranger")).client if user.fresh else (await modal.session.user_b()).client
    mine, made = user.client, period.started
    task_id, generation_id = made.task_id or "", made.generation_id or ""
    return (
        Reach("read the task", TASK, await mine.task(task_id), await other.task(task_id)),
        Reach(
            "hear the generation", GENERATION, await mine.generation_audio(generation_id),
            await other.generation_audio(generation_id),
        ),
        Reach(
            "hear the voice", VOICE, await mine.voice_preview(period.voice_id),
            await other.voice_preview(period.voice_id),
        ),
    )  # fmt: skip
