"""Whether the routes that name new columns answer: new code on the old schema does not (section 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class VoiceRoutes:
    """A user's list of voices, and of generations, which answers on either schema."""

    voices: Reply
    generations: Reply


@flow("voice_routes")
async def voice_routes(context: Context) -> VoiceRoutes:
    """Ask for both lists, as a user."""
    session: Session = context.session
    client = (await session.user_a()).client
    return VoiceRoutes(await client.voices(per_page=1), await client.generations(per_page=1))
