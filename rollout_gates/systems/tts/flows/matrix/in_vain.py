"""A generate that its provider cannot speak, brought about from outside: a voice that the provider does not have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids, aftermath, rows
from rollout_gates.systems.tts.flows.matrix.planting import voice_in_vain
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.speaking import Start, start
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.systems.tts.watching import Watch, watch
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

READS = 4


@dataclass(frozen=True)
class InVain:
    """One generate that failed at its provider; *left* is what there was then, *at_last* after *READS* and a *cancel*.

    *log* holds the lines that name it, ``None`` where nobody said how to read the log.
    """

    started: Start
    watch: Watch | None
    left: Aftermath
    reads: tuple[Reply, ...]
    cancel: Reply
    at_last: Aftermath
    log: tuple[Mapping[str, Any], ...] | None

    @property
    def reply(self) -> Reply:
        """The answer that told of the failure."""
        return self.watch.last if self.watch is not None else self.started.reply


@flow("in_vain")
async def in_vain(context: Context) -> InVain:
    """Have a text spoken in a voice that its provider cannot speak with.

    Raises `NotConfigured` without the means, and `CouldNotJudge` when the provider spoke all the same.
    """
    async with scene(context) as stage:
        user = await stage.user("in_vain")
        voice_id = await voice_in_vain(stage, user, "in vain")
        async with user.busy:
            return await _spoken(stage, user, voice_id)


async def _spoken(stage: Scene, user: Identity, voice_id: str) -> InVain:
    started = await start(stage.context, user, voice_id, spoken(stage.context.run_id, "In vain"))
    seen = None
    ids: Start | Ids = started
    if started.task_id is not None:
        seen = await watch(user.client, started.task_id, patience_s=stage.session.settings.latency_budget_s)
    elif started.reply.status == 502:
        ids = await _newest(user)
    _refuse_success(started, seen)
    left = await aftermath(user, ids)
    reads = await asyncio.gather(*(user.client.task(ids.task_id or "") for _ in range(READS)))
    cancel = await user.client.cancel_task(ids.task_id or "")
    at_last = await aftermath(user, ids)
    log = await _told(stage, started, ids)
    return InVain(started, seen, left, tuple(reads), cancel, at_last, log)


async def _newest(user: Identity) -> Ids:
    """Return the ids of the user's newest generate: [M] the answer to one that could not be handed in has none."""
    order: dict[str, str | int] = {"order": "created_at.desc", "limit": 1}
    tasks = await rows(user.client, "tasks", type="eq.generate", **order)
    found = tasks[0] if tasks else {}
    return Ids(found.get("id"), found.get("generation_id"))


def _refuse_success(started: Start, seen: Watch | None) -> None:
    ended = seen.status if seen is not None else "failed" if started.reply.status == 502 else None
    if ended != "failed":
        told = " > ".join(seen.statuses) if seen is not None else f"refused with {started.reply.status}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"a voice that the provider does not have did not fail there: {told}")


async def _told(stage: Scene, started: Start, ids: Start | Ids) -> tuple[Mapping[str, Any], ...] | None:
    """Return the log lines about this generate: those with its ids, or with the request id that it was asked with."""
    known = [each for each in (ids.task_id, ids.generation_id, started.reply.request_id) if each]
    try:
        lines = await stage.logged()
    except NotConfigured:
        return None
    return tuple(line for line in lines if any(each in str(line) for each in known))
