"""What the provider is asked for when a cloned and a designed voice speak (section 6.3 of the contract)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.design import design
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench, calls
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.design import Design

# A language that the provider knows, and one that it does not: that one is left to it.
LANGUAGES = {"German": "German", "Arabic": "Auto", "Auto": "Auto"}


@dataclass(frozen=True)
class Spoken:
    """One text: what was asked of us, its *voice* and *generation* rows, and what the provider was then *asked*."""

    text: str
    language: str
    voice: Mapping[str, Any]
    started: Start
    generation: Mapping[str, Any]
    asked: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Synthesis:
    """Texts spoken in a cloned and, if one could be made, in a designed voice."""

    spoken: tuple[Spoken, ...]


@flow("synthesis")
async def synthesis(context: Context) -> Synthesis:
    """Speak in both kinds of voice, in a playground, in several languages."""
    async with bench(context) as place:
        designed = (await design.act(place.ground.context)).voice_id
        voices = [place.voice_id, *([designed] if designed else [])]
        found = []
        for number, language in enumerate(LANGUAGES):
            found.append(await _spoken(place, voices[number % len(voices)], language))
        return Synthesis(tuple(found))


async def _spoken(place: Bench, voice_id: str, language: str) -> Spoken:
    said = spoken(place.ground.context.run_id, f"In {language}")
    before = len(await _asked(place))
    reply = await place.client.generate(voice_id=voice_id, text=said, language=language)
    answer = reply.json() if reply.status == 200 else {}
    started = Start(said, reply, answer.get("task_id"), answer.get("generation_id"))
    if started.task_id is not None:
        await place.end(started)
    asked = (await _asked(place))[before:]
    generation = await place.row("generations", started.generation_id)
    return Spoken(said, language, await place.row("voices", voice_id), started, generation, tuple(asked))


async def _asked(place: Bench) -> list[dict[str, Any]]:
    """Return what asked the provider to speak; with modal that is the submission of a job."""
    steps = calls(place.ground.settings)
    return await place.ground.providers.requests(*steps.get("speak", steps.get("submit", ())))


@dataclass(frozen=True)
class DesignedSpeech:
    """A text that was spoken in a designed *voice*: its answer, and the *generation* as it is stored."""

    voice: Mapping[str, Any]
    started: Start
    generation: Mapping[str, Any]


@flow("designed_speech")
async def designed_speech(context: Context) -> DesignedSpeech:
    """Speak in the designed voice of user A; it is stopped at once, since only the rows matter.

    Raises `CouldNotJudge` when there is no such voice.
    """
    made: Design = await context.observe("design")
    await context.after(*SMOKE)
    user = await context.session.user_a()
    row = made.row
    if made.voice_id is None or row is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "no designed voice was made that could speak")
    async with user.busy:
        started = await start(context, user, made.voice_id, spoken(context.run_id, "By design"))
        if started.task_id is not None:
            await user.client.cancel_task(started.task_id)
    generations = await own_rows(user, "generations", id=f"eq.{started.generation_id}")
    return DesignedSpeech(row, started, generations[0] if generations else {})
