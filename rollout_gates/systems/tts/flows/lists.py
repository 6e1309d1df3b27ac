"""The lists, asked in every way that the contract knows, over what the other flows made."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import all_settled, settled
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.replies import rows
from rollout_gates.systems.tts.samples import tag, voice_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Listing:
    """One list asked in several ways.

    *whole* is the answer to ``per_page=100`` and *rows* what it listed; *answers* holds the other answers by their
    query, as text. *made* are the ids that this run made and has not removed; *word* stands in the name or text of
    each of them, *nothing* in no name or text at all.
    """

    member: str
    whole: Reply
    answers: Mapping[str, Reply]
    made: tuple[str, ...]
    word: str
    nothing: str

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """All rows of the list, newest first (at most 100)."""
        return rows(self.whole, self.member)


@dataclass(frozen=True)
class Lists:
    """Both lists of user A. Where this run made nothing for a list, its `made` is empty, and it proves little."""

    voices: Listing
    generations: Listing


@flow("lists")
async def lists(context: Context) -> Lists:
    """Ask for voices and generations of user A, when nothing changes them any more."""
    session: Session = context.session
    await all_settled(context, "clone", "design", "speech", "cancel")
    user = await session.user_a()
    made_voices, made_generations = await _made_voices(context, user), await _made_generations(context)
    # Whatever else user A still does must not change the lists between two answers.
    async with user.busy:
        voices, generations = await asyncio.gather(
            _asked(context, "voices", user.client.voices, _SOURCES, made_voices),
            _asked(context, "generations", user.client.generations, _STATUSES, made_generations),
        )
    return Lists(voices, generations)


def _common(word: str, nothing: str) -> tuple[str, ...]:
    return (
        "",
        "page=1&per_page=1",
        "page=2&per_page=1",
        "page=0&per_page=0",
        "page=x&per_page=x",
        f"search={word}",
        f"search={nothing}",
    )


_SOURCES = ("source=uploaded", "source=designed", "source=other")
_STATUSES = ("status=completed", "status=cancelled", "status=all", "status=nonsense")


async def _asked(
    context: Context,
    member: str,
    ask: Callable[..., Awaitable[Reply]],
    filters: tuple[str, ...],
    made: tuple[str, ...],
) -> Listing:
    word, nothing = tag(context.run_id), uuid.uuid4().hex
    queries = (*_common(word.upper(), nothing), *filters)
    whole, *answers = await asyncio.gather(ask(per_page=100), *(ask(**_parsed(query)) for query in queries))
    return Listing(member, whole, dict(zip(queries, answers, strict=True)), made, word, nothing)


def _parsed(query: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in query.split("&") if part)


async def _made_voices(context: Context, user: Identity) -> tuple[str, ...]:
    """Return the ids of this run's voices, one of the other provider among them where one may be planted."""
    made = [await settled(context, name) for name in ("clone", "design")]
    ids = [seen.voice_id for seen in made if seen is not None and seen.voice_id]
    planted = await _planted(context, user)
    return tuple([*ids, planted] if planted else ids)


async def _made_generations(context: Context) -> tuple[str, ...]:
    made = [await settled(context, name) for name in ("speech", "cancel")]
    return tuple(seen.started.generation_id for seen in made if seen is not None and seen.started.generation_id)


async def _planted(context: Context, user: Identity) -> str | None:
    """Insert a voice of the provider that is not active, as the service role, where that is allowed; return its id."""
    session: Session = context.session
    service_role = session.settings.secret("service_role_key")
    if service_role is None or session.kind == "prod" or not user.user_id:
        return None
    voice_id = str(uuid.uuid4())
    row = {
        "id": voice_id,
        "user_id": user.user_id,
        "name": voice_name(context.run_id, "planted"),
        "language": "English",
        "source": "uploaded",
        "tts_provider": "modal" if session.settings.is_qwen else "qwen",
    }
    planned = session.things.planned("voice", voice_id, user.owner, how=f"planted through the data API of {KEY}")
    reply = await user.client.insert("voices", row, bearer=service_role)
    if reply.status not in (200, 201):
        session.things.gone(planned, f"was refused with {reply.status}")
        return None
    session.things.made(planned)
    return voice_id
