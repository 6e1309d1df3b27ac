from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest

from rollout_gates.conductor import Flow
from rollout_gates.families import BATCH_S, REQUESTS_AT_ONCE
from rollout_gates.wire.client import current_turn
from tests.test_conductor import conductor_of, sleeper


def asker(name: str, asking: list[int], seen: list[int]) -> Flow:
    """A flow that sends one request; *asking* holds how many do so right now, *seen* each number there was."""

    async def act(_context):
        async with current_turn.get():
            asking[0] += 1
            seen.append(asking[0])
            await asyncio.sleep(0.01)
            asking[0] -= 1

    return Flow(name, act)


@pytest.mark.parametrize(("pattern", "most"), [("golden:{}", REQUESTS_AT_ONCE), ("single{}", 50)])
def test_only_the_requests_of_a_family_take_turns(pattern, most):
    asking, seen = [0], []
    flows = [asker(pattern.format(number), asking, seen) for number in range(50)]
    conductor = conductor_of(*flows)
    conductor.demand("toy", [each.name for each in flows])

    with contextlib.closing(conductor):
        for each in flows:
            conductor.observe("toy", each.name)

    assert max(seen) == most
    assert len(seen) == 50


def test_a_flow_that_a_member_starts_takes_no_turns():
    turns = []

    async def start(context):
        turns.append(current_turn.get())
        return await context.observe("single")

    async def single(_context):
        turns.append(current_turn.get())

    conductor = conductor_of(Flow("golden:a", start), Flow("single", single))

    with contextlib.closing(conductor):
        conductor.observe("toy", "golden:a")

    assert isinstance(turns[0], asyncio.Semaphore)
    assert isinstance(turns[1], contextlib.nullcontext)


def test_members_that_end_soon_are_waited_for_together():
    flows = [sleeper(f"golden:{number}", number * BATCH_S / 10) for number in range(5)]
    conductor = conductor_of(*flows)
    conductor.demand("toy", [each.name for each in flows])

    with contextlib.closing(conductor):
        conductor.observe("toy", "golden:0")
        seen = [conductor.seen("toy", each.name) for each in flows]

    assert seen == [each.name for each in flows]


def test_a_member_that_takes_long_keeps_nobody_waiting():
    conductor = conductor_of(sleeper("golden:a", 0), sleeper("golden:b", 60))
    conductor.demand("toy", ["golden:a", "golden:b"])
    started = time.monotonic()

    with contextlib.closing(conductor):
        conductor.observe("toy", "golden:a")

    assert time.monotonic() - started < 30


def test_what_was_seen_once_is_returned_without_the_event_loop():
    conductor = conductor_of(sleeper("golden:a", 0))

    with contextlib.closing(conductor):
        first = conductor.observe("toy", "golden:a")
        busy = threading.Event()
        conductor._loop.call_soon_threadsafe(busy.wait)
        second = conductor.observe("toy", "golden:a", timeout_s=5)
        busy.set()

    assert first == second == "golden:a"


def test_a_member_that_failed_fails_for_each_observer():
    async def fail(_context):
        raise LookupError("nothing there")

    conductor = conductor_of(Flow("golden:a", fail))

    with contextlib.closing(conductor):
        for _ in range(2):
            with pytest.raises(LookupError, match="nothing there"):
                conductor.observe("toy", "golden:a")
