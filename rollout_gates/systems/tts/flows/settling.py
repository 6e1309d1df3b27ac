"""Waiting for another flow without caring how it ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.replies import detail
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply


async def settled(context: Context, name: str) -> Any:
    """Wait until flow *name* is over; return its observation, or ``None`` when it has none to give."""
    try:
        return await context.observe(name)
    except (CouldNotJudge, BadAnswer):
        return None


async def all_settled(context: Context, *names: str) -> None:
    """Wait until all flows in *names* are over."""
    await asyncio.gather(*(settled(context, name) for name in names))


def refuse_poverty(reply: Reply, who: str, what: str) -> None:
    """Raise when *reply* says that the user cannot pay: that is about our user, not about the target."""
    if reply.status == 402:
        raise CouldNotJudge(Reason.OUT_OF_BUDGET, f"{who} cannot pay for {what}: {detail(reply) or 'status 402'}")
