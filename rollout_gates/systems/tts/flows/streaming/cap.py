"""The longest text on the stream route, asked for in a voice that does not exist, so that nothing is spent.

A text within the cap gets as far as the voice (404), one over it is refused before that (400): section 2.15.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.samples import characters

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Past a boundary that is off by one, and short of any other cap that a deployment could have mixed up with its own.
_BEYOND = 10


@dataclass(frozen=True)
class StreamCap:
    """Answers of the stream route around the configured *cap*: *at* it, one character *over* it, and some *beyond*."""

    cap: int
    at: Reply
    over: Reply
    beyond: Reply


@flow("stream_cap")
async def stream_cap(context: Context) -> StreamCap:
    """Try both sides of the boundary, all at once."""
    session: Session = context.session
    limit = session.settings.cap
    client = (await session.identities.get("stream_prober")).client
    voice_id = str(uuid.uuid4())

    async def asked(length: int) -> Reply:
        body = {"voice_id": voice_id, "text": characters(length), "language": "Auto"}
        return await client.raw("POST", STREAM, json=body)

    return StreamCap(limit, *await asyncio.gather(asked(limit), asked(limit + 1), asked(limit + _BEYOND)))
