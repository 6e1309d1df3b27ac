"""Refusals of generate that need something of the deployment changed: its mode, its objects, the text of a voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Row, rows
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply

NO_MODE = "neither"


@dataclass(frozen=True)
class Refusal:
    """One refusal, and what the contract says it has to be."""

    reply: Reply
    status: int
    detail: str


@dataclass(frozen=True)
class SpeechRefusals:
    """Refusals by name, and the rows that they left behind in tasks, generations and ledger."""

    refusals: dict[str, Refusal]
    left: tuple[Row, ...]


@flow("speech_refusals")
async def speech_refusals(context: Context) -> SpeechRefusals:
    """Have generate refuse, in a playground, what costs nothing to refuse."""
    async with bench(context) as place:
        before = await _seen(place)
        found = {"NUL in the text": await _said(place, "a\0b", 500, "Failed to create generation.")}
        if not place.ground.settings.is_qwen:
            found |= await _without_reference(place)
        left = tuple(row for row in await _seen(place) if row not in before)
        await place.ground.set_variables(TTS_PROVIDER_MODE=NO_MODE)
        broken = await place.client.raw("POST", "/generate", content=b"{", headers={"content-type": "application/json"})
        text = f"Invalid TTS_PROVIDER_MODE: {NO_MODE}. Expected one of: modal, qwen"
        found["a mode that does not exist, before the body"] = Refusal(broken, 500, text)
        return SpeechRefusals(found, left)


async def _without_reference(place: Bench) -> dict[str, Refusal]:
    """Step 8 in mode modal: a voice without transcript, then one without audio."""
    database, voice = place.ground.database, place.voice_id
    kept = (await database.row("voices", id=voice) or {}).get("reference_transcript")
    await database.update("voices", {"reference_transcript": None}, id=voice)
    silent = "This voice has no reference transcript. Re-clone with a transcript to use Qwen3-TTS."
    first = await _said(place, "A short text", 400, silent)
    changes = {"reference_transcript": kept or "Words.", "reference_object_key": None}
    await database.update("voices", changes, id=voice)
    second = await _said(place, "A short text", 400, "Voice has no reference audio.")
    return {"a voice without transcript": first, "a voice without audio": second}


async def _said(place: Bench, text: str, status: int, detail: str) -> Refusal:
    return Refusal(await place.client.generate(voice_id=place.voice_id, text=text, language="Auto"), status, detail)


async def _seen(place: Bench) -> tuple[Row, ...]:
    found: tuple[Row, ...] = ()
    for table in ("tasks", "generations", "credit_ledger"):
        found += await rows(place.client, table)
    return found
