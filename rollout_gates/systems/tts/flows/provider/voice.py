"""A cloned voice at the provider: planned before it is made, billed, removed at the end of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.provider.names import CLONE, OWNER, language_tag, not_made, preferred_name
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.provider.answers import succeeded, voice_of
from rollout_gates.systems.tts.provider.rest import provider_client
from rollout_gates.systems.tts.samples import reference_clip
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply, Resource


@dataclass(frozen=True)
class ProviderVoice:
    """A voice for *model*, and the answer that made it."""

    voice: str
    model: str
    reply: Reply


@flow("provider_voice")
async def provider_voice(context: Context) -> ProviderVoice:
    """Clone a voice for realtime sessions. Raises `OutOfBudget`, or `CouldNotJudge` when none could be made."""
    model = context.settings.provider_models.clone(realtime=True)
    if model is None:
        raise NotConfigured("no model that speaks clones over the WebSocket is named in tts.provider.models")
    _, reply = await cloned(context, model, "rt")
    voice = voice_of(reply)
    if voice is None:
        raise not_made("a voice for realtime sessions", reply)
    return ProviderVoice(voice, model, reply)


async def cloned(context: Context, model: str, what: str) -> tuple[Resource, Reply]:
    """Clone a voice for *model* from the reference clip; return how it is written down, and the answer."""
    session: Session = context.session
    client = provider_client(context.wire, session.settings)
    clip = reference_clip(session.settings.reference)
    name = preferred_name(context.run_id, what)
    await context.budget.spend("clone at the provider", KEY)
    planned = session.things.planned(CLONE, name, OWNER, how=f"cloned for {model}")
    reply = await client.create_clone(
        target_model=model, name=name, audio=clip.audio, text=clip.transcript, language=language_tag(clip.language)
    )
    if succeeded(reply):
        planned = session.things.made(planned, voice_of(reply))
    elif 400 <= reply.status < 500:
        session.things.gone(planned, f"was refused with {reply.status}")
    return planned, reply
