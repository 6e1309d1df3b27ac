"""Clones that go wrong at the provider, or when the voice is written."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared, finalize, own_rows, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.planting import NO_AUDIO, plant
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene, scene
from rollout_gates.systems.tts.flows.matrix.treasury import credits_alone, newcomer
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.samples import tag
from rollout_gates.wire import CouldNotJudge, NotConfigured

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
    """Let the provider fail, for a user with trials and for one who pays in credits.

    In a playground it fails in every way. A deployment is given bytes that are no audio; raises `CouldNotJudge` when
    its provider makes a voice of them all the same, or is not even asked.
    """
    if context.sandbox_url is None:
        return await _failed_outside(context)
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
    return await _finalized(stage, user, prepared, failure, paid_by)


async def _failed_outside(context: Context) -> tuple[FailedClone, ...]:
    await context.after(*SMOKE)
    stage, found = Scene(context), []
    user = await newcomer(stage, "failed_clone")
    payers = ["trial", "credits"] if stage.can_plant else ["trial"]
    for paid_by in payers:
        async with user.busy:
            if paid_by == "credits":
                await credits_alone(stage, user)
            prepared = await prepare(stage, user, f"no audio, {paid_by}", audio=NO_AUDIO)
            if prepared.upload is None or prepared.upload.status not in (200, 201):
                raise CouldNotJudge(Reason.SOURCE_ABSENT, "bytes that are no audio were not taken as a clip")
            await pay_for_clone(stage)
            found.append(await _finalized(stage, user, prepared, "bytes that are no audio", paid_by))
    missed = [each.finalize.status for each in found if each.finalize.status < 500]
    if missed:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"bytes that are no audio did not fail at the provider: {missed}")
    return tuple(found)


async def _finalized(stage: Scene, user: Identity, prepared: Prepared, failure: str, paid_by: str) -> FailedClone:
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
    (with qwen), and *logged* the log lines that name one; ``None`` where nobody said how to read the log.
    """

    finalize: Reply
    before: Purse
    after: Purse
    heard_before: Playback
    heard_after: Playback
    provider_asked: int
    logged: tuple[Mapping[str, Any], ...] | None


@flow("clone_conflict")
async def clone_conflict(context: Context) -> Conflict:
    """Finalize a clone whose id belongs to a voice already. Raises `NotConfigured` without the service role."""
    async with scene(context) as stage:
        user = await newcomer(stage, "conflict")
        await credits_alone(stage, user)
        # The first 16 characters of the name are what the provider makes its id of: nobody else's are like these.
        prepared = await prepare(stage, user, "conflict", name=f"gate {secrets.token_hex(4)} {tag(context.run_id)}")
        await plant(stage, user, _taken(user, prepared))
        await pay_for_clone(stage)
        before, heard_before = await purse(user.client), await _heard(user, prepared)
        refused = await finalize(stage, user, prepared)
        after, heard_after = await purse(user.client), await _heard(user, prepared)
        asked = await stage.asked("dashscope", "clone_create")
        # Step 6 of 2.9 comes before step 7: who got as far as writing the row has a voice at the provider.
        made = len(asked) if asked is not None else int(refused.status == 500)
        logged = await _naming(stage, prepared)
    return Conflict(refused, before, after, heard_before, heard_after, made if context.settings.is_qwen else 0, logged)


def _taken(user: Identity, prepared: Prepared) -> Mapping[str, Any]:
    """A voice that has the id, and the clip, which the clone is about to use."""
    return {
        "id": prepared.voice_id,
        "user_id": user.user_id,
        "name": "was here first",
        "source": "uploaded",
        "language": "English",
        "reference_object_key": prepared.object_key,
        "reference_transcript": prepared.said["transcript"],
    }


async def _naming(stage: Scene, prepared: Prepared) -> tuple[Mapping[str, Any], ...] | None:
    """Return the log lines that hold the id which the provider gave: it is made of the name that it was told (6.2)."""
    preferred = re.sub(r"[^A-Za-z0-9_]", "_", prepared.said["name"])[:16]
    given = re.compile(rf"[\w.:-]*{re.escape(preferred)}[\w.:-]+")
    try:
        lines = await stage.logged()
    except NotConfigured:
        return None
    return tuple(line for line in lines if given.search(json.dumps(line)))


async def _heard(user: Identity, prepared: Prepared) -> Playback:
    return await user.client.heard(await user.client.voice_preview(prepared.voice_id))
