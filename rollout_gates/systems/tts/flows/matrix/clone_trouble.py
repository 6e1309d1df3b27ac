"""Clones that go wrong at the provider, or when the voice is written. In the sandbox only."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared, finalize, own_rows, prepare
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.playground import Playground, playground

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.replies import Playback
    from rollout_gates.wire import Reply

# What the provider does instead of making the voice: a refusal, trouble of its own, nonsense, silence.
FAILURES: Mapping[str, Mapping[str, Any]] = {
    "a 400": {"status": 400, "body": {"request_id": "r-400", "code": "Audio.PreprocessError", "message": "no speech"}},
    "a 429": {"status": 429, "body": {"request_id": "r-429", "code": "Throttling", "message": "too many"}},
    "a 500": {"status": 500, "body": {"request_id": "r-500", "code": "InternalError", "message": "internal"}},
    "a 200 without a voice": {"status": 200, "body": {"json": {"output": {}, "request_id": "r-200"}}},
    "a broken connection": {"drop": True},
}


@dataclass(frozen=True)
class FailedClone:
    """One finalize while the provider answered with *failure*, paid by *paid_by*; then another with the same id."""

    failure: str
    paid_by: str
    finalize: Reply
    again: Reply
    before: Purse
    after: Purse
    at_last: Purse
    rows: tuple[Mapping[str, Any], ...]
    creates: int


@flow("failed_clones")
async def failed_clones(context: Context) -> tuple[FailedClone, ...]:
    """Let the provider fail in every way, for a user with trials and for one who pays in credits."""
    ways = [(failure, paid_by) for failure in FAILURES for paid_by in ("trial", "credits")]
    async with playground(context) as ground:
        found = []
        for failure in FAILURES:
            await ground.providers.script("dashscope", "clone_create", times=0, **FAILURES[failure])
            mine = [paid_by for named, paid_by in ways if named == failure]
            found += await asyncio.gather(*(_failed(ground, failure, paid_by) for paid_by in mine))
            await ground.providers.unscript("dashscope")
    return tuple(found)


async def _failed(ground: Playground, failure: str, paid_by: str) -> FailedClone:
    stage = Scene(ground.context, ground)
    user = await stage.user(f"clone_{secrets.token_hex(3)}")
    if paid_by == "credits":
        await only_credits(ground, user.user_id)
    prepared = await prepare(stage, user, f"x{secrets.token_hex(5)}")
    before = await purse(user.client)
    refused = await finalize(stage, user, prepared)
    after = await purse(user.client)
    again = await finalize(stage, user, prepared)
    at_last = await purse(user.client)
    rows = await own_rows(user, "voices", id=f"eq.{prepared.voice_id}")
    creates = await _creates(stage, prepared)
    return FailedClone(failure, paid_by, refused, again, before, after, at_last, rows, creates)


async def _creates(stage: Scene, prepared: Prepared) -> int:
    """How often the provider was asked for this voice: its clip's key stands in the URL."""
    asked = await stage.asked("dashscope", "clone_create")
    return sum(prepared.voice_id in str(entry["body"]) for entry in asked or ())


@dataclass(frozen=True)
class Conflict:
    """A finalize whose voice id was taken meanwhile by a voice that was there first, with its clip.

    *heard_before* and *heard_after* are that voice's clip, *provider_asked* how many voices the provider made in vain
    (with qwen), and *logged* the log lines that name one.
    """

    finalize: Reply
    before: Purse
    after: Purse
    heard_before: Playback
    heard_after: Playback
    provider_asked: int
    logged: tuple[Mapping[str, Any], ...]


@flow("clone_conflict")
async def clone_conflict(context: Context) -> Conflict:
    """Finalize a clone whose id belongs to a voice already."""
    async with playground(context) as ground:
        stage = Scene(ground.context, ground)
        user = await stage.user("conflict")
        await only_credits(ground, user.user_id)
        prepared = await prepare(stage, user, "conflict")
        await _seed(ground, user, prepared)
        before, heard_before = await purse(user.client), await _heard(user, prepared)
        refused = await finalize(stage, user, prepared)
        after, heard_after = await purse(user.client), await _heard(user, prepared)
        asked = (await stage.asked("dashscope", "clone_create") or ()) if ground.settings.is_qwen else ()
        logged = [line for line in await ground.log() if line.get("provider_voice_id")]
    return Conflict(refused, before, after, heard_before, heard_after, len(asked), tuple(logged))


async def _seed(ground: Playground, user: Identity, prepared: Prepared) -> None:
    """Write a voice that has the id, and the clip, which the clone is about to use."""
    await ground.database.insert(
        "voices",
        id=prepared.voice_id,
        user_id=user.user_id,
        name="was here first",
        source="uploaded",
        language="English",
        reference_object_key=prepared.object_key,
        reference_transcript=prepared.said["transcript"],
    )


async def _heard(user: Identity, prepared: Prepared) -> Playback:
    return await user.client.heard(await user.client.voice_preview(prepared.voice_id))
