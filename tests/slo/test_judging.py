"""What a series in a window becomes: met, missed beyond chance, or open for one of the closed list of reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.slo.judging import Judge, Objective, Plan, State
from rollout_gates.slo.samples import Sample, Series, stood_still
from rollout_gates.slo.windows import Window
from tests.slo.making import MEDIAN, PLAN, RATE, WINDOW, judged, spread


def test_raw_counts_that_reach_the_target_meet_it():
    found = judged(spread(95, 5))

    assert (found.state, found.reason, found.total, found.failures) == (State.MET, None, 100, 5)
    assert found.words == "start success >= 95 % in 00:16:40 to 00:18:20 UTC: 95 of 100 good, own probes"
    assert found.low < 0.95 < found.high


def test_a_count_that_rounds_up_to_the_target_does_not_meet_it():
    found = judged(spread(18_999, 1_001))

    assert (found.state, found.reason) == (State.OPEN, Reason.TOO_FEW_SAMPLES)
    assert "short of it" in found.words


def test_a_shortfall_beyond_chance_is_missed():
    found = judged(spread(80, 20))

    assert (found.state, found.reason) == (State.MISSED, None)
    assert "80 of 100 good" in found.words
    assert "no chance (false alarms 1 %)" in found.words


def test_a_shortfall_that_may_be_chance_is_neither():
    found = judged(spread(27, 3))

    assert (found.state, found.reason) == (State.OPEN, Reason.TOO_FEW_SAMPLES)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (spread(19), Reason.TOO_FEW_SAMPLES),
        (spread(0, 19), Reason.TOO_FEW_SAMPLES),
        (Series.of("start", "logs", []), Reason.NO_TRAFFIC),
        (spread(50, window=Window(0, 100)), Reason.NO_TRAFFIC),
        (spread(50).distrusted("the clock of the source stands still"), Reason.SOURCE_ABSENT),
        (Series.of("start", "logs", [Sample(1050.0, good=True, key=str(n)) for n in range(50)]), Reason.SOURCE_ABSENT),
        (spread(90, window=Window(1000.0, 1060.0)), Reason.NO_TRAFFIC),
    ],
    ids=["few", "few and all bad", "none", "none in the window", "distrusted", "frozen clock", "stopped midway"],
)
def test_what_says_nothing_is_open(series, reason):
    found = judged(series)

    assert (found.state, found.reason) == (State.OPEN, reason), found.words


def test_an_event_that_is_read_again_and_again_counts_once():
    copies = [Sample(1010.0, good=True, key="one task")] * 100

    assert judged(Series.of("start", "logs", copies)).total == 1


def test_a_window_that_is_not_over_is_too_early():
    found = judged(spread(50), now=1090.0)

    assert (found.state, found.reason) == (State.OPEN, Reason.TOO_EARLY)
    assert judged(Series.of("start", "logs", []), now=1090.0).reason is Reason.TOO_EARLY


def test_a_window_that_begins_before_the_change_tells_nothing_about_it():
    found = judged(spread(100, 50), plan=replace(PLAN, since=1000.5))

    assert (found.state, found.reason) == (State.OPEN, Reason.TOO_EARLY)
    assert judged(spread(100), plan=replace(PLAN, since=1000.0)).state is State.MET


@pytest.mark.parametrize("objective", [replace(RATE, share=None), replace(MEDIAN, target_s=None)])
def test_a_target_that_nobody_set_is_not_configured(objective):
    found = judged(spread(100, value=1.0), objective)

    assert (found.state, found.reason) == (State.OPEN, Reason.NOT_CONFIGURED)
    assert objective.setting in found.words


def test_a_quantile_is_judged_by_how_many_values_pass_the_target():
    slow = Series.of("latency", "rows", [*spread(70, value=1.0).samples, *spread(30, value=9.0, window=WINDOW).samples])

    assert judged(spread(100, value=1.0), MEDIAN).state is State.MET
    assert judged(spread(100, value=2.5), MEDIAN).state is State.MISSED
    assert judged(slow, MEDIAN).total == 70 + 30 - 30  # the keys of the slow ones are those of the first thirty


def test_a_quantile_shows_the_value_and_its_bounds():
    found = judged(spread(100, value=1.0), MEDIAN)

    assert found.low < found.point_s < found.high
    assert found.words.endswith("1 s over 100 samples, 0 beyond the target, own probes")


def test_what_did_not_end_has_no_latency():
    mixed = [
        Sample(1000 + n, good=n % 2 == 0, value=1 + n / 1e6 if n % 2 == 0 else None, key=str(n)) for n in range(90)
    ]

    assert judged(Series.of("latency", "rows", mixed), MEDIAN).total == 45


def test_values_that_are_all_the_same_come_from_a_frozen_source():
    same = [Sample(1000.0 + n, good=True, value=0.125, key=str(n)) for n in range(60)]
    found = judged(Series.of("latency", "metrics", same), MEDIAN)

    assert (found.state, found.reason) == (State.OPEN, Reason.SOURCE_ABSENT)
    assert "0.125" in found.words


def test_looks_are_planned_and_a_breach_is_told_before_the_end():
    judge = Judge(RATE, WINDOW, PLAN)
    first = judge.look(spread(20, window=Window(1000, 1040)), 1040.0, 0.4)
    bad = spread(20, 30, window=Window(1000, 1060))
    second = judge.look(bad, 1060.0, 0.6)

    assert (first.state, first.reason) == (State.OPEN, Reason.TOO_EARLY)
    assert second.state is State.MISSED
    assert "when 60 % of the window was over" in second.words
    assert [look.total for look in second.looks] == [20, 50]


def test_a_source_that_loses_samples_is_not_believed():
    judge = Judge(RATE, WINDOW, PLAN)
    judge.look(spread(60), 1050.0, 0.5)

    assert judge.look(spread(40), WINDOW.end).reason is Reason.SOURCE_ABSENT


def test_looking_once_more_when_all_is_over_spends_nothing():
    judge = Judge(RATE, WINDOW, PLAN)

    assert judge.look(spread(60), WINDOW.end) == judge.look(spread(60), WINDOW.end + 50)


def test_a_target_that_no_float_can_tell_is_exact():
    objective = Objective("rate", "x", 0.95)

    assert objective.is_met(20, 1)
    assert not objective.is_met(20_000, 1_001)
    assert Objective("rate", "x", 0.7).is_met(10, 3)


def test_the_plan_says_its_method_and_its_error_rate():
    told = str(Plan(0.05, 10, 30, (0.25, 0.5, 0.75, 1.0)))

    assert "Lan-DeMets" in told
    assert "at most 5 % for the whole run, shared by 10 tests of 0.5 % each, 4 planned looks" in told


@pytest.mark.parametrize(
    ("earlier", "later", "passed", "fresh"),
    [(0, 10, 10, True), (0, 0, 10, False), (0, 2, 10, False), (None, 5, 10, True), (5, 5, 0.2, True)],
)
def test_a_clock_that_stands_still_is_noticed(earlier, later, passed, fresh):
    assert (stood_still(earlier, later, passed) is None) is fresh
