"""Billable calls are counted before they are made, for all workers together."""

from __future__ import annotations

import asyncio
import multiprocessing

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.wire import Budget, OutOfBudget
from tests.wire.scene import asynchronous


class Events(list):
    def __call__(self, kind, /, **fields):
        self.append((kind, fields))


def budget(tmp_path, events, **limits):
    return Budget(tmp_path / "budget.json", limits or {"billable_calls": 2, "burst_requests": 5}, events)


@asynchronous
async def test_what_is_spent_is_counted_and_written_down(tmp_path):
    events = Events()
    total = await budget(tmp_path, events).spend("clone", "tts")

    assert total == 1
    assert events == [("spend", {"system": "tts", "what": "clone", "amount": 1, "total": 1, "key": "billable_calls"})]
    assert budget(tmp_path, events).left() == 1


@asynchronous
async def test_one_call_too_many_is_out_of_budget_and_not_counted(tmp_path):
    events = Events()
    mine = budget(tmp_path, events)
    for _ in range(2):
        await mine.spend("clone", "tts")
    with pytest.raises(OutOfBudget) as caught:
        await mine.spend("generate", "tts")

    assert caught.value.reason is Reason.OUT_OF_BUDGET
    assert str(caught.value) == (
        "generate of tts needs 1 of limits.billable_calls, and 0 of 2 are left; "
        "raise limits.billable_calls in the environment file"
    )
    assert (mine.spent(), len(events)) == (2, 2)


@asynchronous
async def test_each_limit_is_counted_by_itself(tmp_path):
    mine = budget(tmp_path, Events())
    await mine.spend("burst", "tts", amount=5, key="burst_requests")

    assert (mine.left("burst_requests"), mine.left()) == (0, 2)
    with pytest.raises(OutOfBudget, match=r"needs 3 of limits\.burst_requests, and 0 of 5 are left"):
        await mine.spend("burst", "tts", amount=3, key="burst_requests")


def _spend(path):
    async def spends():
        mine = Budget(path, {"billable_calls": 50}, Events())
        for _ in range(40):
            await mine.spend("generate", "tts")

    try:
        asyncio.run(spends())
    except OutOfBudget:
        raise SystemExit(6) from None


def test_workers_share_one_budget(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_spend, args=(tmp_path / "budget.json",)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert 6 in [worker.exitcode for worker in workers]
    assert Budget(tmp_path / "budget.json", {"billable_calls": 50}, Events()).spent() == 50
