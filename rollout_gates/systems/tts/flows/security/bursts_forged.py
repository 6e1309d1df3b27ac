"""Tokens that nobody signed: they neither use up the bucket of the user whom they name, nor open fresh ones."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.environment import Secret
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.client import Caller
from rollout_gates.systems.tts.flows.burst import refused_call
from rollout_gates.systems.tts.flows.security.bursts import arena, refuse_drained
from rollout_gates.systems.tts.flows.volley import Bucket, Burst, again, fill
from rollout_gates.systems.tts.identities import USER_A
from rollout_gates.systems.tts.names import ADDRESS, TIER_1
from rollout_gates.systems.tts.tokens import made_up
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.client import Client
    from rollout_gates.systems.tts.playground import Playground
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

# Calls of tier 1 that an address has where nothing is configured (section 4).
_USUAL = 120
_FRESH = 3


@dataclass(frozen=True)
class Victim:
    """A user's own call before and after as many *forged* ones in their name as their bucket holds."""

    before: Reply
    forged: Burst
    after: Reply


@dataclass(frozen=True)
class Drained:
    """An address that is refused in tier 1, and calls from it with *fresh* forged subjects."""

    address: Burst
    fresh: tuple[Reply, ...]
    later: Reply


@flow("burst_forged_victim", last=True)
async def burst_forged_victim(context: Context) -> Victim:
    """Call in a user's name, with a token that nobody signed, as often as they may; then as that user."""
    async with arena(context) as (here, _ground):
        session: Session = here.session
        victim = await session.identities.get(USER_A)
        refuse_drained(here, victim)
        forger, limit = _forger(here, victim.user_id), session.settings.rate_limits.tier1_user
        before = (await again(here, [partial(refused_call, victim.client)]))[0]
        bucket = Bucket(
            "tier 1, forged in a user's name", "forger", TIER_1, limit, lambda number: refused_call(forger, number)
        )
        forged = await fill(here, bucket)
        return Victim(before, forged, (await again(here, [partial(refused_call, victim.client)]))[0])


@flow("burst_forged_subjects", last=True)
async def burst_forged_subjects(context: Context) -> Drained:
    """Call tier 1 without a login until the address is refused, then with one forged subject after the other.

    Raises `CouldNotJudge` when the address is never refused.
    """
    async with arena(context) as (here, ground):
        session: Session = here.session
        bucket = address_bucket(here, ground)
        drained = await fill(here, bucket)
        if not drained.was_refused:
            raise CouldNotJudge(*_never_refused(here, drained))
        forgers = [_forger(here, str(uuid.uuid4())) for _ in range(_FRESH)]
        replies = await again(here, [partial(refused_call, each) for each in (*forgers, session.anon)])
        return Drained(drained, replies[:-1], replies[-1])


def address_bucket(context: Context, ground: Playground | None) -> Bucket:
    """Return the bucket of tier 1 that callers without a login share, by their address."""
    anon, configured = context.session.anon, context.settings.rate_limits.tier1_ip
    limit = configured or _USUAL
    return Bucket(
        "tier 1, one address",
        ADDRESS,
        TIER_1 if ground else "tier1_ip",
        limit,
        lambda number: refused_call(anon, number),
        shared=True,
    )


def _never_refused(context: Context, drained: Burst) -> tuple[Reason, str]:
    calls = len(drained.statuses)
    if context.settings.rate_limits.tier1_ip is None:
        return Reason.NOT_CONFIGURED, f"{calls} calls of one address were let in; set rate_limits.tier1_ip"
    return Reason.TOO_FEW_SAMPLES, f"{calls} calls of one address were let in, so a fresh bucket would not show"


def _forger(context: Context, subject: str) -> Client:
    """Return a client with a token that says *subject* and that nobody signed."""
    anon: Client = context.session.anon
    return anon.speaking_as(Caller("forger", Secret(made_up(subject))))
