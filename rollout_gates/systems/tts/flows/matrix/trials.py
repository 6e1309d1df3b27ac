"""Trials and flat prices: the free ones, the first one that costs, and a charge that is asked for again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.account import Account, account
from rollout_gates.systems.tts.flows.matrix.cloning import Prepared, finalize, own_rows, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.designing import begin, wishes
from rollout_gates.systems.tts.flows.matrix.purse import RICH, Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.matrix.treasury import CLONE_PRICE, PREVIEW_PRICE, TRIALS, Treasury, newcomer
from rollout_gates.systems.tts.replies import json_object, text
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply


@dataclass(frozen=True)
class Step:
    """One call, what the caller had *before* and *after* it, and what it must *cost*."""

    title: str
    reply: Reply
    before: Purse
    after: Purse
    cost: Purse

    @property
    def took(self) -> Purse:
        """What the caller had less of afterwards."""
        return minus(self.before, self.after)


@dataclass(frozen=True)
class Trials:
    """Clones and previews by two new users, one after the other; *accounts* are theirs at the end.

    *consumed* are the rows in which the system notes the trials that they used, by the user's name.
    """

    first: Purse
    clones: tuple[Step, ...]
    previews: tuple[Step, ...]
    accounts: tuple[Account, ...]
    consumed: Mapping[str, tuple[Mapping[str, Any], ...]]


@flow("trials")
async def trials(context: Context) -> Trials:
    """Use up the trials of two new users, and go on in credits."""
    async with scene(context) as stage:
        treasury = Treasury(stage)
        cloner, designer = await asyncio.gather(newcomer(stage, "cloner"), newcomer(stage, "designer"))
        first = await purse(cloner.client)
        await asyncio.gather(*(treasury.grant(user, RICH) for user in (cloner, designer)))
        clones, previews = await asyncio.gather(_clones(stage, cloner), _previews(stage, designer))
        accounts = await asyncio.gather(account(cloner), account(designer))
        consumed = {user.name: await treasury.rows("trial_consumption", user) for user in (cloner, designer)}
    return Trials(first, clones, previews, tuple(accounts), consumed)


async def _clones(stage: Scene, user: Identity) -> tuple[Step, ...]:
    steps = []
    for number in range(1, TRIALS + 2):
        prepared = await prepare(stage, user, f"clone {number}")
        await pay_for_clone(stage)
        cost = Purse(0, 1, 0) if number <= TRIALS else Purse(CLONE_PRICE, 0, 0)
        steps.append(await _cloned(stage, user, prepared, f"clone {number}", cost))
    steps.append(await _cloned(stage, user, prepared, f"clone {number} once more", Purse(0, 0, 0)))
    return tuple(steps)


async def _cloned(stage: Scene, user: Identity, prepared: Prepared, title: str, cost: Purse) -> Step:
    before = await purse(user.client)
    reply = await finalize(stage, user, prepared)
    return Step(title, reply, before, await purse(user.client), cost)


async def _previews(stage: Scene, user: Identity) -> tuple[Step, ...]:
    steps = []
    for number in range(1, TRIALS + 2):
        before = await purse(user.client)
        reply = await begin(stage, user, wishes(stage, f"preview {number}"))
        task_id = text(json_object(reply), "task_id")
        if task_id is not None:
            await watch(user.client, task_id, patience_s=stage.session.settings.latency_budget_s)
        cost = Purse(0, 0, 1) if number <= TRIALS else Purse(PREVIEW_PRICE, 0, 0)
        steps.append(Step(f"preview {number}", reply, before, await purse(user.client), cost))
    return tuple(steps)


def minus(before: Purse, after: Purse) -> Purse:
    """Return what is in *before* and no longer in *after*."""
    return Purse(
        before.balance - after.balance,
        before.clone_trials - after.clone_trials,
        before.design_trials - after.design_trials,
    )


@dataclass(frozen=True)
class Replayed:
    """A clone that was paid in credits, and finalized again when the user had a trial again."""

    first: Reply
    paid: Purse
    again: Reply
    before: Purse
    after: Purse
    voices: tuple[Mapping[str, Any], ...]
    creates: int | None


@flow("replayed_charge")
async def replayed_charge(context: Context) -> Replayed:
    """Pay for a clone in credits, get a trial back, and finalize the clone again."""
    async with scene(context) as stage:
        user, treasury = await newcomer(stage, "replayer"), Treasury(stage)
        keys = await treasury.use_up_trials(user, "clone")
        if not keys:
            raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{user.name} had no trial that could be given back later")
        await treasury.set_balance(user, 2 * CLONE_PRICE)
        prepared = await prepare(stage, user, "paid for")
        await pay_for_clone(stage)
        had = await purse(user.client)
        first = await finalize(stage, user, prepared)
        paid = minus(had, await purse(user.client))
        await treasury.restore_trial(user, "clone", keys[0])
        before = await purse(user.client)
        again = await finalize(stage, user, prepared)
        after = await purse(user.client)
        voices = await own_rows(user, "voices", id=f"eq.{prepared.voice_id}")
        creates = await stage.asked("dashscope", "clone_create")
    return Replayed(first, paid, again, before, after, voices, None if creates is None else len(creates))
