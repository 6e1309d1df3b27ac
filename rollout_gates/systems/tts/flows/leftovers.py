"""What a text refused for its length leaves behind: nothing, seen from everywhere that a user can look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.settling import all_settled
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.replies import ids, json_object, value
from rollout_gates.systems.tts.samples import characters
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Not one more: whether the boundary is exact is asked elsewhere.
_TOO_MANY = 100
_TABLES = ("tasks", "generations", "credit_ledger")
_READ: Mapping[str, str | int] = {"select": "id", "order": "created_at.desc", "limit": 200}


@dataclass(frozen=True)
class Leftovers:
    """One refused text, and what its user could see *before* and *after*."""

    refused: Reply
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@flow("cap_leftovers")
async def leftovers(context: Context) -> Leftovers:
    """Send a text that is clearly too long in a voice that exists, as user A, while user A does nothing else.

    Raises `CouldNotJudge` when it is not refused for its length: that is TTS-CAP-01's business, not this one's.
    """
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await all_settled(context, "clone", "design", "speech", "cancel")
    user = await session.user_a()
    async with user.busy:
        before = await _seen(user.client)
        started = await submit(context, user, voice.voice_id, characters(session.settings.cap + _TOO_MANY))
        if started.task_id is not None:
            await user.client.cancel_task(started.task_id)
        after = await _seen(user.client)
    if started.reply.status != 400:
        said = f"a text of {_TOO_MANY} characters over the cap was answered {started.reply.status}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{said}, not refused, so there is no refusal to look behind")
    return Leftovers(started.reply, before, after)


async def _seen(client: Client) -> dict[str, Any]:
    """Return what the user of *client* sees. Raises `CouldNotJudge` where there is nothing to compare with."""
    usage, listing, *tables = await asyncio.gather(
        client.credits_usage(), client.generations(per_page=100), *(client.rows(table, _READ) for table in _TABLES)
    )
    answer = json_object(usage)
    seen = {
        "balance": value(answer, "balance"),
        "usage events": _ids(value(answer, "events")),
        "generations listed": _ids(value(json_object(listing), "generations")),
        **{f"rows in {table}": _table(reply) for table, reply in zip(_TABLES, tables, strict=True)},
    }
    for what, found in seen.items():
        if found is None:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{what} could not be read, so nothing can be compared")
    return seen


def _table(reply: Reply) -> tuple[str, ...] | None:
    try:
        return _ids(reply.json()) if reply.status == 200 else None
    except BadAnswer:
        return None


def _ids(listed: Any) -> tuple[str, ...] | None:
    return ids(row for row in listed if isinstance(row, dict)) if isinstance(listed, list) else None
