"""Designs that go wrong: failing providers, a cancel while the provider works, interim answers, bad audio."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows
from rollout_gates.systems.tts.flows.matrix.designing import INSTRUCT, begin, keep, preview, task_row, wishes
from rollout_gates.systems.tts.flows.matrix.purse import Purse, only_credits, purse
from rollout_gates.systems.tts.flows.matrix.scene import SMOKE, Scene, scene
from rollout_gates.systems.tts.flows.matrix.treasury import newcomer
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.replies import ids, json_object, rows, text
from rollout_gates.systems.tts.samples import LANGUAGE, voice_name
from rollout_gates.systems.tts.watching import Watch
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.design import Design
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

_FAILURES: Mapping[str, Mapping[str, Any]] = {
    "a 400": {"status": 400, "body": {"request_id": "r-400", "code": "InvalidParameter", "message": "no such voice"}},
    "a 500": {"status": 500, "body": {"request_id": "r-500", "code": "InternalError", "message": "internal"}},
    "a broken connection": {"drop": True},
}
_POLLER = Poller(first_s=0.02, factor=1.3, longest_s=0.3)
_PATIENCE_S = 20.0
# How long a cancelled preview is watched for the answer that may still come, at least and at most.
_SHORTEST_S, _LONGEST_S = 2.0, 60.0


@dataclass(frozen=True)
class FailedPreview:
    """One preview while the provider answered with *failure*; *at_last* is after everything was asked for again."""

    failure: str
    paid_by: str
    watch: Watch
    before: Purse
    after: Purse
    at_last: Purse


@flow("failed_previews")
async def failed_previews(context: Context) -> tuple[FailedPreview, ...]:
    """Let the provider fail in every way, for a user with trials and for one who pays in credits."""
    found: list[FailedPreview] = []
    async with playground(context) as ground:
        provider, call = _maker(ground)
        for failure, answer in _FAILURES.items():
            await ground.providers.script(provider, call, times=0, **answer)
            found += await asyncio.gather(*(_failed(ground, failure, paid_by) for paid_by in ("trial", "credits")))
            await ground.providers.unscript(provider)
    return tuple(found)


async def _failed(ground: Playground, failure: str, paid_by: str) -> FailedPreview:
    stage = Scene(ground.context, ground)
    user = await stage.user(f"preview {failure} {paid_by}".replace(" ", "_"))
    if paid_by == "credits":
        await only_credits(ground, user.user_id)
    before = await purse(user.client)
    seen = await preview(stage, user, wishes(stage, f"fails by {failure} {paid_by}"))
    after = await purse(user.client)
    await user.client.task(seen.task_id)
    await user.client.cancel_task(seen.task_id)
    return FailedPreview(failure, paid_by, seen, before, after, await purse(user.client))


# Previews that are tried to be caught at work; a new user has two of them for nothing.
_TRIES = 2
_TOO_LATE = (400, 409)


@dataclass(frozen=True)
class CancelledPreview:
    """A preview that was cancelled while its provider was at work, whose answer then came.

    *late* is the task when all work had ended, *save* (qwen) the try to keep the voice, *voices* what came of it.
    """

    cancel: Reply
    late: Reply
    before: Purse
    after: Purse
    save: Reply | None
    voices: tuple[Mapping[str, Any], ...]


@flow("cancelled_preview")
async def cancelled_preview(context: Context) -> CancelledPreview:
    """Cancel a preview at work, and wait for what its provider still answers.

    In a playground the answer is held until then. Elsewhere the task is watched for twice the time that a preview
    takes. Raises `CouldNotJudge` when it was never seen at work, or had ended when its cancel came.
    """
    if context.sandbox_url is None:
        return await _cancelled_outside(context)
    async with playground(context) as ground:
        stage, (provider, call) = Scene(ground.context, ground), _maker(ground)
        user = await stage.user("cancelled_preview")
        await only_credits(ground, user.user_id)
        said = wishes(stage, "cancelled at work")
        before = await purse(user.client)
        await ground.providers.hold(provider, call)
        task_id = await _begun(stage, user, said)
        await user.client.task(task_id)  # with modal the first look begins the work
        if not await ground.providers.until_held(provider, call):
            raise CouldNotJudge(Reason.SOURCE_ABSENT, "the provider was never asked for the preview")
        cancelled = await user.client.cancel_task(task_id)
        await ground.providers.release(provider, call)
        await work_ended(ground)
        return await _afterwards(stage, user, said, (task_id, cancelled), before)


async def _cancelled_outside(context: Context) -> CancelledPreview:
    made: Design = await context.observe("design")
    await context.after(*SMOKE)
    if made.watch is None or made.watch.status != "completed":
        raise CouldNotJudge(Reason.SOURCE_ABSENT, "no preview is completed here, so none could come too late")
    stage = Scene(context)
    user = await newcomer(stage, "cancelled_preview")
    watched_s = min(_LONGEST_S, max(_SHORTEST_S, 2 * made.watch.waited_s))
    answers = []
    for number in range(1, _TRIES + 1):
        said = wishes(stage, f"cancelled at work {number}")
        before = await purse(user.client)
        task_id = await _begun(stage, user, said)
        await user.client.task(task_id)  # with modal the first look begins the work
        look = partial(task_row, user, task_id)
        await _POLLER.until(look, _at_work, deadline_s=_PATIENCE_S)
        cancelled = await user.client.cancel_task(task_id)
        if cancelled.status not in _TOO_LATE:
            await _POLLER.until(look, _disturbed, deadline_s=watched_s)
            return await _afterwards(stage, user, said, (task_id, cancelled), before)
        answers.append(str(cancelled.status))
    told = f"{_TRIES} previews were not caught at work: their cancels were answered {', '.join(answers)}"
    raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, told)


def _at_work(task: Mapping[str, Any] | None) -> bool:
    """Whether the worker has taken the task on: before that a cancel meets nobody."""
    return task is None or task.get("status") != "pending"


def _disturbed(task: Mapping[str, Any] | None) -> bool:
    return task is None or task.get("status") != "cancelled"


async def _begun(stage: Scene, user: Identity, said: Mapping[str, str]) -> str:
    begun = await begin(stage, user, said)
    task_id = text(json_object(begun), "task_id")
    if task_id is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"no preview was begun: it was answered {begun.status}")
    return task_id


async def _afterwards(
    stage: Scene, user: Identity, said: Mapping[str, str], cancelled: tuple[str, Reply], before: Purse
) -> CancelledPreview:
    """Look at what became of the task that was *cancelled* (its id, and the answer to its cancel)."""
    task_id, answer = cancelled
    late = await user.client.task(task_id)
    save = await keep(stage, user, said, task_id) if stage.session.settings.is_qwen else None
    voices = await own_rows(user, "voices", name=f"eq.{said['name']}")
    return CancelledPreview(answer, late, before, await purse(user.client), save, voices)


async def work_ended(ground: Playground) -> None:
    """Wait until no background work is left. Raises `CouldNotJudge` when there is no end to it."""

    async def at_work() -> int:
        return int((await ground.state())["workers"])

    polled = await _POLLER.until(at_work, lambda left: left == 0, deadline_s=_PATIENCE_S)
    if not polled.ended:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"the preview's worker was still at it after {_PATIENCE_S:g} s")


@dataclass(frozen=True)
class RefusedAudio:
    """[M] Saves whose audio is empty, too large, or whose name the database refuses; what is left in storage after."""

    empty: Reply
    too_large: Reply
    unwritable: Reply
    objects: tuple[str, ...]
    voices: tuple[str, ...]


@flow("refused_audio")
async def refused_audio(context: Context) -> RefusedAudio:
    """Save designs that cannot be saved, as a user who has nothing else."""
    async with scene(context) as stage:
        user = await stage.user("refused_audio")
        name = voice_name(stage.context.run_id, "refused audio")
        said = {"name": name, "text": "A short text.", "language": LANGUAGE, "instruct": INSTRUCT}
        known = await _objects(user)
        empty = await _saved(stage, user, said, b"")
        too_large = await _saved(stage, user, said, bytes(1_000_001))
        unwritable = await _saved(stage, user, {**said, "name": f"{name}\0"}, bytes(2000))
        left = tuple(key for key in await _objects(user) if key not in known)
        listed = await user.client.voices(search=name, per_page=100)
    return RefusedAudio(empty, too_large, unwritable, left, ids(rows(listed, "voices")))


async def _saved(stage: Scene, user: Identity, said: Mapping[str, str], audio: bytes) -> Reply:
    things = stage.session.things
    planned = things.planned("voice", said["name"].strip("\0"), user.owner, how="designed")
    reply = await user.client.design_save(said, audio)
    if reply.status == 200:
        things.made(planned, text(json_object(reply), "id"))
    else:
        things.gone(planned, f"was refused with {reply.status}")
    return reply


async def _objects(user: Identity) -> tuple[str, ...]:
    """Return the names in the user's folder of the bucket for references. Raises `CouldNotJudge` when not told."""
    client = user.client
    key, token = client.settings.secret("anon_key"), client.caller.token
    headers = {"apikey": key.reveal() if key else "", "authorization": f"Bearer {token.reveal() if token else ''}"}
    url = f"{client.settings.storage_url}/object/list/references"
    body = {"prefix": f"{user.user_id}/", "limit": 1000, "offset": 0}
    reply = await client.wire.send("POST", url, json=body, headers=headers, actor=client.caller.name)
    listed = reply.json() if reply.status == 200 else None
    if not isinstance(listed, list):
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the user's objects could not be listed: status {reply.status}")
    return tuple(str(entry.get("name")) for entry in listed if isinstance(entry, dict))


def _maker(ground: Playground) -> tuple[str, str]:
    """Return the provider that makes previews, and its call."""
    return ("dashscope", "design_create") if ground.settings.is_qwen else ("modal", "design")
