"""What is kept of the stream that was heard to its end: its rows, its price, its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Ids, aftermath, rows
from rollout_gates.systems.tts.replies import TERMINAL, text
from rollout_gates.systems.tts.replies import rows as rows_in
from rollout_gates.systems.tts.samples import utf16_units
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.stream import Stream
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session

_POLLER = Poller(first_s=0.05, factor=1.5, longest_s=4.0)
_PATIENCE_HERE_S = 8.0


@dataclass(frozen=True)
class KeptStream:
    """A stream that was answered 200, and what was *left* of it once it had ended, or patience had.

    *price* is what its text costs, in credits.
    """

    stream: Stream
    left: Aftermath
    price: int


@flow("stream_kept")
async def stream_kept(context: Context) -> KeptStream:
    """Look for the stream of this run everywhere. Raises `CouldNotJudge` where there was none to be kept."""
    session: Session = context.session
    stream: Stream = await context.observe("stream")
    if stream.reply.status != 200:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"the stream was answered {stream.reply.status}, so nothing was kept")
    user = await session.user_a()
    by_text = next((row for row in rows_in(stream.listing, "generations") if row.get("text") == stream.said), {})
    ids = Ids(stream.hearing.task_id, stream.generation_id or text(by_text, "id"))
    return KeptStream(stream, await settled_left(context, user, ids), max(1, utf16_units(stream.said)))


async def settled_left(context: Context, user: Identity, ids: Ids, *, table: str = "generations") -> Aftermath:
    """Return what is left of *ids* as soon as its row of *table* has ended, or has not after long enough.

    The end of a stream's body may come before that of the work behind it.
    """
    patience_s = context.settings.latency_budget_s if context.sandbox_url is None else _PATIENCE_HERE_S

    row_id = ids.task_id if table == "tasks" else ids.generation_id

    async def status() -> str | None:
        found = await rows(user.client, table, id=f"eq.{row_id}")
        return text(found[0], "status") if found else None

    if row_id is not None:
        await _POLLER.until(status, lambda found: found in TERMINAL, deadline_s=patience_s)
    return await aftermath(user, ids)
