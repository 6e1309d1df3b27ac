"""What is asked of the provider before the switch is thrown. All of it is free: lists, and refused syntheses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.provider.names import SYSTEM_VOICE
from rollout_gates.systems.tts.provider.answers import model_is_missing
from rollout_gates.systems.tts.provider.notices import notice_of
from rollout_gates.systems.tts.provider.rest import CLONES, provider_client
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.provider.frames import Dialogue
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

_TEXT = "Hi."


@dataclass(frozen=True)
class Regions:
    """The same free call, a voice list, in the region that is meant and in the other one."""

    region: str
    own: Reply
    elsewhere: Reply | CouldNotJudge


@dataclass(frozen=True)
class Models:
    """Syntheses in a voice that cannot exist: one for each model that is judged, and one for a *made_up* model.

    *today* is the day by which the vendor's notices are read.
    """

    probes: Mapping[str, Reply]
    made_up: Reply
    today: date

    @property
    def telling(self) -> bool:
        """Whether the provider tells a model that does not exist from a voice that does not."""
        return model_is_missing(self.made_up)

    def missing(self, model: str) -> bool:
        """Whether *model* was refused as one that is not offered."""
        return model_is_missing(self.probes[model])


@dataclass(frozen=True)
class WrongPairs:
    """A voice of the vendor's own, asked for of a model of clones; None where no such model is judged."""

    over_http: Reply | None
    over_websocket: Dialogue | None


@flow("provider_regions")
async def provider_regions(context: Context) -> Regions:
    """Use the key in both regions."""
    session: Session = context.session
    own = provider_client(context.wire, session.settings)
    other = provider_client(context.wire, session.settings, elsewhere=True)
    region = session.settings.provider.region if session.settings.provider is not None else ""
    answers = await asyncio.gather(
        own.list_voices(CLONES, page_size=1), other.list_voices(CLONES, page_size=1), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, BaseException) and (answer is answers[0] or not isinstance(answer, CouldNotJudge)):
            raise answer
    return Regions(region, *answers)  # type: ignore[arg-type]


@flow("provider_models")
async def provider_models(context: Context) -> Models:
    """Ask each model for a voice that cannot exist: refused for the voice, it is offered; and nothing is billed."""
    session: Session = context.session
    client = provider_client(context.wire, session.settings)
    names, word = session.settings.provider_models.names, tag(context.run_id)
    voice = f"no-such-voice-{word}"
    answers = await asyncio.gather(
        *(client.synthesize(model=name, voice=voice, text=_TEXT) for name in (*names, f"no-such-model-{word}"))
    )
    found = Models(dict(zip(names, answers, strict=False)), answers[-1], datetime.now(UTC).date())
    for name in names:
        if (notice := notice_of(name)) is not None:
            context.note(f"{notice.told(name)}; {shown(found, name)}")
    return found


@flow("provider_wrong_pairs")
async def provider_wrong_pairs(context: Context) -> WrongPairs:
    """Ask the models of clones, over whatever they are served, for a voice of the vendor's own."""
    session: Session = context.session
    over_http, over_websocket = (
        session.settings.provider_models.clone(realtime=realtime) for realtime in (False, True)
    )
    if over_http is None and over_websocket is None:
        raise NotConfigured("no model of clones is named in tts.provider.models")
    reply = dialogue = None
    if over_http is not None:
        client = provider_client(context.wire, session.settings)
        reply = await client.synthesize(model=over_http, voice=SYSTEM_VOICE, text=_TEXT)
    if over_websocket is not None:
        dialogue = await context.observe("provider_wrong_pair")
    return WrongPairs(reply, dialogue)


def shown(found: Models, model: str) -> str:
    """Return what was seen of *model*, in words."""
    if not found.telling:
        return "the provider does not tell an unknown model from an unknown voice, so whether it is offered is unknown"
    return "it is not offered any more" if found.missing(model) else "it is still offered"
