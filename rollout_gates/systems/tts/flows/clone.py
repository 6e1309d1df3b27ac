"""From a speech clip to a voice: upload URL, upload, finalize, list, preview."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import Playback, json_object, row_of, text
from rollout_gates.systems.tts.samples import reference_clip, voice_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Clone:
    """The steps of one clone; what comes after a step that failed was not tried and is ``None``."""

    name: str
    upload_url: Reply
    upload: Reply | None = None
    finalize: Reply | None = None
    listing: Reply | None = None
    preview: Playback | None = None
    sent_voice_id: str | None = None

    @property
    def voice_id(self) -> str | None:
        """The id of the finished voice."""
        done = self.finalize is not None and self.finalize.status == 200
        return (text(json_object(self.finalize), "id") or self.sent_voice_id) if done else None

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The voice as it is listed."""
        return row_of(self.listing, "voices", self.voice_id)


@flow("clone")
async def clone(context: Context) -> Clone:
    """Make a voice from the reference clip, as user A."""
    session: Session = context.session
    user = await session.user_a()
    clip = reference_clip(session.settings.reference)
    name = voice_name(context.run_id, "clone")
    said = {"name": name, "language": clip.language, "transcript": clip.transcript}

    asked = await user.client.clone_upload_url(**said)
    answer = json_object(asked)
    voice_id, url = text(answer, "voice_id"), text(answer, "upload_url")
    if asked.status != 200 or voice_id is None or url is None:
        return Clone(name, asked)
    uploaded = await user.client.upload(url, clip.audio, answered=asked.request.url)
    if uploaded.status not in (200, 201):
        return Clone(name, asked, uploaded)
    finalized = await _finalize(context, user, voice_id, said)
    if finalized.status != 200:
        return Clone(name, asked, uploaded, finalized, sent_voice_id=voice_id)
    listing, preview = await asyncio.gather(user.client.voices(per_page=100), _preview(user.client, voice_id))
    return Clone(name, asked, uploaded, finalized, listing, preview, voice_id)


async def _finalize(context: Context, user: Identity, voice_id: str, said: Mapping[str, str]) -> Reply:
    session: Session = context.session
    if session.settings.is_qwen:
        await context.budget.spend("clone", KEY)
    planned = session.things.planned("voice", voice_id, user.owner, how="cloned")
    async with user.busy:
        reply = await user.client.clone_finalize(voice_id=voice_id, description="made by a rollout gate", **said)
    refuse_poverty(reply, user.name, "a clone")
    if reply.status == 200:
        session.things.made(planned, text(json_object(reply), "id"))
    return reply


async def _preview(client: Client, voice_id: str) -> Playback:
    return await client.heard(await client.voice_preview(voice_id))
