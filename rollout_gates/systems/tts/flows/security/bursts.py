"""Bursts beyond the first: who else is served meanwhile, when service resumes, and the other tiers.

In the sandbox each plays in a playground of its own, with low limits and a clock that can be skipped. On a deployment
they go on from the one burst of the run, in the same window of the same bucket.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.burst import bucket_of, refused_call
from rollout_gates.systems.tts.flows.volley import Bucket, Burst, again, fill
from rollout_gates.systems.tts.identities import USER_A
from rollout_gates.systems.tts.names import ADDRESS, TIER_1, TIER_2, TIER_3
from rollout_gates.systems.tts.playground import Playground, playground
from rollout_gates.systems.tts.replies import json_object, value
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

LOW: Mapping[str, str] = {
    "RATE_LIMIT_TIER1_USER_LIMIT": "6",
    "RATE_LIMIT_TIER1_IP_LIMIT": "18",
    "RATE_LIMIT_TIER2_USER_LIMIT": "7",
    "RATE_LIMIT_TIER2_IP_LIMIT": "19",
    "RATE_LIMIT_TIER3_IP_LIMIT": "100000",
    "RATE_LIMIT_WINDOW_SECONDS": "3600",
}
"""The limits of a playground for bursts. Tier 3 is left open: whoever prepares a scenario calls it as well."""
# What is waited for in any case; longer only where the environment file allows more than one window.
_SHORT_S = 60
_AFTER_THE_TURN_S = 1.0
# Where a caller may claim to be.
_ADDRESS_HEADERS = ("x-forwarded-for", "cf-connecting-ip", "x-real-ip", "x-client-ip")


@contextlib.asynccontextmanager
async def arena(context: Context, **limits: str) -> AsyncIterator[tuple[Context, Playground | None]]:
    """Yield where to burst: a playground with low limits, or the deployment itself."""
    if context.sandbox_url is None:
        yield context, None
        return
    async with playground(context, variables={**LOW, **limits}) as ground:
        yield ground.context, ground


async def blocked(context: Context, ground: Playground | None) -> tuple[Identity, Burst]:
    """Return a user whose bucket of tier 1 is full, and the burst that filled it.

    Raises `CouldNotJudge` when the user was never refused: then nothing can be said of who is blocked.
    """
    session: Session = context.session
    user = await session.identities.get("burst")
    seen = await fill(context, bucket_of(session, user)) if ground else await context.observe("burst")
    refuse_unlimited(seen)
    return user, seen


def refuse_unlimited(seen: Burst) -> None:
    """Raise `CouldNotJudge` when *seen* was never refused."""
    if not seen.was_refused:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"{seen.title}: nobody was refused, so it shows nothing")


@dataclass(frozen=True)
class Neighbour:
    """A call of another user (*other*) between two of the one who is blocked."""

    before: Reply
    other: Reply
    after: Reply


@flow("burst_beside", last=True)
async def burst_beside(context: Context) -> Neighbour:
    """While one user is blocked, call as another one from the same address."""
    async with arena(context) as (here, ground):
        session: Session = here.session
        user, _ = await blocked(here, ground)
        other = await session.identities.get(USER_A)
        if other.user_id == user.user_id:
            raise CouldNotJudge(Reason.NOT_CONFIGURED, "there is one user only; name user_b under secrets")
        refuse_drained(here, other)
        replies = await again(here, [partial(refused_call, each.client) for each in (user, other, user)])
        if replies[0].status != 429:
            raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "the window turned before the other user could call")
        return Neighbour(*replies)


def refuse_drained(context: Context, user: Identity) -> None:
    """Raise `CouldNotJudge` when the run itself has used up the bucket of *user*."""
    room = context.pace.room(user.name, TIER_1) if context.pace else None
    if room is not None and room < 1:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"the run itself has used up tier 1 of {user.name} in this window")


@dataclass(frozen=True)
class Resumption:
    """A refusal, and a call *waited_s* seconds later, when it said that service resumes."""

    refused: Reply
    waited_s: float
    resumed: Reply


@flow("burst_over", last=True)
async def burst_over(context: Context) -> Resumption:
    """Come back when the refusal says. Raises `CouldNotJudge` where that takes longer than the run may wait."""
    async with arena(context) as (here, ground):
        user, seen = await blocked(here, ground)
        refused = (await again(here, [partial(refused_call, user.client)]))[0] if ground is None else seen.last
        if refused.status != 429:  # the window has turned already
            return Resumption(seen.last, 0.0, refused)
        wait_s = _asked_wait(refused, seen) + _AFTER_THE_TURN_S
        if ground is not None:
            await ground.skip(wait_s)
        else:
            await _wait(here, wait_s)
        return Resumption(refused, wait_s, *(await again(here, [partial(refused_call, user.client)])))


def _asked_wait(refused: Reply, seen: Burst) -> float:
    """Return the seconds after which the refusal says that service resumes; the window where it says nothing of use."""
    said = value(json_object(refused), "retry_after_seconds")
    return float(said) if isinstance(said, int) and 0 < said <= seen.window_s else float(seen.window_s)


async def _wait(context: Context, wait_s: float) -> None:
    if wait_s > _SHORT_S and context.settings.rate_windows < 2:
        told = f"service resumes in {wait_s:.0f} s, and a run waits {_SHORT_S} s; set rate_windows = 2 to let it wait"
        raise CouldNotJudge(Reason.OUT_OF_BUDGET, told)
    context.note(f"waiting {wait_s:.0f} s: whether service resumes after the burst")
    await asyncio.sleep(wait_s)


@flow("burst_tier_2", last=True)
async def burst_tier_2(context: Context) -> Burst:
    """Ask for tasks that are not there, once more than tier 2 allows."""
    async with arena(context) as (here, _ground):
        user = await here.session.identities.get("burst")
        limit = here.settings.rate_limits.tier2_user

        async def call(_number: int) -> Reply:
            path = f"/tasks/{uuid.uuid4()}"
            found: Reply = await user.client.raw("GET", path, tier=None, on_429="return")
            return found

        return await fill(here, Bucket("tier 2, one user", user.name, TIER_2, limit, call))


@dataclass(frozen=True)
class Address:
    """An address whose bucket of tier 3 is full, filled by calls without a login.

    *elsewhere* are calls that then claimed to come from other addresses, by the header that they claimed it in; *later*
    is one that claimed nothing, after those. Both are empty where nobody was refused.
    """

    burst: Burst
    elsewhere: Mapping[str, Reply]
    later: Reply | None = None


@flow("burst_tier_3", last=True)
async def burst_tier_3(context: Context) -> Address:
    """Call tier 3 without a login until the address is refused, then claim to be somewhere else."""
    async with arena(context, RATE_LIMIT_TIER3_IP_LIMIT="9") as (here, _ground):
        anon, limit = here.session.anon, here.settings.rate_limits.tier3_ip

        async def call(headers: Mapping[str, str] | None = None) -> Reply:
            found: Reply = await anon.raw("GET", "/voices", headers=headers, tier=None, on_429="return")
            return found

        bucket = Bucket("tier 3, one address", ADDRESS, TIER_3, limit, lambda _number: call(), shared=True)
        seen = await fill(here, bucket)
        if not seen.was_refused:
            return Address(seen, {})
        if here.pace:
            here.pace.refused(ADDRESS, TIER_3, _asked_wait(seen.last, seen))
        claims = {name: f"203.0.113.{number}" for number, name in enumerate(_ADDRESS_HEADERS, start=7)}
        replies = await again(here, [partial(call, {name: address}) for name, address in claims.items()])
        later = (await again(here, [call]))[0]
        return Address(seen, dict(zip(claims, replies, strict=True)), later)


@dataclass(frozen=True)
class Costs:
    """Billable calls of one user at once, of which *limit* are within the limit.

    *provider_calls* is how often the provider was asked for what they order, after all of it had ended.
    """

    limit: int
    answers: tuple[Reply, ...]
    provider_calls: int

    @property
    def accepted(self) -> int:
        """How many calls were accepted."""
        return sum(reply.status == 200 for reply in self.answers)


@flow("burst_costs")
async def burst_costs(context: Context) -> Costs:
    """Order more previews at once than tier 1 allows, in a playground, and see all that were taken to their end."""
    async with playground(context, variables=LOW) as ground:
        session: Session = ground.session
        user, limit = await session.user_a(), ground.settings.rate_limits.tier1_user
        await ground.database.update("profiles", {"credits_remaining": 10**6}, id=user.user_id)
        for provider in ("dashscope", "modal"):
            await ground.providers.options(provider, design_s=0)
        asked = {"text": "Many at once.", "language": "English", "instruct": "A calm voice."}
        answers = await asyncio.gather(*(_preview(user, asked) for _ in range(2 * limit)))
        await ground.set_variables(RATE_LIMIT_TIER2_USER_LIMIT="100000")
        await asyncio.gather(*(_ended(user, reply) for reply in answers if reply.status == 200))
        provider = "dashscope" if ground.settings.is_qwen else "modal"
        call = "design_create" if ground.settings.is_qwen else "design"
        return Costs(limit, tuple(answers), len(await ground.providers.requests(provider, call)))


async def _preview(user: Identity, asked: Mapping[str, Any]) -> Reply:
    found: Reply = await user.client.raw("POST", "/voices/design/preview", json=asked, tier=None, on_429="return")
    return found


async def _ended(user: Identity, begun: Reply) -> None:
    await watch(user.client, str(value(json_object(begun), "task_id")), patience_s=20)


@dataclass(frozen=True)
class Outage:
    """Calls of each tier while the counter does not work, and one of tier 1 before (*twin*), when it does."""

    twin: Reply
    tier_1: tuple[Reply, ...]
    tier_2: Reply
    tier_3: Reply


@flow("limiter_outage")
async def limiter_outage(context: Context) -> Outage:
    """Break the counter, in a playground, and call each tier."""
    async with playground(context) as ground:
        client = (await ground.session.user_a()).client
        twin = await refused_call(client)
        await ground.break_("rpc:rate_limit_check_and_increment")
        tier_1 = [await refused_call(client, number) for number in range(3)]
        tier_2, tier_3 = await client.task(str(uuid.uuid4())), await client.voices()
        return Outage(twin, tuple(tier_1), tier_2, tier_3)
