"""Charges whose work came to nothing: cancelled, failed at the provider, deleted at work. Each is paid back once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import about, listed, rows
from rollout_gates.systems.tts.flows.matrix.bench import calls
from rollout_gates.systems.tts.flows.matrix.cloning import finalize, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.designing import begin, wishes
from rollout_gates.systems.tts.flows.matrix.purse import RICH, Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.matrix.treasury import Treasury
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.speaking import Start, start, submit
from rollout_gates.systems.tts.replies import Playback, json_object, text
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.bench import Call
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Row = Mapping[str, Any]

_AGAIN = 3
_POLLER = Poller(first_s=0.05, factor=1.4, longest_s=2.0)
_SETTLING_S, _SETTLING_HERE_S = 10.0, 2.0
_REFUSAL: Mapping[str, Any] = {
    "status": 400,
    "body": {"request_id": "r-400", "code": "InvalidParameter", "message": "no such voice"},
}


@dataclass(frozen=True)
class Charge:
    """One thing that was charged and then ended as *ended* (a status). *reply* is the answer that ended it.

    *ledger* are the rows about it; *before* is what its user had before it, *after* when all was over.
    """

    title: str
    ended: str
    reply: Reply
    ledger: tuple[Row, ...]
    before: Purse
    after: Purse

    @property
    def taken(self) -> tuple[int, ...]:
        """The amounts that were taken for it."""
        return tuple(int(row["amount"]) for row in self.ledger if row["event_kind"] == "debit")

    @property
    def returned(self) -> tuple[int, ...]:
        """The amounts that were given back for it."""
        return tuple(int(row["amount"]) for row in self.ledger if row["event_kind"] == "refund")


@flow("refunds")
async def refunds(context: Context) -> tuple[Charge, ...]:
    """Cancel a generate, again and again; cancel one that has ended; in the sandbox let providers fail as well."""
    async with scene(context) as stage:
        user = await stage.user("refunds")
        voice_id = await own_voice(stage, user)
        async with user.busy:
            found = [await _cancelled(stage, user, voice_id), await _completed(stage, user, voice_id)]
        if stage.ground is not None:
            found += await _failures(stage, user, voice_id)
    return tuple(found)


async def _cancelled(stage: Scene, user: Identity, voice_id: str) -> Charge:
    before = await purse(user.client)
    async with kept_at_work(stage, "generate"):
        started = await _started(stage, user, voice_id, "Cancelled")
        cancelled = await user.client.cancel_task(started.task_id or "")
        if cancelled.status != 200:
            raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"no task was caught at work: {cancelled.status}")
        await asyncio.gather(*(user.client.cancel_task(started.task_id or "") for _ in range(_AGAIN)))
    await user.client.cancel_task(started.task_id or "")
    ledger = await _settled(stage, user, started.generation_id or "", started.task_id or "")
    return Charge("a cancelled generate", "cancelled", cancelled, ledger, before, await _restored(stage, user, before))


async def _completed(stage: Scene, user: Identity, voice_id: str) -> Charge:
    before = await purse(user.client)
    started = await _started(stage, user, voice_id, "Completed")
    seen = await watch(user.client, started.task_id or "", patience_s=stage.session.settings.latency_budget_s)
    reply = await user.client.cancel_task(started.task_id or "")
    ledger = about(await rows(user.client, "credit_ledger", order="id.asc"), started.generation_id or "")
    after = await purse(user.client)
    return Charge("a generate cancelled after its end", seen.status or "unknown", reply, ledger, before, after)


async def _failures(stage: Scene, user: Identity, voice_id: str) -> list[Charge]:
    """Let each kind of work fail at its provider, for trials and for credits."""
    qwen = stage.session.settings.is_qwen
    found = [await _failed_generate(stage, user, voice_id)]
    designer = await stage.user("refunds_of_designs")
    found.append(await _failed_preview(stage, designer, "a failed preview on trial"))
    treasury = Treasury(stage)
    for operation in ("design_preview", "clone"):
        await treasury.use_up_trials(designer, operation)
    await treasury.grant(designer, RICH)
    found.append(await _failed_preview(stage, designer, "a failed preview for credits"))
    found.append(await _cancelled_preview(stage, designer))
    if qwen:
        found.append(await _failed_clone(stage, designer))
    return found


async def _failed_generate(stage: Scene, user: Identity, voice_id: str) -> Charge:
    before = await purse(user.client)
    async with _failing(stage, _speech_call(stage)):
        started = await _started(stage, user, voice_id, "Failed", refused=(502,))
        if started.reply.status == 200:
            await _ended(user, started.task_id)
    task_id, generation_id = started.task_id or "", started.generation_id or ""
    if not generation_id:
        newest = await rows(user.client, "generations", order="created_at.desc", limit=1)
        generation_id = str(newest[0]["id"]) if newest else ""
    ledger = await _settled(stage, user, generation_id, task_id)
    return Charge("a failed generate", "failed", started.reply, ledger, before, await _restored(stage, user, before))


async def _failed_preview(stage: Scene, user: Identity, title: str) -> Charge:
    before = await purse(user.client)
    async with _failing(stage, _design_call(stage)):
        reply, task_id = await _preview(stage, user, title)
        await _ended(user, task_id)
    ledger = await _settled(stage, user, task_id)
    return Charge(title, "failed", reply, ledger, before, await _restored(stage, user, before))


async def _cancelled_preview(stage: Scene, user: Identity) -> Charge:
    before = await purse(user.client)
    async with kept_at_work(stage, "preview"):
        _, task_id = await _preview(stage, user, "a cancelled preview")
        reply = await user.client.cancel_task(task_id)
        await asyncio.gather(*(user.client.cancel_task(task_id) for _ in range(_AGAIN)))
    ledger = await _settled(stage, user, task_id)
    return Charge("a cancelled preview", "cancelled", reply, ledger, before, await _restored(stage, user, before))


async def _failed_clone(stage: Scene, user: Identity) -> Charge:
    prepared = await prepare(stage, user, "failed clone")
    await pay_for_clone(stage)
    before = await purse(user.client)
    async with _failing(stage, ("dashscope", "clone_create")):
        reply = await finalize(stage, user, prepared)
    ledger = await _settled(stage, user, prepared.voice_id)
    return Charge("a failed clone", "failed", reply, ledger, before, await _restored(stage, user, before))


# --- work that is deleted


@dataclass(frozen=True)
class Deleted:
    """Active work that was deleted, and whether its user could go on. *heard* is its audio, if there was any.

    *freed* is the answer to the next generate; ``None`` where the work was no generate.
    """

    title: str
    reply: Reply
    before: Purse
    after: Purse
    heard: Playback | None = None
    freed: Reply | None = None

    @property
    def paid_for_nothing(self) -> bool:
        """Whether the user has less than before, and no audio for it."""
        obtained = self.heard is not None and self.heard.size_bytes > 0
        return self.after != self.before and not obtained


@flow("deleted_work")
async def deleted_work(context: Context) -> tuple[Deleted, ...]:
    """Delete the task of a generate at work, the generation of another, and the task of a preview."""
    async with scene(context) as stage:
        user = await stage.user("deleter")
        voice_id = await own_voice(stage, user)
        async with user.busy:
            found: list[Deleted | None] = [
                await _deleted(stage, user, voice_id, "the task of a generate", _delete_task),
                await _deleted(stage, user, voice_id, "the generation of a generate", _delete_generation),
            ]
        found.append(await _deleted_preview(stage, user))
    caught = tuple(each for each in found if each is not None)
    if not caught:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "all work had ended before it was deleted")
    return caught


Delete = Callable[["Identity", Start], Awaitable["Reply"]]


async def _delete_task(user: Identity, started: Start) -> Reply:
    return await user.client.delete_task(started.task_id or "")


async def _delete_generation(user: Identity, started: Start) -> Reply:
    return await user.client.delete_generation(started.generation_id or "")


async def _deleted(stage: Scene, user: Identity, voice_id: str, title: str, delete: Delete) -> Deleted | None:
    """Return what came of it; ``None`` when the work had ended before: then it was paid for with reason."""
    before = await purse(user.client)
    async with kept_at_work(stage, "generate"):
        started = await _started(stage, user, voice_id, title)
        reply = await delete(user, started)
    after = await _restored(stage, user, before)
    heard = await user.client.heard(await user.client.generation_audio(started.generation_id or ""))
    async with kept_at_work(stage, "generate"):
        await stage.pay("generate")
        freed = await submit(stage.context, user, voice_id, _text(stage, f"After {title}"))
        # The one before as well, where it still blocks its user.
        for task_id in (freed.task_id, started.task_id):
            if task_id is not None:
                await user.client.cancel_task(task_id)
    tasks = await rows(user.client, "tasks", id=f"eq.{started.task_id}")
    if any(task["status"] == "completed" for task in tasks):
        return None
    return Deleted(title, reply, before, after, heard, freed.reply)


async def _deleted_preview(stage: Scene, user: Identity) -> Deleted | None:
    """The same of a preview; a finished one has left its audio in storage."""
    before = await purse(user.client)
    async with kept_at_work(stage, "preview"):
        _, task_id = await _preview(stage, user, "a deleted preview")
        reply = await user.client.delete_task(task_id)
    after = await _restored(stage, user, before)
    if any(str(entry["name"]).startswith(f"preview_{task_id}") for entry in await listed(user, "references")):
        return None
    return Deleted("the task of a preview", reply, before, after)


# --- steps


@contextlib.asynccontextmanager
async def kept_at_work(stage: Scene, work: str) -> AsyncIterator[None]:
    """Within the block, keep *work* (generate, preview) from ending, where the provider is ours to hold."""
    if stage.ground is None or not stage.session.settings.is_qwen:
        # With modal nothing moves unless the task is asked for.
        yield
        return
    call = calls(stage.session.settings)["speak"] if work == "generate" else _design_call(stage)
    await stage.ground.providers.hold(*call)
    try:
        yield
    finally:
        await stage.ground.providers.release(*call)


@contextlib.asynccontextmanager
async def _failing(stage: Scene, call: Call) -> AsyncIterator[None]:
    assert stage.ground is not None, "failures are scripted in the sandbox only"
    await stage.ground.providers.script(*call, times=0, **_REFUSAL)
    try:
        yield
    finally:
        await stage.ground.providers.unscript(call[0])


def _speech_call(stage: Scene) -> Call:
    """Return the call that begins to speak."""
    settings = stage.session.settings
    if settings.is_qwen:
        return ("dashscope", "realtime" if settings.lane == "realtime" else "synthesis")
    return ("modal", "submit")


def _design_call(stage: Scene) -> Call:
    return ("dashscope", "design_create") if stage.session.settings.is_qwen else ("modal", "design")


def _text(stage: Scene, what: str) -> str:
    return spoken(stage.context.run_id, what.capitalize())[: stage.session.settings.cap]


async def _started(stage: Scene, user: Identity, voice_id: str, what: str, *, refused: tuple[int, ...] = ()) -> Start:
    started = await start(stage.context, user, voice_id, _text(stage, what))
    if started.task_id is None and started.reply.status not in refused:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"a generate was answered {started.reply.status}, not begun")
    return started


async def _preview(stage: Scene, user: Identity, what: str) -> tuple[Reply, str]:
    reply = await begin(stage, user, wishes(stage, what))
    task_id = text(json_object(reply), "task_id")
    if task_id is None:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"a preview was answered {reply.status}, not begun")
    return reply, task_id


async def _ended(user: Identity, task_id: str | None) -> None:
    await watch(user.client, task_id or "", patience_s=_SETTLING_S)


async def _settled(stage: Scene, user: Identity, *ids: str) -> tuple[Row, ...]:
    """Return the ledger rows about *ids* as soon as a refund is among them, or when none came."""

    async def read() -> tuple[Row, ...]:
        return about(await rows(user.client, "credit_ledger", order="id.asc"), *ids)

    def over(found: tuple[Row, ...]) -> bool:
        return not found or any(row["event_kind"] == "refund" for row in found)

    return (await _POLLER.until(read, over, deadline_s=_patience_s(stage))).last


async def _restored(stage: Scene, user: Identity, before: Purse) -> Purse:
    """Return what the user has as soon as it is what they had *before*, or when it never was again."""
    polled = await _POLLER.until(
        lambda: purse(user.client), lambda found: found == before, deadline_s=_patience_s(stage)
    )
    return polled.last


def _patience_s(stage: Scene) -> float:
    return _SETTLING_S if stage.ground is None else _SETTLING_HERE_S
