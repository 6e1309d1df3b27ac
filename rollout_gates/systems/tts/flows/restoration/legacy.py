"""What was made before the qwen migration, seen after a cutover and its restoration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.bench import PATIENCE_S, QUICK
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.replies import row_of
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.replies import Playback
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Legacy:
    """A voice and a generation of the old build, before the migration and after the restoration."""

    voice_id: str
    generation_id: str
    voice_before: Mapping[str, Any] | None
    voices: Reply
    generations: Reply
    heard_before: Playback
    heard: Playback


@flow("legacy")
async def legacy(context: Context) -> Legacy:
    """Act it out on an instance of the sandbox. Raises `NotConfigured` elsewhere."""
    async with playground(context, mode="modal", build="old") as ground:
        for provider, habits in QUICK.items():
            await ground.providers.options(provider, **habits)
        scene = Scene(ground.context, ground)
        user = await scene.user("legacy")
        await ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
        client, prepared = user.client, await prepare(scene, user, "legacy")
        await finalize(scene, user, prepared)
        started = await start(scene.context, user, prepared.voice_id, spoken(context.run_id, "Before the migration"))
        if started.task_id is None or started.generation_id is None:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the old build answered a generate with {started.reply.status}")
        await watch(client, started.task_id, patience_s=PATIENCE_S)
        before = row_of(await client.voices(per_page=100), "voices", prepared.voice_id)
        heard_before = await client.heard(await client.generation_audio(started.generation_id))
        await ground.control.call("POST", "migrate")
        await ground.control.call("POST", "build", {"build": "new"})
        for mode in ("qwen", "modal"):
            await ground.set_variables(TTS_PROVIDER_MODE=mode)
        voices, generations = await client.voices(per_page=100), await client.generations(per_page=100)
        heard = await client.heard(await client.generation_audio(started.generation_id))
        return Legacy(prepared.voice_id, started.generation_id, before, voices, generations, heard_before, heard)
