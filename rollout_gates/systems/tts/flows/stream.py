"""A text as it is spoken: one stream, heard to its end, and what the history shows of it (section 2.16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.speaking import refuse_unready
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing, Manner, hear
from rollout_gates.systems.tts.names import KEY, STREAM
from rollout_gates.systems.tts.replies import json_object, row_of, value
from rollout_gates.systems.tts.samples import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.sound import Sound
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Characters. A long text shows best whether it comes as it is spoken; a free user has 100 credits for all of a run.
_LONG, _LEFT_FOR_OTHERS = 240, 45
_LEAST = 30


@dataclass(frozen=True)
class Stream:
    """One stream, asked for from a page of *origin*. *listing* is the history after it, if it was answered 200.

    *preflight* is the answer to what a browser asks before it.
    """

    hearing: Hearing
    preflight: Reply
    origin: str
    listing: Reply | None = None

    @property
    def said(self) -> str:
        """The text that was to be spoken."""
        return self.hearing.said

    @property
    def reply(self) -> Reply:
        """The answer, with the times of its parts."""
        return self.hearing.reply

    @property
    def sound(self) -> Sound | None:
        """What was heard."""
        return self.hearing.sound

    @property
    def generation_id(self) -> str | None:
        """The generation that the answer names."""
        return self.hearing.generation_id

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The generation as it is listed."""
        return row_of(self.listing, "generations", self.generation_id)


@flow("stream")
async def stream(context: Context) -> Stream:
    """Have a text streamed in a usable voice, as user A, when nothing else of theirs is spoken.

    Raises `OutOfBudget`, or `CouldNotJudge` when the user cannot pay or is not free.
    """
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await context.after("speech", "cancel")
    user = await session.user_a()
    preflight, origin = await _preflight(session)
    async with user.busy:
        said = await _text(context, user)
        await context.budget.spend("generate", KEY)
        manner = Manner("a text, heard to its end", headers={"origin": origin})
        hearing = await hear(context, user, voice.voice_id, said, manner)
        refuse_unready(user, hearing.reply, said)
        listing = await user.client.generations(per_page=100) if hearing.reply.status == 200 else None
    return Stream(hearing, preflight, origin, listing)


async def _text(context: Context, user: Identity) -> str:
    """Return a text as long as the user can pay for and the cap allows; others want to speak after it."""
    balance = value(json_object(await user.client.credits_usage()), "balance")
    spare = balance - _LEFT_FOR_OTHERS if isinstance(balance, int) else 0
    length = min(_LONG, spare, context.settings.cap)
    return spoken(context.run_id, "Stream", length if length >= _LEAST else None)


async def _preflight(session: Session) -> tuple[Reply, str]:
    """Ask as a browser would before a stream; return the answer, and a page from which the stream may be asked for."""
    settings = session.settings
    parts = urlsplit(settings.web_url or settings.api_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, apikey, content-type",
    }
    answer = await session.anon.raw("OPTIONS", STREAM, headers=asked)
    allowed = answer.header("access-control-allow-origin").strip()
    return answer, origin if allowed in ("", "*", "null") else allowed
