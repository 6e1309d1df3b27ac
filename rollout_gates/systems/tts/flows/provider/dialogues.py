"""Realtime sessions in which something is spoken: each mode and each format (protocol sheet, sections 6 and 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.provider.names import provider_key, realtime_line
from rollout_gates.systems.tts.names import KEY
from rollout_gates.systems.tts.provider.conformance.response_rules import order
from rollout_gates.systems.tts.provider.frames import (
    APPEND,
    COMMIT,
    CREATED,
    DONE,
    ERROR,
    FINISH,
    FINISHED,
    UPDATE,
    UPDATED,
    Asked,
    Dialogue,
)
from rollout_gates.systems.tts.provider.realtime import Line, Talk, talking
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.provider.voice import ProviderVoice

QUIET_S = 0.3
"""How long is listened where nothing may be said."""


@dataclass(frozen=True)
class Dialogues:
    """What was said in each variant; one that could not be held is there as the reason why."""

    held: Mapping[str, Dialogue | CouldNotJudge]

    def of(self, variant: str) -> Dialogue:
        """Return the dialogue of *variant*. Raises the reason why there is none."""
        found = self.held[variant]
        if isinstance(found, CouldNotJudge):
            raise found
        return found


@flow("provider_dialogues")
async def provider_dialogues(context: Context) -> Dialogues:
    """Hold one short session in each variant, all at the same time; what exceeds the budget is not held."""
    voice: ProviderVoice = await context.observe("provider_voice")
    line = realtime_line(context, provider_key(context))
    refused = {name: await _pay(context) for name in VARIANTS}
    paid = [name for name, problem in refused.items() if problem is None]
    held = await asyncio.gather(*(_held(line, name, voice) for name in paid))
    found: dict[str, Dialogue | CouldNotJudge] = {name: why for name, why in refused.items() if why is not None}
    found |= dict(zip(paid, held, strict=True))
    _note_tolerated(context, found)
    return Dialogues({name: found[name] for name in VARIANTS})


async def _pay(context: Context) -> CouldNotJudge | None:
    try:
        await context.budget.spend("realtime session at the provider", KEY)
    except CouldNotJudge as problem:
        return problem
    return None


async def _held(line: Line, name: str, voice: ProviderVoice) -> Dialogue | CouldNotJudge:
    variant = VARIANTS[name]
    asked = Asked(voice.model, voice.voice, variant.mode, variant.response_format, texts=variant.texts)
    try:
        async with talking(line, name, asked) as talk:
            await variant.script(talk)
    except CouldNotJudge as problem:
        return problem
    return talk.dialogue


def _note_tolerated(context: Context, found: Mapping[str, Dialogue | CouldNotJudge]) -> None:
    """Tell once of what the sheet tolerates, and a client had better know."""
    for name, dialogue in found.items():
        if isinstance(dialogue, CouldNotJudge):
            continue
        try:
            tolerated = [each for each in order(dialogue) if each.tolerated]
        except CouldNotJudge:
            continue
        if tolerated:
            context.note(f"the provider deviates in {name}, which is tolerated: {tolerated[0].told()}")
            return


# What is said, in each variant


async def settled(talk: Talk) -> None:
    """Wait for the greeting, ask for the settings, and listen a moment to whether anything comes unasked."""
    await talk.until(CREATED)
    await talk.say(UPDATE, session=talk.asked.session)
    await talk.until(UPDATED, ERROR)
    await talk.quiet(QUIET_S)


async def _by_the_server(talk: Talk) -> None:
    """The server decides when it speaks; the text comes in two parts."""
    await settled(talk)
    (text,) = talk.asked.texts
    await talk.say(APPEND, text=text[: len(text) // 2])
    await talk.say(APPEND, text=text[len(text) // 2 :])
    await talk.say(FINISH)
    await talk.to_the_end()


async def _by_commits(talk: Talk) -> None:
    """Nothing is spoken before a commit; the second one does not wait for what the first one brings."""
    await settled(talk)
    for text in talk.asked.texts:
        await talk.say(APPEND, text=text)
        if text == talk.asked.texts[0]:
            await talk.quiet(QUIET_S)
        await talk.say(COMMIT)
    await talk.say(FINISH)
    await talk.to_the_end()


async def _forced(talk: Talk) -> None:
    """A commit forces what the server would have waited with."""
    await settled(talk)
    await talk.say(APPEND, text=talk.asked.texts[0])
    await talk.say(COMMIT)
    await talk.say(FINISH)
    await talk.to_the_end()


async def _updated_late(talk: Talk) -> None:
    """Something is spoken, and then the settings are asked for once more."""
    await settled(talk)
    await talk.say(APPEND, text=talk.asked.texts[0])
    await talk.say(COMMIT)
    await talk.until(DONE, FINISHED)
    await talk.say(UPDATE, session=talk.asked.session)
    await talk.until(UPDATED, ERROR)
    await talk.say(FINISH)
    await talk.to_the_end()


@dataclass(frozen=True)
class Variant:
    """One way to have something spoken."""

    mode: str
    response_format: str
    texts: tuple[str, ...]
    script: Callable[[Talk], Awaitable[None]]


VARIANTS: Mapping[str, Variant] = {
    "server_commit-pcm": Variant("server_commit", "pcm", ("The word 你好 means hello.",), _by_the_server),
    "commit-mp3": Variant("commit", "mp3", ("One line for the check.", "And one more."), _by_commits),
    "commit-wav": Variant("commit", "wav", ("No change comes after this.",), _updated_late),
    "server_commit-opus": Variant("server_commit", "opus", ("This line is asked for at once",), _forced),
}
"""Each variant with what it asks for, and its script. The first is the plainest, and is paid for first."""
TO_THE_END = tuple(name for name in VARIANTS if name != "commit-wav")
"""The variants that go to their end undisturbed: a late update may close the connection."""
