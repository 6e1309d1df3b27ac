"""Streams that are refused before anything is heard of them: for what was asked, for whom, and by the provider."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.bench import Bench, bench
from rollout_gates.systems.tts.flows.matrix.purse import RICH
from rollout_gates.systems.tts.flows.streaming.kept import settled_left
from rollout_gates.systems.tts.names import STREAM
from rollout_gates.systems.tts.samples import LANGUAGE, spoken, utf16_units, voice_name

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

_PROVIDER: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "the provider refuses the handshake": ("realtime", {"status": 403, "body": {"message": "no"}}),
    "the provider is busy": ("realtime", {"status": 429, "body": {"message": "no"}}),
    "the provider times out": ("realtime", {"status": 504, "body": {"message": "no"}}),
    "the connection to the provider is cut": ("realtime", {"drop": True}),
    "the provider refuses the text": (
        "realtime_session",
        {"body": {"do": "error", "code": "InvalidParameter", "at": "response.audio.delta"}},
    ),
}
_POOR = 3


@dataclass(frozen=True)
class RefusedStream:
    """One refusal: its answer, and the *status* and *detail* that the contract has for it."""

    title: str
    reply: Reply
    status: int
    detail: str


@flow("stream_refusals")
async def stream_refusals(context: Context) -> tuple[RefusedStream, ...]:
    """Ask for streams that cannot be, by a user who is let in; none of them costs anything."""
    session: Session = context.session
    client = (await session.identities.get("stream_prober")).client
    said = {"text": "Nobody says this.", "language": "Auto"}
    bodies: tuple[tuple[str, Mapping[str, Any], int, str], ...] = (
        ("a body that is no JSON", {"content": b"{"}, 400, "Invalid JSON body"),
        ("no voice", {"json": said}, 400, "Please select a voice"),
        ("a voice id that is none", {"json": {**said, "voice_id": "nobody"}}, 400, "Invalid voice_id"),
        (
            "a blank text",
            {"json": {"voice_id": str(uuid.uuid4()), "text": " \n"}},
            400,
            "Please enter text to speak",
        ),
        ("an unknown voice", {"json": {**said, "voice_id": str(uuid.uuid4())}}, 404, "Voice not found"),
    )
    found = []
    for title, body, status, detail in bodies:
        headers = {"content-type": "application/json"}
        found.append(RefusedStream(title, await client.raw("POST", STREAM, headers=headers, **body), status, detail))
    return tuple(found)


@dataclass(frozen=True)
class UnbegunStream:
    """A stream that the provider did not begin: the answer, and what was *left* of it; ``None`` for nothing at all."""

    how: str
    reply: Reply
    left: Aftermath | None


@dataclass(frozen=True)
class StreamTrouble:
    """Refusals that need something of a playground changed: by the provider, and for voice and purse."""

    by_provider: tuple[UnbegunStream, ...]
    refused: tuple[RefusedStream, ...]


@flow("stream_trouble")
async def stream_trouble(context: Context) -> StreamTrouble:
    """Have streams refused in a playground: by the provider, in voices that cannot speak, for a user too poor."""
    async with bench(context) as place:
        by_provider = tuple([await _by_provider(place, how, *planned) for how, planned in _PROVIDER.items()])
        refused = (await _other_providers_voice(place), await _too_poor(place), await _deleted_voice(place))
        return StreamTrouble(by_provider, refused)


async def _by_provider(place: Bench, how: str, call: str, planned: Mapping[str, Any]) -> UnbegunStream:
    await place.ground.providers.script("dashscope", call, **planned)
    before = (await place.newest()).generation_id
    reply = await _asked(place, place.voice_id, how.capitalize())
    ids = await place.newest()
    if ids.generation_id == before:
        return UnbegunStream(how, reply, None)
    return UnbegunStream(how, reply, await settled_left(place.ground.context, place.user, ids))


async def _other_providers_voice(place: Bench) -> RefusedStream:
    row = {
        "id": str(uuid.uuid4()),
        "user_id": place.user.user_id,
        "name": voice_name(place.ground.context.run_id, "of the other provider"),
        "language": LANGUAGE,
        "source": "uploaded",
        "reference_transcript": "Words.",
        "tts_provider": "modal",
    }
    await place.ground.database.insert("voices", **row)
    detail = "Voice belongs to provider 'modal'. Switch provider mode or create a qwen voice."
    reply = await _asked(place, str(row["id"]), "Of the other provider")
    return RefusedStream("a voice of the other provider", reply, 409, detail)


async def _too_poor(place: Bench) -> RefusedStream:
    purse, said = {"credits_remaining": _POOR}, spoken(place.ground.context.run_id, "Too poor")
    await place.ground.database.update("profiles", purse, id=place.user.user_id)
    reply = await _asked(place, place.voice_id, "Too poor")
    await place.ground.database.update("profiles", {"credits_remaining": RICH}, id=place.user.user_id)
    detail = f"Insufficient credits: need {utf16_units(said)}, have {_POOR}. 1 credit = 1 character."
    return RefusedStream("a user who cannot pay", reply, 402, detail)


async def _deleted_voice(place: Bench) -> RefusedStream:
    await place.client.delete_voice(place.voice_id)
    reply = await _asked(place, place.voice_id, "In a deleted voice")
    return RefusedStream("a deleted voice", reply, 404, "Voice not found")


async def _asked(place: Bench, voice_id: str, what: str) -> Reply:
    body = {"voice_id": voice_id, "text": spoken(place.ground.context.run_id, what), "language": "Auto"}
    return await place.client.raw("POST", STREAM, json=body)
