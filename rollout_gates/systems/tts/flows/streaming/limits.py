"""One burst at the stream route, by calls that cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.volley import Bucket, Burst, fill
from rollout_gates.systems.tts.names import STREAM, TIER_1
from rollout_gates.systems.tts.playground import playground

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

_LIMIT = "4"


@flow("stream_burst", last=True)
async def stream_burst(context: Context) -> Burst:
    """Send one call more than the limit of tier 1: in a playground with a small one, or to the deployment.

    Raises `OutOfBudget`, or `CouldNotJudge` when the rate window turned in the middle, twice.
    """
    if context.sandbox_url is None:
        return await fill(context, await _bucket(context))
    async with playground(context, variables={"RATE_LIMIT_TIER1_USER_LIMIT": _LIMIT}) as ground:
        return await fill(ground.context, await _bucket(ground.context))


async def _bucket(context: Context) -> Bucket:
    user: Identity = await context.session.identities.get("burst")
    limit = context.settings.rate_limits.tier1_user
    return Bucket("tier 1, the stream route", user.name, TIER_1, limit, lambda _number: _call(user))


async def _call(user: Identity) -> Reply:
    """A call that is refused for its body, if it gets that far. It asks nobody's leave: it is meant to be too many."""
    return await user.client.raw("POST", STREAM, json={}, tier=None, on_429="return")
