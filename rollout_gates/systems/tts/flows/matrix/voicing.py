"""A voice of a scenario's own user: its making is not what is judged there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, pay_for_clone, prepare, voice_row
from rollout_gates.systems.tts.flows.matrix.designing import keep, preview, sample_of, wishes
from rollout_gates.systems.tts.flows.voice import can_speak
from rollout_gates.systems.tts.replies import json_object, text
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.identities import Identity


async def own_voice(stage: Scene, user: Identity) -> str:
    """Return a cloned voice of *user*, a designed one where no clone can speak. Raises `CouldNotJudge` for neither."""
    prepared = await prepare(stage, user, f"of {user.name}")
    await pay_for_clone(stage)
    cloned = await finalize(stage, user, prepared)
    if cloned.status == 200 and await _speaks(stage, user, prepared.voice_id):
        return prepared.voice_id
    said = wishes(stage, f"for {user.name}")
    seen = await preview(stage, user, said)
    if seen.status == "completed":
        saved = await keep(stage, user, said, seen.task_id, await sample_of(user, seen))
        voice_id = text(json_object(saved), "id")
        if voice_id is not None and await _speaks(stage, user, voice_id):
            return voice_id
    raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} could not get a voice to speak with")


async def _speaks(stage: Scene, user: Identity, voice_id: str) -> bool:
    needs = ("provider_voice_id", "provider_target_model") if stage.session.settings.is_qwen else ()
    return can_speak(await voice_row(user, voice_id), needs)
