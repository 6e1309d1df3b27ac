"""From a description to a voice: preview, wait, save, list, hear it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import refuse_poverty
from rollout_gates.systems.tts.flows.speaking import newest_task
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import Playback, json_object, row_of, rows, text, value
from rollout_gates.systems.tts.samples import LANGUAGE, spoken, voice_name
from rollout_gates.systems.tts.watching import Watch, watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

_INSTRUCT = "A calm adult voice, clear and even, at an unhurried pace."


@dataclass(frozen=True)
class Design:
    """The steps of one design; what comes after a step that failed was not tried and is ``None``.

    *sample* is the preview's audio before it is saved, *preview* the saved voice's clip through its own route, and
    *voice_id* the saved voice.
    """

    name: str
    preview_task: Reply
    watch: Watch | None = None
    sample: Reply | None = None
    save: Reply | None = None
    listing: Reply | None = None
    preview: Playback | None = None
    voice_id: str | None = None

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The voice as it is listed."""
        return row_of(self.listing, "voices", self.voice_id)


@flow("design")
async def design(context: Context) -> Design:
    """Design a voice and keep it, as user A."""
    session: Session = context.session
    user = await session.user_a()
    name = voice_name(context.run_id, "design")
    said = {"text": spoken(context.run_id, "Preview"), "language": LANGUAGE, "instruct": _INSTRUCT, "name": name}

    seen = await _preview(context, user, name, said)
    if seen.watch is None or seen.watch.status != "completed":
        return seen
    seen = replace(seen, sample=await _sample(user, seen.watch.last))
    if not session.settings.is_qwen and (seen.sample is None or not seen.sample.body):
        return seen
    return await _saved(session, user, seen, said)


async def _preview(context: Context, user: Identity, name: str, said: Mapping[str, str]) -> Design:
    session: Session = context.session
    await context.budget.spend("design preview", KEY)
    planned = session.things.planned("task", name, user.owner, how="design preview")
    async with user.busy:
        begun = await user.client.design_preview(**said)
    refuse_poverty(begun, user.name, "a design preview")
    if begun.status != 200:
        return Design(name, begun)
    task_id = text(json_object(begun), "task_id") or await newest_task(user.client, "design_preview")
    if task_id is None:
        return Design(name, begun)
    session.things.made(planned, task_id)
    return Design(name, begun, await watch(user.client, task_id, patience_s=session.settings.latency_budget_s))


async def _sample(user: Identity, ended: Reply) -> Reply | None:
    result = value(json_object(ended), "result")
    url = text(result, "audio_url") if isinstance(result, dict) else None
    return await user.client.fetch(url, answered=ended.request.url) if url else None


async def _saved(session: Session, user: Identity, seen: Design, said: Mapping[str, str]) -> Design:
    fields = dict(said)
    if session.settings.is_qwen and seen.watch is not None:
        fields["task_id"] = seen.watch.task_id
    audio = None if session.settings.is_qwen or seen.sample is None else seen.sample.body
    planned = session.things.planned("voice", seen.name, user.owner, how="designed")
    seen = replace(seen, save=await user.client.design_save(fields, audio))
    if seen.save is None or seen.save.status != 200:
        return seen
    listing = await user.client.voices(per_page=100)
    named = (text(row, "id") for row in rows(listing, "voices") if row.get("name") == seen.name)
    voice_id = text(json_object(seen.save), "id") or next(named, None)
    if voice_id is None:
        return replace(seen, listing=listing)
    session.things.made(planned, voice_id)
    preview = await user.client.heard(await user.client.voice_preview(voice_id))
    return replace(seen, listing=listing, preview=preview, voice_id=voice_id)
