"""One burst over the tier-1 limit, within one window of the target, by calls that cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.flows.volley import Bucket, Burst, fill
from rollout_gates.systems.tts.names import TIER_1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Each refuses an empty object before it asks anybody; all of them share one bucket.
ROUTES = ("/clone/upload-url", "/generate", "/clone/finalize", "/voices/design/preview", "/billing/checkout")


@flow("burst", last=True)
async def burst(context: Context) -> Burst:
    """Send one call more than the limit; once more if the window turned in between.

    Raises `OutOfBudget`, or `CouldNotJudge` when the window turned both times.
    """
    session: Session = context.session
    return await fill(context, bucket_of(session, await session.identities.get("burst")))


def bucket_of(session: Session, user: Identity) -> Bucket:
    """Return *user*'s bucket of tier 1."""
    limit = session.settings.rate_limits.tier1_user
    return Bucket("tier 1, one user", user.name, TIER_1, limit, lambda number: refused_call(user.client, number))


async def refused_call(client: Client, number: int = 0, headers: Mapping[str, str | None] | None = None) -> Reply:
    """A call of tier 1 that is refused for its body, if it gets that far. It asks nobody's leave."""
    path = ROUTES[number % len(ROUTES)]
    return await client.raw("POST", path, json={}, headers=headers, tier=None, on_429="return")
