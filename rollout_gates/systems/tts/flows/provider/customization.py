"""Voices over REST: made, listed, spoken with, deleted, deleted again (protocol sheet, sections 4 and 5)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.provider.names import DESIGN, OWNER, not_made, preferred_name
from rollout_gates.systems.tts.flows.provider.voice import cloned
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.provider.answers import audio_url, listed, output_of, succeeded, voice_of
from rollout_gates.systems.tts.provider.rest import CLONES, DESIGNS, ProviderClient, provider_client
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply, Resource

TEXT = "One short line over HTTP."
PAGE_SIZE = 100
MOST_PAGES = 12
_PROMPT = "A calm adult voice with an even pace and a clear pronunciation."
_PREVIEW = "This voice was designed for a release check."


@dataclass(frozen=True)
class Pages:
    """All pages of one list, up to one without voices. *whole* is False when there were more than were read."""

    replies: tuple[Reply, ...]
    whole: bool

    @property
    def voices(self) -> tuple[Mapping[str, Any], ...]:
        """What was listed, page by page."""
        return tuple(row for reply in self.replies for row in listed(reply))

    @property
    def totals(self) -> frozenset[Any]:
        """The totals that the pages tell, where they tell any."""
        told = (output_of(reply).get("total_count") for reply in self.replies)
        return frozenset(total for total in told if isinstance(total, int))

    def shows(self, voice: str) -> bool:
        """Whether *voice* is listed."""
        return any(row.get("voice") == voice for row in self.voices)


@dataclass(frozen=True)
class Speech:
    """What a synthesis answered, what lay at its URL, and when that was, in seconds since the epoch."""

    reply: Reply
    audio: Reply | None
    answered_at: float


@dataclass(frozen=True)
class Customization:
    """The life of one cloned voice. *spoken* and *after_delete* are syntheses, where a model of HTTP is judged.

    *why_not_spoken* says why there is none.
    """

    name: str
    target_model: str
    voice: str
    created: Reply
    before: Pages
    deleted: Reply
    deleted_again: Reply
    after: Pages
    spoken: Speech | None = None
    after_delete: Reply | None = None
    why_not_spoken: CouldNotJudge | None = None

    @property
    def answers(self) -> tuple[Reply, ...]:
        """All answers of the provider itself, in order."""
        spoken = (self.spoken.reply,) if self.spoken is not None else ()
        after = (self.after_delete,) if self.after_delete is not None else ()
        deletes = (self.deleted, self.deleted_again)
        return (self.created, *self.before.replies, *spoken, *deletes, *self.after.replies, *after)


@dataclass(frozen=True)
class Design:
    """The life of one designed voice."""

    name: str
    target_model: str
    created: Reply
    queried: Reply | None = None
    pages: Pages | None = None
    deleted: Reply | None = None

    @property
    def answers(self) -> tuple[Reply, ...]:
        """All answers of the provider itself, in order."""
        listing = self.pages.replies if self.pages is not None else ()
        later = tuple(reply for reply in (self.queried, *listing, self.deleted) if reply is not None)
        return (self.created, *later)


@flow("provider_customization")
async def provider_customization(context: Context) -> Customization:
    """Make a voice, speak with it, and delete it twice. Raises `CouldNotJudge` when it cannot be made."""
    model = context.settings.provider_models.any_clone
    if model is None:
        raise NotConfigured("no model of clones is named in tts.provider.models")
    client = provider_client(context.wire, context.settings)
    with contextlib.suppress(CouldNotJudge):
        await context.observe("provider_voice")  # made meanwhile, it would change the list between two pages
    planned, created = await cloned(context, model, "http")
    voice = voice_of(created)
    if voice is None:
        raise not_made("a voice", created)
    before = await pages(client, CLONES)
    speaks = context.settings.provider_models.clone(realtime=False) == model
    spoken, why_not = await _spoken(context, client, model, voice) if speaks else (None, None)
    deleted = await _deleted(context, client, planned, CLONES, voice)
    again = await client.delete_voice(CLONES, voice)
    after = await pages(client, CLONES)
    # Refused, this costs nothing. It is only tried where the voice was heard before.
    heard = spoken is not None and succeeded(spoken.reply) and succeeded(deleted)
    gone = await client.synthesize(model=model, voice=voice, text=TEXT) if heard else None
    return Customization(
        planned.planned_id, model, voice, created, before, deleted, again, after, spoken, gone, why_not
    )  # fmt: skip


@flow("provider_design")
async def provider_design(context: Context) -> Design:
    """Have a voice designed, ask about it, list it, and delete it: the dearest call there is, made once."""
    session: Session = context.session
    model = session.settings.provider_models.design
    if model is None:
        raise NotConfigured("no model of designed voices is named in tts.provider.models")
    client, name = provider_client(context.wire, session.settings), preferred_name(context.run_id, "vd")
    await context.budget.spend("design at the provider", KEY)
    planned = session.things.planned(DESIGN, name, OWNER, how=f"designed for {model}")
    created = await client.create_design(target_model=model, name=name, prompt=_PROMPT, text=_PREVIEW, language="en")
    voice = voice_of(created)
    if voice is None:
        if 400 <= created.status < 500:
            session.things.gone(planned, f"was refused with {created.status}")
        return Design(name, model, created)
    planned = session.things.made(planned, voice)
    queried, listing = await client.query_design(voice), await pages(client, DESIGNS)
    deleted = await _deleted(context, client, planned, DESIGNS, voice)
    return Design(name, model, created, queried, listing, deleted)


async def pages(client: ProviderClient, service: str) -> Pages:
    """Read the list of *service* up to a page without voices; once more if somebody seems to have changed it."""
    found = await _pages(client, service)
    return found if found.whole and found.totals <= {len(found.voices)} else await _pages(client, service)


async def _pages(client: ProviderClient, service: str) -> Pages:
    replies: list[Reply] = []
    for index in range(MOST_PAGES):
        replies.append(await client.list_voices(service, page_index=index, page_size=PAGE_SIZE))
        if not listed(replies[-1]):
            return Pages(tuple(replies), whole=True)
    return Pages(tuple(replies), whole=False)


async def _spoken(
    context: Context, client: ProviderClient, model: str, voice: str
) -> tuple[Speech | None, CouldNotJudge | None]:
    try:
        await context.budget.spend("synthesis at the provider", KEY)
    except CouldNotJudge as problem:
        return None, problem
    reply = await client.synthesize(model=model, voice=voice, text=TEXT)
    answered_at, url = time.time(), audio_url(reply)
    return Speech(reply, await client.download(url) if url is not None else None, answered_at), None


async def _deleted(context: Context, client: ProviderClient, planned: Resource, service: str, voice: str) -> Reply:
    reply = await client.delete_voice(service, voice)
    if succeeded(reply):
        context.session.things.gone(planned, "deleted by its flow")
    return reply
