"""Who is let in to the stream route: nobody without a good token, and nobody into another's voice."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.systems.tts.client import Caller
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class StreamDoors:
    """The same call by nobody (*without*), with what is no token (*bad*), with the public key, and by a user (*twin*).

    It asks for a voice that does not exist, so that it costs nothing wherever it is let in.
    """

    without: Reply
    bad: Reply
    public: Reply
    twin: Reply


@flow("stream_doors")
async def stream_doors(context: Context) -> StreamDoors:
    """Try the doors of the stream route."""
    session: Session = context.session
    garbage = f"not-a-token-{secrets.token_hex(8)}"
    # It opens nothing, so a reader of the transcript may see it.
    context.wire.recorder.redactor.allow(garbage)
    key = session.settings.secret("anon_key")
    anon, twin = session.anon, (await session.identities.get("stream_prober")).client
    callers = {
        "without": anon,
        "bad": anon.speaking_as(Caller("bad_token", Secret(garbage))),
        "public": anon.speaking_as(Caller("anon_key", key)) if key is not None else anon,
        "twin": twin,
    }
    voice_id = str(uuid.uuid4())
    return StreamDoors(**{name: await _asked(client, voice_id) for name, client in callers.items()})


@dataclass(frozen=True)
class ForeignStream:
    """User B asks for a stream in user A's voice, and in one that does not exist.

    *own* is the answer to A who asks for the voice's preview: it is there.
    """

    foreign: Reply
    unknown: Reply
    own: Reply


@flow("stream_foreign")
async def stream_foreign(context: Context) -> ForeignStream:
    """Reach for another's voice. Raises `NotConfigured` where there is only one user."""
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    mine, other = await session.user_a(), await session.user_b()
    if mine.user_id == other.user_id:
        raise NotConfigured("a foreign voice needs two users: configure user_b or set sign_up = true")
    foreign = await _asked(other.client, voice.voice_id)
    unknown = await _asked(other.client, str(uuid.uuid4()))
    # Which costs nothing. That A is let in to stream in it is seen where a stream is heard.
    own = await mine.client.voice_preview(voice.voice_id)
    return ForeignStream(foreign, unknown, own)


async def _asked(client: Client, voice_id: str) -> Reply:
    body = {"voice_id": voice_id, "text": "Nobody says this.", "language": "Auto"}
    return await client.raw("POST", STREAM, json=body)
