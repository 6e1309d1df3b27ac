"""A rollback of the code: the build before the adapter, on the new schema, with what was made and deleted before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.bench import PATIENCE_S, QUICK
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, prepare
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.speaking import start
from rollout_gates.systems.tts.playground import playground
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch, watch

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.speaking import Start
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.replies import Playback
    from rollout_gates.wire import Reply

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class RolledBack:
    """The old build after the new one: what it lists and plays, and what it makes.

    *kept* and *deleted* are voices of the new build, the latter deleted by its user before the rollback; *before* is
    the list at that time. *generation_id* is empty where the new build could not speak. *made* is a clone, *started*
    and *watch* a generate of the old build.
    """

    kept: str
    deleted: str
    generation_id: str
    before: Reply
    voices: Reply
    generations: Reply
    replay: Playback
    made: Reply
    started: Start
    watch: Watch | None


@flow("rolled_back")
async def rolled_back(context: Context) -> RolledBack:
    """Roll an instance of the sandbox back. Raises `NotConfigured` elsewhere."""
    async with playground(context, mode="modal") as ground:
        for provider, habits in QUICK.items():
            await ground.providers.options(provider, **habits)
        scene = Scene(ground.context, ground)
        user = await scene.user("rolledback")
        await ground.database.update("profiles", {"credits_remaining": RICH}, id=user.user_id)
        kept, deleted = [await _voice(scene, user, name) for name in ("kept", "deleted")]
        started, seen = await _spoken(scene, user, kept, "Before the rollback")
        could_speak = seen is not None and seen.status == "completed"
        generation_id = started.generation_id or "" if could_speak else ""
        await user.client.delete_voice(deleted)
        before = await user.client.voices(per_page=100)
        await ground.control.call("POST", "build", {"build": "old"})
        voices, listing = await user.client.voices(per_page=100), await user.client.generations(per_page=100)
        replay = await user.client.heard(await user.client.generation_audio(generation_id or UNKNOWN))
        prepared = await prepare(scene, user, "of the old build")
        made = await finalize(scene, user, prepared)
        spoke = await _spoken(scene, user, kept, "After the rollback")
        return RolledBack(kept, deleted, generation_id, before, voices, listing, replay, made, *spoke)


async def _voice(scene: Scene, user: Identity, name: str) -> str:
    prepared = await prepare(scene, user, name)
    await finalize(scene, user, prepared)
    return prepared.voice_id


async def _spoken(scene: Scene, user: Identity, voice_id: str, what: str) -> tuple[Start, Watch | None]:
    started = await start(scene.context, user, voice_id, spoken(scene.context.run_id, what))
    if started.task_id is None:
        return started, None
    return started, await watch(user.client, started.task_id, patience_s=PATIENCE_S)
