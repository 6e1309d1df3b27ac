"""Waiting for another flow without caring how it ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rollout_gates.errors import UnknownFlow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.replies import detail
from rollout_gates.wire import BadAnswer, CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Collection

    from rollout_gates.conductor import Context
    from rollout_gates.wire import Reply


async def ending(context: Context, name: str) -> tuple[Any, Exception | None]:
    """Wait until flow *name* is over; return its observation, or ``None`` and what it raised in place of one."""
    try:
        return await context.observe(name), None
    except UnknownFlow:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever ended it is told by the checks of that flow, not of others
        return None, problem


async def settled(context: Context, name: str) -> Any:
    """Wait until flow *name* is over; return its observation, or ``None`` when it has none to give."""
    return (await ending(context, name))[0]


async def all_settled(context: Context, *names: str) -> None:
    """Wait until all flows in *names* are over."""
    await asyncio.gather(*(settled(context, name) for name in names))


def refuse_poverty(reply: Reply, who: str, what: str) -> None:
    """Raise when *reply* says that the user cannot pay: that is about our user, not about the target."""
    if reply.status == 402:
        raise CouldNotJudge(Reason.OUT_OF_BUDGET, f"{who} cannot pay for {what}: {detail(reply) or 'status 402'}")


def refuse_for_the_same_reason(problems: Collection[Exception | None]) -> None:
    """Raise what kept every flow from judging, where it was one and the same: then it is what keeps this one too."""
    messages = {problem.message for problem in problems if isinstance(problem, CouldNotJudge)}
    reason = common_reason(problems)
    if reason is not None and len(messages) == 1:
        raise CouldNotJudge(reason, messages.pop())


def common_reason(problems: Collection[Exception | None]) -> Reason | None:
    """Return the kind of thing that kept every flow from judging, or ``None`` where it was not one for all."""
    reasons = {problem.reason if isinstance(problem, CouldNotJudge) else None for problem in problems}
    return reasons.pop() if len(reasons) == 1 else None


def told(problem: Exception | None) -> str:
    """Return, in brackets, why a flow has no observation to give; nothing where it has one."""
    if problem is None:
        return ""
    return f" ({problem})" if isinstance(problem, CouldNotJudge | BadAnswer) else f" ({type(problem).__name__})"
