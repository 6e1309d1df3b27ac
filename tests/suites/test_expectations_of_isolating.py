"""Expectations of isolation: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import isolating
from rollout_gates.matrix import Outcome
from rollout_gates.systems.tts.flows.security import overview
from rollout_gates.systems.tts.flows.security.reaching import (
    Direction,
    Pointer,
    Reach,
    Reached,
    Way,
    by_kind,
    table,
    table_of_keys,
)
from rollout_gates.wire import CouldNotJudge, OutOfBudget
from tests.suites.replies import refusal, reply

C = "TTS-SEC-ISO-01"
ABSENT, KEY = refusal(404, "Task not found."), refusal(403, isolating.INVALID_KEY)
OWN = reply(200, {"id": "t"})


async def nothing(_client):
    raise AssertionError("a way is not gone twice")


READ = Way("task", "task at work", "read", (404, "Task not found."), nothing, (200,))
DELETE = Way("task", "task at work", "delete", (404, "Task not found."), nothing)


def side(foreign=ABSENT, own=OWN, deleted=ABSENT, **more):
    given = {"expected": {"task": ("t",)}, "before": {"t": "1"}, "after": {"t": "1"}, **more}
    return Direction("B on A", (Reach(READ, foreign, own), Reach(DELETE, deleted)), **given)


def reached(*args, **more):
    return Reached((side(*args, **more), replace(side(), title="A on B")))


def test_out_of_reach():
    isolating.check_out_of_reach(reached(), ["task"], C)


@pytest.mark.parametrize(
    "wrong",
    [OWN, refusal(403, "Task not found."), refusal(404, "Task not yours."), reply(500, None), refusal(401, "x")],
)
def test_any_other_answer_to_somebody_else_fails(wrong):
    with pytest.raises(AssertionError, match="B on A, read the task at work: .*expected 404 'Task not found.'"):
        isolating.check_out_of_reach(reached(wrong), ["task"], C)
    with pytest.raises(AssertionError, match="delete the task at work"):
        isolating.check_out_of_reach(reached(deleted=wrong), ["task"], C)


def test_an_owner_who_lost_it_fails():
    with pytest.raises(AssertionError, match="the owner to be able to read the task at work still"):
        isolating.check_out_of_reach(reached(own=ABSENT), ["task"], C)


@pytest.mark.parametrize(("after", "became"), [({}, "gone"), ({"t": "2"}, "not the same any more")])
def test_a_thing_that_was_touched_fails(after, became):
    with pytest.raises(AssertionError, match=f"B on A: the owner's task t is {became}"):
        isolating.check_out_of_reach(reached(after=after), ["task"], C)


def test_the_other_way_counts_as_well():
    seen = Reached((side(), replace(side(OWN), title="A on B")))

    with pytest.raises(AssertionError, match="A on B, read"):
        isolating.check_out_of_reach(seen, ["task"], C)


def test_what_was_not_there_is_not_judged():
    with pytest.raises(CouldNotJudge, match="not there, as its owner saw it: B on A: task t"):
        isolating.check_out_of_reach(reached(before={}, after={}), ["task"], C)


@pytest.mark.parametrize("own", [reply(500, None), refusal(401, "x"), reply(404, "404 Not Found"), refusal(409, "x")])
def test_an_owner_who_is_not_let_in_shows_nothing(own):
    with pytest.raises(CouldNotJudge, match="expected 200 for the owner"):
        isolating.check_out_of_reach(reached(own=own), ["task"], C)


def test_a_rate_limit_shows_nothing():
    with pytest.raises(CouldNotJudge, match="no rate limit"):
        isolating.check_out_of_reach(reached(refusal(429, "x")), ["task"], C)


def test_one_way_alone_is_not_enough_where_both_were_wanted():
    one = Reached((side(),))
    isolating.check_out_of_reach(one, ["task"], C)

    with pytest.raises(CouldNotJudge, match="only B reached for A's things: no money"):
        isolating.check_out_of_reach(replace(one, one_way=OutOfBudget("no money")), ["task"], C)
    with pytest.raises(AssertionError, match="read"):
        isolating.check_out_of_reach(Reached((side(OWN),), OutOfBudget("no money")), ["task"], C)
    with pytest.raises(AssertionError, match="nothing was reached for"):
        isolating.check_out_of_reach(one, ["voice"], C)


def test_lists_are_apart():
    lists = (reply(200, {"voices": []}), reply(200, {"generations": []}))
    known = {"expected": {"voice": ("v",)}, "before": {"v": "1"}, "after": {"v": "1"}, "lists": lists}
    isolating.check_lists_apart(reached(**known), C)

    with pytest.raises(AssertionError, match="B on A: the list holds v"):
        isolating.check_lists_apart(reached(**known, strays=("v",)), C)
    with pytest.raises(CouldNotJudge, match="expected 200 for a user's own list"):
        isolating.check_lists_apart(reached(**{**known, "lists": (reply(500, None),)}), C)
    with pytest.raises(CouldNotJudge, match="not there"):
        isolating.check_lists_apart(reached(**{**known, "before": {}}), C)


def pointer(foreign=KEY, own=None, there=None):
    return Pointer("an own voice", "A on B", foreign, own or reply(302, None), there or reply(200, b"RIFF"))


def test_not_signed():
    isolating.check_not_signed((pointer(),), C)


@pytest.mark.parametrize("wrong", [reply(302, None), refusal(404, "Voice not found."), refusal(403, "No."), OWN])
def test_a_key_of_somebody_else_that_is_signed_fails(wrong):
    with pytest.raises(AssertionError, match="A on B, by an own voice that points at another's object"):
        isolating.check_not_signed((pointer(), pointer(wrong)), C)


@pytest.mark.parametrize("blind", [pointer(own=refusal(500, "x")), pointer(there=refusal(404, "x"))])
def test_where_nothing_could_be_signed_nothing_is_judged(blind):
    with pytest.raises(CouldNotJudge):
        isolating.check_not_signed((blind,), C)


def test_no_pointers_fail():
    with pytest.raises(AssertionError, match="nothing pointed"):
        isolating.check_not_signed((), C)


def test_the_table_tells_each_way_by_its_outcome():
    cells = table(Reached((side(OWN), replace(side(own=reply(500, None)), title="A on B")))).cells

    assert cells["read the task at work", "B on A"].outcome is Outcome.LEAKED
    assert cells["read the task at work", "A on B"].outcome is Outcome.INCONCLUSIVE
    assert cells["delete the task at work", "B on A"].outcome is Outcome.HELD
    taken = table(reached(OWN, own=ABSENT)).cells
    assert taken["read the task at work", "B on A"].outcome is Outcome.LEAKED


def test_the_table_tells_of_keys_as_well():
    blind, leaked = pointer(there=refusal(404, "x")), pointer(reply(302, None))
    outcomes = [
        table_of_keys([seen]).cells["hear another's object by an own voice", "A on B"].outcome
        for seen in (pointer(), leaked, blind)
    ]

    assert outcomes == [Outcome.HELD, Outcome.LEAKED, Outcome.INCONCLUSIVE]


def test_the_worst_of_each_kind_stands_where_all_ways_do():
    cells = by_kind(reached(OWN), qwen=False)

    assert cells["task", "API: read"].outcome is Outcome.LEAKED
    assert cells["task", "API: write"].outcome is Outcome.HELD
    assert cells["preview", "API: write"].outcome is Outcome.NOT_APPLICABLE
    assert ("preview", "API: write") not in by_kind(reached(), qwen=True)
    assert overview.part(cells).cells.items() >= cells.items()
