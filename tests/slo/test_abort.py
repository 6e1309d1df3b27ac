"""The rule of two bad windows, and money that nothing bounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.slo.abort import Fired, Rule, Unjudged, growing, two_bad_windows
from rollout_gates.slo.windows import back_to_back
from tests.slo.making import PLAN, RATE, judged, spread

WINDOWS = back_to_back(1200.0, 100.0, 3)


def found(good, bad, number, objective=RATE):
    window = WINDOWS[number]
    return judged(spread(good, bad, window=window), objective, now=window.end, plan=PLAN, window=window)


def windows(*counts):
    return [[found(*count, number)] for number, count in enumerate(counts)]


def test_two_bad_windows_in_a_row_ask_to_go_back():
    fired = two_bad_windows(windows((100, 0), (60, 40), (70, 30)))

    assert isinstance(fired, Fired)
    assert fired.rule is Rule.TWO_BAD_WINDOWS
    assert str(fired).startswith("abort rule 'two consecutive bad windows': start success >= 95 % in ")
    assert "60 of 100 good" in str(fired)
    assert "70 of 100 good" in str(fired)


def test_the_two_may_be_bad_for_different_reasons():
    other = replace(RATE, name="completion")
    fired = two_bad_windows([[found(60, 40, 0), found(100, 0, 0, other)], [found(100, 0, 1), found(50, 50, 1, other)]])

    assert isinstance(fired, Fired)


@pytest.mark.parametrize("counts", [[(100, 0), (100, 0)], [(60, 40), (100, 0)], [(60, 40), (100, 0), (60, 40)]])
def test_one_bad_window_alone_does_not(counts):
    assert two_bad_windows(windows(*counts)) is None


def test_a_window_that_nobody_could_judge_is_not_good():
    untold = two_bad_windows(windows((60, 40), (10, 0)))

    assert isinstance(untold, Unjudged)
    assert untold.reason is Reason.TOO_FEW_SAMPLES
    assert "10 of 10 good" in untold.words


def test_a_good_window_beside_it_is_enough_to_tell():
    assert two_bad_windows(windows((100, 0), (10, 0))) is None


def test_one_window_is_too_early():
    assert two_bad_windows(windows((60, 40))) == Unjudged(
        Reason.TOO_EARLY, "one window was judged, and the rule needs two"
    )


def test_objectives_without_a_target_do_not_count():
    unset = replace(RATE, share=None)

    assert two_bad_windows([[found(9, 90, 0, unset), found(100, 0, 0)], [found(100, 0, 1)]]) is None
    nothing = two_bad_windows([[found(100, 0, 0, unset)], [found(100, 0, 1, unset)]])
    assert isinstance(nothing, Unjudged)
    assert nothing.reason is Reason.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("excess", "expected"), [((0, 0), False), ((5, 0), False), ((5, 0, 5), False), ((0, 5, 5), True)]
)
def test_money_that_is_spent_beyond_the_charges_twice_in_a_row_is_unbounded(excess, expected):
    assert growing([{"spent": 100 + each, "charged": 100} for each in excess]) is expected
