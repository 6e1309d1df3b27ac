"""Credits that are spent: one by one, to the end of them, and by several calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.matrix.account import Account, account
from rollout_gates.systems.tts.flows.matrix.aftermath import ledger_of
from rollout_gates.systems.tts.flows.matrix.cloning import own_rows, pay_for_clone, prepare
from rollout_gates.systems.tts.flows.matrix.designing import wishes
from rollout_gates.systems.tts.flows.matrix.purse import Purse, purse
from rollout_gates.systems.tts.flows.matrix.scene import Scene, scene
from rollout_gates.systems.tts.flows.matrix.treasury import CLONE_PRICE, PREVIEW_PRICE, Treasury, newcomer
from rollout_gates.systems.tts.flows.matrix.voicing import own_voice
from rollout_gates.systems.tts.flows.speaking import submit
from rollout_gates.systems.tts.replies import json_object, text
from rollout_gates.systems.tts.samples import WIDE, characters, spoken, utf16_units
from rollout_gates.systems.tts.watching import watch
from rollout_gates.wire import CouldNotJudge

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.wire import Reply

    Row = Mapping[str, Any]

RUSH = 5


@dataclass(frozen=True)
class Spent:
    """One text spoken, of *units* after trimming; *debits* are the ledger rows that took credits for it."""

    units: int
    generate: Reply
    before: Purse
    debits: tuple[Row, ...]


@dataclass(frozen=True)
class Poor:
    """A generate that costs *need* from a user who has *have*; *left* is what each table had more of afterwards."""

    need: int
    have: int
    generate: Reply
    before: Account
    after: Account
    left: Mapping[str, int]


@dataclass(frozen=True)
class Spending:
    """A user who can pay, and then cannot any more."""

    spent: Spent
    poor: Poor


@flow("spending")
async def spending(context: Context) -> Spending:
    """Have a text spoken that has blanks around it, then one that costs more than what is left."""
    async with scene(context) as stage:
        user = await newcomer(stage, "spender")
        voice_id = await own_voice(stage, user)
        return Spending(await _spend(stage, user, voice_id), await _overdraw(stage, user, voice_id))


async def _spend(stage: Scene, user: Identity, voice_id: str) -> Spent:
    said = f"{spoken(stage.context.run_id, 'Spend')} {WIDE}"
    before = await purse(user.client)
    await stage.pay("generate")
    started = await submit(stage.context, user, voice_id, f" \t{said}\n  ")
    if started.task_id is not None:
        await watch(user.client, started.task_id, patience_s=stage.session.settings.latency_budget_s)
    charged = await ledger_of(user.client, started.generation_id or "", started.task_id or "")
    debits = tuple(row for row in charged if row.get("event_kind") == "debit")
    return Spent(utf16_units(said), started.reply, before, debits)


async def _overdraw(stage: Scene, user: Identity, voice_id: str) -> Poor:
    before = await account(user)
    cap, need = stage.session.settings.cap, before.balance + 1
    if need > cap:
        said = f"{user.name} has {before.balance} credits, which pay for the longest text of {cap}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, said)
    counted = await _counts(user)
    started = await submit(stage.context, user, voice_id, characters(need, start="Too dear"))
    left = {table: number - counted[table] for table, number in (await _counts(user)).items()}
    return Poor(need, before.balance, started.reply, before, await account(user), left)


async def _counts(user: Identity) -> dict[str, int]:
    tables = ("generations", "tasks", "credit_ledger")
    found = await asyncio.gather(*(own_rows(user, table, select="id") for table in tables))
    return {table: len(rows) for table, rows in zip(tables, found, strict=True)}


@dataclass(frozen=True)
class Rush:
    """Calls at the same time by a user whose balance *before* pays for one of them, at *price* each."""

    title: str
    price: int
    answers: tuple[Reply, ...]
    before: Account
    after: Account

    @property
    def accepted(self) -> tuple[Reply, ...]:
        """The answers of those that were let through."""
        return tuple(answer for answer in self.answers if answer.status == 200)

    @property
    def debits(self) -> tuple[Row, ...]:
        """The ledger rows that were written meanwhile and took credits."""
        known = {row["id"] for row in self.before.ledger}
        return tuple(row for row in self.after.ledger if row["id"] not in known and int(row["signed_amount"]) < 0)


@flow("rushes")
async def rushes(context: Context) -> tuple[Rush, ...]:
    """Spend the price of one clone, of one preview and of one text several times at once."""
    async with scene(context) as stage:
        user, treasury = await newcomer(stage, "rusher"), Treasury(stage)
        voice_id = await own_voice(stage, user)
        for operation in ("clone", "design_preview"):
            await treasury.use_up_trials(user, operation)
        clones = await _clones(stage, user)
        return (
            await _rush(stage, user, "clones", CLONE_PRICE, clones),
            await _rush(stage, user, "previews", PREVIEW_PRICE, _previews(stage, user)),
            await _rush(stage, user, "generates", _affordable(stage), _generates(stage, user, voice_id)),
        )


Call = Callable[[], Awaitable[Any]]


async def _rush(stage: Scene, user: Identity, title: str, price: int, calls: tuple[Call, ...]) -> Rush:
    await Treasury(stage).set_balance(user, price)
    before = await account(user)
    answers = tuple(await asyncio.gather(*(call() for call in calls)))
    after = await account(user)
    await _stop(user, answers)
    return Rush(title, price, answers, before, after)


async def _stop(user: Identity, answers: tuple[Reply, ...]) -> None:
    """Cancel what was begun, so that it does not stand in the way of the next rush."""
    begun = [task_id for answer in answers if (task_id := text(json_object(answer), "task_id"))]
    await asyncio.gather(*(user.client.cancel_task(task_id) for task_id in begun))


async def _clones(stage: Scene, user: Identity) -> tuple[Call, ...]:
    """Return finalizes of clones that differ, each of them ready."""
    await pay_for_clone(stage)
    ready = await asyncio.gather(*(prepare(stage, user, f"rush {number}") for number in range(RUSH)))
    for prepared in ready:
        stage.session.things.planned("voice", prepared.voice_id, user.owner, how="cloned")
    return tuple(lambda said=prepared.said: user.client.clone_finalize(**said) for prepared in ready)


def _previews(stage: Scene, user: Identity) -> tuple[Call, ...]:
    said = [wishes(stage, f"rush {number}") for number in range(RUSH)]
    return tuple(lambda body=body: user.client.design_preview(**body) for body in said)


def _affordable(stage: Scene) -> int:
    return min(40, stage.session.settings.cap)


def _generates(stage: Scene, user: Identity, voice_id: str) -> tuple[Call, ...]:
    length = _affordable(stage)

    async def call(number: int) -> Reply:
        said = spoken(stage.context.run_id, f"Rush {number}", length)
        return (await submit(stage.context, user, voice_id, said)).reply

    return tuple(lambda number=number: call(number) for number in range(RUSH))
