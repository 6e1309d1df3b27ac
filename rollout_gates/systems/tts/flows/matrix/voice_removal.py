"""A voice that is deleted: what is left of it, who still sees it, and what comes of speaking with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import rows
from rollout_gates.systems.tts.flows.matrix.bench import usable_voice
from rollout_gates.systems.tts.flows.matrix.scene import scene
from rollout_gates.systems.tts.flows.speaking import Start, submit
from rollout_gates.systems.tts.identities import USER_A
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import json_object, row_of, text
from rollout_gates.systems.tts.samples import reference_clip, spoken, voice_name
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.scene import Scene
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Row = Mapping[str, Any]


@dataclass(frozen=True)
class VoiceRemoval:
    """Two deletes of one voice and what came after. *deletions* are the provider's, ``None`` where nobody sees them."""

    voice_id: str
    deletes: tuple[Reply, Reply]
    row: Row | None
    listing: Reply
    preview: Reply
    generate: Start
    charged: tuple[Row, ...]
    deletions: tuple[Mapping[str, Any], ...] | None

    @property
    def listed(self) -> Row | None:
        """The voice as it is still listed."""
        return row_of(self.listing, "voices", self.voice_id)


@flow("voice_removal")
async def voice_removal(context: Context) -> VoiceRemoval:
    """Clone a voice for this alone, delete it twice, and try to use it. Raises `CouldNotJudge` without a voice."""
    async with scene(context) as place:
        user = await place.user("remover" if place.ground is None else USER_A)
        voice_id = await (_cloned(place, user) if place.ground is None else usable_voice(place.context))
        first = await user.client.delete_voice(voice_id)
        second = await user.client.delete_voice(voice_id)
        found, listing, preview = await asyncio.gather(
            rows(user.client, "voices", id=f"eq.{voice_id}"),
            user.client.voices(per_page=100),
            user.client.voice_preview(voice_id),
        )
        before = await rows(user.client, "credit_ledger")
        started = await submit(place.context, user, voice_id, spoken(context.run_id, "Removed"))
        after = await rows(user.client, "credit_ledger")
        if started.task_id is not None and started.reply.status == 200:
            await user.client.cancel_task(started.task_id)
        known = {row["id"] for row in before}
        deletions = await place.asked("dashscope")
        return VoiceRemoval(
            voice_id,
            (first, second),
            found[0] if found else None,
            listing,
            preview,
            started,
            tuple(row for row in after if row["id"] not in known),
            None if deletions is None else tuple(each for each in deletions if "delete" in str(each["call"])),
        )


async def _cloned(place: Scene, user: Identity) -> str:
    settings, things = place.session.settings, place.session.things
    clip = reference_clip(settings.reference)
    said = {"name": voice_name(place.context.run_id, "removed"), "language": clip.language}
    said["transcript"] = clip.transcript
    asked = await user.client.clone_upload_url(**said)
    voice_id, url = text(json_object(asked), "voice_id"), text(json_object(asked), "upload_url")
    if voice_id is None or url is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no voice to delete: upload-url answered {asked.status}")
    await user.client.upload(url, clip.audio, answered=asked.request.url)
    if settings.is_qwen:
        await place.context.budget.spend("clone", KEY)
    things.planned("voice", voice_id, user.owner, how="cloned")
    made = await user.client.clone_finalize(voice_id=voice_id, **said)
    if made.status != 200:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no voice to delete: finalize answered {made.status}")
    return voice_id
