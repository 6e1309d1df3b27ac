from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import pytest

from rollout_gates.conductor import Conductor, Context, Flow, flow
from rollout_gates.errors import UnknownFlow


@dataclass
class Diary:
    lines: list = field(default_factory=list)
    closed: bool = False


def conductor_of(*flows: Flow, diary: Diary | None = None, fails_on_close: bool = False):
    diary = diary or Diary()

    @contextlib.asynccontextmanager
    async def make_context(system):
        nothing = dict.fromkeys(("environment", "settings", "wire", "budget", "pace", "journal"))
        yield Context(
            system=system, run_id="r", record=lambda kind, /, **fields: diary.lines.append((kind, fields)), **nothing
        )
        diary.closed = True
        if fails_on_close:
            raise RuntimeError("left over")

    return Conductor(make_context, lambda _system: {each.name: each for each in flows})


def sleeper(name: str, seconds: float, **options):
    @flow(name, **options)
    async def act(context):
        await asyncio.sleep(seconds)
        return name

    return act


def test_flows_run_at_the_same_time():
    conductor = conductor_of(*(sleeper(f"f{number}", 0.2) for number in range(10)))
    conductor.demand("toy", [f"f{number}" for number in range(10)])
    started = time.monotonic()

    seen = [conductor.observe("toy", f"f{number}") for number in range(10)]

    assert seen == [f"f{number}" for number in range(10)]
    assert time.monotonic() - started < 1.5  # their sum is 2 s
    conductor.close()


def test_a_flow_acts_once_however_often_it_is_observed():
    calls = []

    @flow("once")
    async def once(context):
        calls.append(1)
        return object()

    conductor = conductor_of(once)

    assert conductor.observe("toy", "once") is conductor.observe("toy", "once")
    assert calls == [1]
    conductor.close()


def test_what_a_flow_raised_is_raised_for_each_observer():
    @flow("broken")
    async def broken(context):
        raise ValueError("no luck")

    conductor = conductor_of(broken)

    for _ in range(2):
        with pytest.raises(ValueError, match="no luck"):
            conductor.observe("toy", "broken")
    conductor.close()


def test_a_flow_may_rest_on_another():
    @flow("second")
    async def second(context):
        return f"after {await context.observe('first')}"

    conductor = conductor_of(sleeper("first", 0.01), second)

    assert conductor.observe("toy", "second") == "after first"
    conductor.close()


def test_a_last_flow_runs_alone_after_all_the_others():
    diary = Diary()
    conductor = conductor_of(
        sleeper("burst", 0, last=True), sleeper("slow", 0.2), sleeper("also-last", 0.05, last=True), diary=diary
    )
    conductor.demand("toy", ["burst", "slow", "also-last"])

    conductor.observe("toy", "burst")

    steps = [(kind, fields["flow"]) for kind, fields in diary.lines]
    assert steps == [
        ("flow_started", "slow"),
        ("flow_finished", "slow"),
        ("flow_started", "also-last"),
        ("flow_finished", "also-last"),
        ("flow_started", "burst"),
        ("flow_finished", "burst"),
    ]
    conductor.close()


def resting(name: str, *others: str, after_s: float = 0, **options):
    @flow(name, **options)
    async def act(context):
        await asyncio.sleep(after_s)
        return [await context.observe(other) for other in others]

    return act


@pytest.mark.parametrize("after_s", [0, 0.1])
def test_a_flow_may_rest_on_a_last_one_without_either_waiting_for_ever(after_s):
    conductor = conductor_of(
        sleeper("burst", 0, last=True), resting("golden:a", "burst", after_s=after_s), resting("far", "golden:a")
    )
    conductor.demand("toy", ["burst", "golden:a", "far"])

    assert conductor.observe("toy", "far", timeout_s=5) == [["burst"]]
    conductor.close()


def test_a_flow_may_rest_on_a_last_one_that_queues_up_behind_another():
    @flow("looks at the burst")
    async def looks(context):
        return await context.observe("burst")

    conductor = conductor_of(looks, sleeper("alarm", 0, last=True), sleeper("burst", 0, last=True))
    conductor.demand("toy", ["looks at the burst", "alarm", "burst"])

    assert conductor.observe("toy", "looks at the burst", timeout_s=5) == "burst"
    assert conductor.observe("toy", "alarm", timeout_s=5) == "alarm"
    conductor.close()


def test_a_last_flow_that_another_rests_on_still_waits_for_the_rest():
    diary = Diary()
    conductor = conductor_of(
        sleeper("burst", 0, last=True), resting("golden:a", "burst"), sleeper("slow", 0.2), diary=diary
    )
    conductor.demand("toy", ["burst", "golden:a", "slow"])

    conductor.observe("toy", "golden:a", timeout_s=5)

    steps = [(kind, fields["flow"]) for kind, fields in diary.lines]
    assert steps.index(("flow_finished", "slow")) < steps.index(("flow_started", "burst"))
    conductor.close()


def test_an_unknown_flow_is_named():
    conductor = conductor_of(sleeper("clone", 0))

    with pytest.raises(UnknownFlow, match="no flow 'clnoe'; did you mean 'clone'"):
        conductor.observe("toy", "clnoe")
    conductor.close()


def test_closing_cancels_what_runs_and_closes_the_session():
    diary = Diary()
    conductor = conductor_of(sleeper("endless", 60), sleeper("quick", 0), diary=diary)
    conductor.demand("toy", ["endless", "quick"])
    conductor.observe("toy", "quick")

    conductor.close()

    assert diary.closed
    assert ("flow_finished", "CancelledError") in [(kind, fields.get("error")) for kind, fields in diary.lines]


def test_a_clean_up_that_fails_is_told():
    conductor = conductor_of(sleeper("quick", 0), fails_on_close=True)
    conductor.observe("toy", "quick")

    with pytest.raises(ExceptionGroup, match="clean-up failed"):
        conductor.close()


def test_waiting_has_a_limit():
    conductor = conductor_of(sleeper("endless", 60))

    with pytest.raises(TimeoutError):
        conductor.observe("toy", "endless", timeout_s=0.05)
    conductor.close()
