"""A wait ends at a terminal state or at its deadline, and tells all that was seen."""

from __future__ import annotations

import itertools

import pytest

from rollout_gates.wire import Poller
from tests.wire.scene import asynchronous


def states(*seen):
    left = list(seen)

    async def probe():
        return left.pop(0) if len(left) > 1 else left[0]

    return probe


@asynchronous
async def test_a_terminal_state_ends_the_wait_and_all_states_are_kept():
    seen = await Poller(first_s=0.01).until(
        states("pending", "processing", "completed"), lambda state: state in {"completed", "failed"}, deadline_s=5
    )

    assert seen.ended
    assert seen.last == "completed"
    assert seen.values == ("pending", "processing", "completed")
    assert seen.waited_s < 1


@asynchronous
async def test_the_deadline_ends_a_wait_for_nothing():
    seen = await Poller(first_s=0.01).until(states("pending"), lambda state: state == "completed", deadline_s=0.2)

    assert not seen.ended
    assert 0.2 <= seen.waited_s < 2
    assert set(seen.values) == {"pending"}


@asynchronous
async def test_pauses_grow_up_to_a_limit():
    seen = await Poller(first_s=0.01, factor=2, longest_s=0.04).until(states(1), lambda _: False, deadline_s=0.3)
    at = [sample.at_s for sample in seen.samples]
    pauses = [later - earlier for earlier, later in itertools.pairwise(at)]

    assert pauses[0] >= 0.01
    assert all(pause >= 0.04 for pause in pauses[2:-1])
    assert 3 <= len(pauses) <= 12, "twelve pauses of 0.01, 0.02, 0.04, 0.04, ... s would be more than 0.3 s"


@asynchronous
async def test_an_end_that_is_there_at_once_costs_no_pause():
    seen = await Poller(first_s=60).until(states("completed"), lambda _: True, deadline_s=60)

    assert (seen.ended, len(seen.samples)) == (True, 1)


@asynchronous
async def test_what_the_probe_raises_is_raised():
    async def broken():
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        await Poller().until(broken, lambda _: True, deadline_s=1)
