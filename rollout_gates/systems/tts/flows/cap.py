"""The longest text: asked for in a voice that does not exist, so that nothing is spent on either side of it.

A text within the cap gets as far as the voice (404), one over it is refused before that (400): section 2.15.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.samples import characters, wide_characters

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

_PADDING = 40
# Past a boundary that is off by one, and short of any other cap that a deployment could have mixed up with its own.
_BEYOND = 10


@dataclass(frozen=True)
class Cap:
    """Answers at and beyond the configured *cap*, in UTF-16 code units.

    *short* is a text far below it, *beyond* one some characters longer. *padded_at* and *padded_over* are *at* and
    *over* between blanks, *wide_at* and *wide_over* have as many units in characters of two units each.
    """

    cap: int
    short: Reply
    at: Reply
    over: Reply
    padded_at: Reply
    padded_over: Reply
    wide_at: Reply
    wide_over: Reply
    beyond: Reply


@flow("cap")
async def cap(context: Context) -> Cap:
    """Try both sides of the boundary, all at once."""
    session: Session = context.session
    limit = session.settings.cap
    client = (await session.identities.get("prober")).client
    voice_id = str(uuid.uuid4())
    blanks = " " * _PADDING
    texts = (
        "short",
        characters(limit),
        characters(limit + 1),
        f"{blanks}\n{characters(limit)}\t{blanks}",
        f"{blanks}\n{characters(limit + 1)}\t{blanks}",
        wide_characters(limit),
        wide_characters(limit + 1),
        characters(limit + _BEYOND),
    )
    replies = await asyncio.gather(*(client.generate(voice_id=voice_id, text=said, language="Auto") for said in texts))
    return Cap(limit, *replies)
