"""Expectations of objectives over time: where each passes, where it fails, and where it cannot tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import slo
from rollout_gates.reasons import Reason
from rollout_gates.slo.abort import Fired, Rule, Unjudged
from rollout_gates.systems.tts.flows.slo.exposure import Exposure
from rollout_gates.systems.tts.flows.slo.failures import Failures
from rollout_gates.systems.tts.flows.slo.overdue import Overdue
from rollout_gates.systems.tts.flows.slo.spending import Spending
from rollout_gates.systems.tts.flows.slo.watched import Watched
from rollout_gates.systems.tts.flows.slo.work import Work
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.slo.making import MEDIAN, PLAN, RATE, WINDOW, judged, spread

C = "TTS-SLO-01"
GOOD, BAD, FEW = judged(spread(60)), judged(spread(30, 30)), judged(spread(5))
WORK = Work("task-1", "generation-1", "processing", 1000.0)


def watched(**changes) -> Watched:
    findings = {RATE.name: (GOOD, GOOD), MEDIAN.name: (judged(spread(40, value=1.0), MEDIAN),)}
    made = Watched((WINDOW,), PLAN, findings, Exposure(asked=3), (), None, (), None)
    return replace(made, **changes)


def test_an_objective_is_met_in_every_window():
    slo.check_objective(watched(), RATE.name, C, MEDIAN.name, "no such objective here")

    with pytest.raises(AssertionError, match=r"30 of 60 good.* \[TTS-SLO-01\]"):
        slo.check_objective(watched(findings={RATE.name: (GOOD, BAD, FEW)}), RATE.name, C)
    with pytest.raises(CouldNotJudge) as few:
        slo.check_objective(watched(findings={RATE.name: (GOOD, FEW)}), RATE.name, C)
    assert few.value.reason is Reason.TOO_FEW_SAMPLES
    with pytest.raises(NotConfigured, match="nothing tells of start success"):
        slo.check_objective(watched(findings={RATE.name: ()}), RATE.name, C)
    with pytest.raises(AssertionError, match="no window was judged"):
        slo.check_objective(watched(findings={}), RATE.name, C)


def test_another_objective_of_the_clause_counts_as_well():
    slow = judged(spread(40, value=9.0), MEDIAN)

    with pytest.raises(AssertionError, match="median latency"):
        slo.check_objective(watched(findings={RATE.name: (GOOD,), MEDIAN.name: (slow,)}), RATE.name, C, MEDIAN.name)


def test_nothing_is_stuck():
    slo.check_nothing_is_stuck(Overdue("rows", 7, ()), C)

    with pytest.raises(AssertionError, match="1 of 7 tasks are active 1800 s after their creation.*task-1"):
        slo.check_nothing_is_stuck(Overdue("rows", 7, (WORK,)), C)
    with pytest.raises(CouldNotJudge) as nothing:
        slo.check_nothing_is_stuck(Overdue("rows", 0, ()), C)
    assert nothing.value.reason is Reason.NO_TRAFFIC


def test_cancels_are_whole():
    slo.check_cancels_are_whole(watched(), C)

    with pytest.raises(AssertionError, match="1 cancelled tasks have a generation that is not: task-1"):
        slo.check_cancels_are_whole(watched(half_cancelled=(WORK,)), C)


def test_failures_have_categories():
    slo.check_failures_have_categories(Failures("rows", (WORK, WORK), {"timeout": 2}, ()), C)

    with pytest.raises(AssertionError, match="1 of 2 failures have no category.*of the others: 1 timeout"):
        slo.check_failures_have_categories(Failures("rows", (WORK, WORK), {"timeout": 1}, (WORK,)), C)
    with pytest.raises(AssertionError, match="do not add up"):
        slo.check_failures_have_categories(Failures("rows", (WORK, WORK), {"timeout": 1}, ()), C)


def test_spending_is_charged():
    slo.check_spending_is_charged([Spending("clone", "creates", 1, 1), Spending("generate", "characters", 0, 9)], C)

    with pytest.raises(AssertionError, match="clone: 2 creates at the provider, 1 charged"):
        slo.check_spending_is_charged([Spending("clone", "creates", 2, 1)], C)
    with pytest.raises(CouldNotJudge):
        slo.check_spending_is_charged([Spending("clone", "creates", 0, 0)], C)


def test_spending_is_bounded():
    slo.check_spending_is_bounded(watched(spending=(Spending("generate", "characters", 9, 9),)), C)

    with pytest.raises(AssertionError):
        slo.check_spending_is_bounded(watched(spending=(Spending("generate", "characters", 18, 9),)), C)
    with pytest.raises(NotConfigured):
        slo.check_spending_is_bounded(watched(), C)


def test_no_abort_rule_fires():
    slo.check_no_abort(watched(), C)

    with pytest.raises(AssertionError, match="restore: abort rule 'corruption': no audio"):
        slo.check_no_abort(watched(fired=(Fired(Rule.CORRUPTION, "no audio"),)), C)
    with pytest.raises(CouldNotJudge) as early:
        slo.check_no_abort(watched(untold=Unjudged(Reason.TOO_EARLY, "one window")), C)
    assert early.value.reason is Reason.TOO_EARLY
    with pytest.raises(NotConfigured, match="user B"):
        slo.check_no_abort(watched(exposure=Exposure()), C)
