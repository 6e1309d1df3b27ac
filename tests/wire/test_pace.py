"""Fixed windows, shared by all workers; who finds one used up sleeps until it turns."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import time

import pytest

from rollout_gates.wire import Pace
from rollout_gates.wire.shared import SharedState
from tests.wire.scene import asynchronous


class Clock:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@asynchronous
async def test_calls_within_the_limit_do_not_wait(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 3}, 300, now=Clock(1000))

    assert [await pace.take("user_a", "tier1") for _ in range(3)] == [0, 0, 0]
    assert (pace.used("user_a", "tier1"), pace.room("user_a", "tier1")) == (3, 0)


@asynchronous
async def test_the_call_beyond_the_limit_waits_until_the_window_turns(tmp_path):
    notes = []
    pace = Pace(tmp_path / "pace.json", {"tier1": 2}, 1.0, note=notes.append)
    await asyncio.sleep(pace.turns_in_s() + 0.01)
    for _ in range(2):
        await pace.take("user_b", "tier1")
    window = int(time.time())
    await pace.take("user_b", "tier1")

    assert int(time.time()) == window + 1
    assert notes == ["waiting 1 s: tier1 of user_b is used up (2 in 1 s)"]
    assert pace.used("user_b", "tier1") == 1


@asynchronous
async def test_many_who_wait_for_one_window_are_one_line(tmp_path):
    notes = []
    pace = Pace(tmp_path / "pace.json", {"tier1": 2}, 1.0, note=notes.append)
    await asyncio.sleep(pace.turns_in_s() + 0.01)
    await asyncio.gather(*(pace.take("user_a", "tier1") for _ in range(4)))

    assert notes == ["waiting 1 s: tier1 of user_a is used up (2 in 1 s)"]


@asynchronous
async def test_actors_and_tiers_have_counters_of_their_own(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 1, "tier2": 1}, 300, now=Clock(1000))
    await pace.take("user_a", "tier1")
    await pace.take("user_b", "tier1")
    await pace.take("user_a", "tier2")

    assert pace.used("user_a", "tier1") == pace.used("user_b", "tier1") == pace.used("user_a", "tier2") == 1


@asynchronous
async def test_a_tier_without_a_limit_is_free(tmp_path):
    pace = Pace(tmp_path / "pace.json", {}, 300)

    assert await pace.take("user_a", "tier9", 1000) == 0
    assert pace.room("user_a", "tier9") is None


def test_windows_are_aligned_to_the_epoch(tmp_path):
    clock = Clock(299.0)
    pace = Pace(tmp_path / "pace.json", {"tier1": 20}, 300, now=clock)
    pace.count("user_a", "tier1", 7)
    assert (pace.turns_in_s(), pace.used("user_a", "tier1")) == (1.0, 7)

    clock.at = 300.0
    assert (pace.turns_in_s(), pace.used("user_a", "tier1")) == (300.0, 0)


@asynchronous
async def test_what_is_kept_is_left_for_others(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 5}, 300, now=Clock(1000))
    for _ in range(3):
        await pace.take("user_b", "tier1", keep=2)
    waits = asyncio.create_task(pace.take("user_b", "tier1", keep=2))
    await asyncio.sleep(0.05)

    assert not waits.done()
    assert await pace.take("user_b", "tier1") == 0
    waits.cancel()


@asynchronous
async def test_more_than_a_window_holds_is_refused(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 5}, 300)

    with pytest.raises(ValueError, match="6 calls of tier1 never fit: 5 in 300 s"):
        await pace.take("user_a", "tier1", 6)


@asynchronous
async def test_nobody_takes_after_the_target_refused(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 50}, 300)
    pace.refused("user_a", "tier1", 0.3)
    started = time.monotonic()
    await pace.take("user_a", "tier1")

    assert 0.25 < time.monotonic() - started < 3


def test_a_damaged_file_is_not_taken_for_an_empty_one(tmp_path):
    (tmp_path / "pace.json").write_text("{cut")

    with pytest.raises(ValueError, match="is damaged"):
        Pace(tmp_path / "pace.json", {"tier1": 5}, 300).used("user_a", "tier1")


def test_a_shorter_document_after_a_longer_one_is_read_alone(tmp_path):
    state = SharedState(tmp_path / "state.json")
    with state.changed() as document:
        document.update(long="x" * 1000, n=1)
    with state.changed() as document:
        document.pop("long")

    assert SharedState(tmp_path / "state.json").read() == {"n": 1}


def test_a_change_that_fails_is_not_kept(tmp_path):
    state = SharedState(tmp_path / "state.json")
    with contextlib.suppress(RuntimeError), state.changed() as document:
        document["n"] = 1
        raise RuntimeError

    assert state.read() == {}


def _take(path, count):
    async def takes():
        pace = Pace(path, {"tier1": 1000}, 10_000)
        for _ in range(count):
            await pace.take("user_a", "tier1")

    asyncio.run(takes())


def test_workers_share_one_count(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_take, args=(tmp_path / "pace.json", 100)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert Pace(tmp_path / "pace.json", {"tier1": 1000}, 10_000).used("user_a", "tier1") == 300


def test_a_window_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="window_s"):
        Pace(tmp_path / "pace.json", {}, 0)
