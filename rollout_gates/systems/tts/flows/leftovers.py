"""What a text refused for its length leaves behind: nothing, seen from everywhere that a user can look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.settling import all_settled
from rollout_gates.systems.tts.replies import ids, json_object, rows, value
from rollout_gates.systems.tts.samples import characters
from rollout_gates.wire import BadAnswer

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.flows.voice import Voice
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

_TABLES = ("tasks", "generations", "credit_ledger")
_READ: Mapping[str, str | int] = {"select": "id", "order": "created_at.desc", "limit": 200}


@dataclass(frozen=True)
class Leftovers:
    """One refused text, and what its user could see *before* and *after*. *sources* are the answers read for it."""

    refused: Reply
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sources: tuple[Reply, ...]


@flow("cap leftovers")
async def leftovers(context: Context) -> Leftovers:
    """Send one character too many in a voice that exists, as user A, while user A does nothing else."""
    session: Session = context.session
    voice: Voice = await context.observe("voice")
    await all_settled(context, "clone", "design", "speech", "cancel")
    user = await session.user_a()
    async with user.busy:
        before, first = await _seen(user.client)
        said = characters(session.settings.cap + 1)
        refused = await user.client.generate(voice_id=voice.voice_id, text=said, language="Auto")
        after, second = await _seen(user.client)
    return Leftovers(refused, before, after, (*first, *second))


async def _seen(client: Client) -> tuple[dict[str, Any], tuple[Reply, ...]]:
    usage, listing, *tables = await asyncio.gather(
        client.credits_usage(), client.generations(per_page=100), *(client.rows(table, _READ) for table in _TABLES)
    )
    answer = json_object(usage)
    events = value(answer, "events")
    seen = {
        "balance": value(answer, "balance"),
        "usage events": ids(row for row in events if isinstance(row, dict)) if isinstance(events, list) else None,
        "generations listed": ids(rows(listing, "generations")) if listing.status == 200 else None,
        **{f"{table} rows": _row_ids(reply) for table, reply in zip(_TABLES, tables, strict=True)},
    }
    return seen, (usage, listing, *tables)


def _row_ids(reply: Reply) -> tuple[str, ...] | None:
    try:
        found = reply.json()
    except BadAnswer:
        return None
    if reply.status != 200 or not isinstance(found, list):
        return None
    return ids(row for row in found if isinstance(row, dict))
