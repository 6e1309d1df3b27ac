"""Realtime sessions in which nothing may be spoken, so that they cost nothing (protocol sheet, section 6.6)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.systems.tts.flows.provider.dialogues import settled
from rollout_gates.systems.tts.flows.provider.names import SYSTEM_VOICE, provider_key, realtime_line
from rollout_gates.systems.tts.provider.frames import (
    APPEND,
    CLEAR,
    CLEARED,
    CREATED,
    ERROR,
    FINISH,
    Asked,
    Dialogue,
)
from rollout_gates.systems.tts.provider.realtime import Line, talking
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.provider.voice import ProviderVoice

_TEXT = "Nobody should hear this."


@dataclass(frozen=True)
class Refusals:
    """Sessions without a key, with a made-up one, and of a model that does not exist."""

    keyless: Dialogue
    wrong_key: Dialogue
    unknown_model: Dialogue


@flow("provider_wrong_pair")
async def provider_wrong_pair(context: Context) -> Dialogue:
    """Ask the model of clones for a voice of the vendor's own."""
    return await _spoken(realtime_line(context, provider_key(context)), "a wrong pair", _asked(context))


@flow("provider_refusals")
async def provider_refusals(context: Context) -> Refusals:
    """Try to get in without a valid key, and to speak with a model that does not exist."""
    asked, line = _asked(context), realtime_line(context, provider_key(context))
    made_up = f"sk-{tag(context.run_id)}{'0' * 26}"
    unknown = replace(asked, model=f"no-such-model-{tag(context.run_id)}")
    found = await asyncio.gather(
        _greeted(replace(line, key=None), "no key", asked),
        _greeted(replace(line, key=Secret(made_up)), "a made-up key", asked),
        _spoken(line, "a made-up model", unknown),
    )
    return Refusals(*found)


@flow("provider_cleared")
async def provider_cleared(context: Context) -> Dialogue:
    """Send a text, clear it, and finish: nothing is left to be spoken."""
    voice: ProviderVoice = await context.observe("provider_voice")
    line = realtime_line(context, provider_key(context))
    async with talking(line, "a cleared text", Asked(voice.model, voice.voice, mode="commit", texts=(_TEXT,))) as talk:
        await settled(talk)
        await talk.say(APPEND, text=_TEXT)
        await talk.say(CLEAR)
        await talk.until(CLEARED, ERROR)
        await talk.say(FINISH)
        await talk.to_the_end()
    return talk.dialogue


def _asked(context: Context) -> Asked:
    model = context.settings.provider_models.clone(realtime=True)
    if model is None:
        raise NotConfigured("no model that speaks clones over the WebSocket is named in tts.provider.models")
    return Asked(model, SYSTEM_VOICE, texts=(_TEXT,))


async def _greeted(line: Line, name: str, asked: Asked) -> Dialogue:
    """Go no further than the greeting: to be greeted is to be let in."""
    async with talking(line, name, asked) as talk:
        await talk.until(CREATED)
    return talk.dialogue


async def _spoken(line: Line, name: str, asked: Asked) -> Dialogue:
    """Try to have a text spoken, whatever is said to it."""
    async with talking(line, name, asked) as talk:
        await settled(talk)
        await talk.say(APPEND, text=_TEXT)
        await talk.say(FINISH)
        await talk.to_the_end()
    return talk.dialogue
