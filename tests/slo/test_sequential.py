"""The sequential test: its bounds are exact, its false alarms bounded, and a clear breach is found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from rollout_gates.slo.sequential import ExactTest, interval, quantile_bounds, spent_by

FRACTIONS = (0.2, 0.4, 0.6, 0.8, 1.0)


def alarms(rng, *, share, alpha, runs, target=0.95, per_look=(5, 40), fractions=FRACTIONS):
    """How many of *runs* series of failures, with probability 1 - *share* each, were ever called broken."""
    found = 0
    for _ in range(runs):
        test, total, failures = ExactTest(1 - target, alpha), 0, 0
        for fraction in fractions:
            more = int(rng.integers(*per_look))
            total, failures = total + more, failures + int(rng.binomial(more, 1 - share))
            if test.look(fraction, total, failures).broken:
                found += 1
                break
    return found


def test_little_is_spent_early_and_all_of_it_in_the_end():
    spent = [spent_by(fraction, 0.05) for fraction in (0, *FRACTIONS, 2)]

    assert spent[0] == 0
    assert spent == sorted(spent)
    assert spent[1] < 1e-4
    assert spent[-2] == spent[-1] == pytest.approx(0.05)


def test_one_look_is_the_plain_exact_test():
    for total in (20, 100, 1000):
        look = ExactTest(0.05, 0.01).look(1.0, total, 0)

        assert binom.sf(look.bound - 1, total, 0.05) <= 0.01 < binom.sf(look.bound - 2, total, 0.05)
        assert look.spent == pytest.approx(binom.sf(look.bound - 1, total, 0.05))


def test_two_looks_spend_what_a_count_of_all_courses_says():
    test = ExactTest(0.1, 0.05)
    first = test.look(0.5, 12, 0)
    second = test.look(1.0, 24, 0)

    early = sum(binom.pmf(k, 12, 0.1) for k in range(first.bound, 13))
    late = sum(
        binom.pmf(k, 12, 0.1) * binom.sf(second.bound - k - 1, 12, 0.1) for k in range(first.bound) if k <= second.bound
    )
    assert first.spent == pytest.approx(early)
    assert second.spent == pytest.approx(early + late)
    assert second.spent <= 0.05


def test_false_alarms_stay_within_alpha_over_five_looks():
    alpha, runs = 0.05, 600
    found = alarms(np.random.default_rng(7), share=0.95, alpha=alpha, runs=runs)

    # Were the true rate above alpha, so few alarms or fewer would be seen; were it far below, the test would be blunt.
    assert found <= binom.isf(0.001, runs, alpha)
    assert found >= 5


def test_twenty_plain_looks_would_alarm_far_too_often():
    rng, naive = np.random.default_rng(7), 0
    for _ in range(300):
        failures = np.cumsum(rng.binomial(20, 0.05, size=20))
        naive += any(binom.sf(f - 1, 20 * (k + 1), 0.05) <= 0.05 for k, f in enumerate(failures))
    looks = tuple((k + 1) / 20 for k in range(20))
    ours = alarms(np.random.default_rng(7), share=0.95, alpha=0.05, runs=200, per_look=(20, 21), fractions=looks)

    assert naive > 30  # twice as often as 5 in 100
    assert ours <= binom.isf(0.001, 200, 0.05)


def test_a_clear_breach_is_found_nearly_always_and_early():
    runs = 100
    found = alarms(np.random.default_rng(3), share=0.7, alpha=0.005, runs=runs, per_look=(20, 21))
    test, looks = ExactTest(0.05, 0.005), 0
    while not test.broken:
        looks += 1
        test.look(looks / 5, 20 * looks, 10 * looks)

    assert found >= 97
    assert looks <= 2


def test_a_target_of_everything_is_broken_by_one_failure():
    test = ExactTest(0.0, 0.001)

    assert not test.look(0.2, 50, 0).broken
    assert test.look(0.4, 80, 1).broken
    assert test.looks[-1].spent == 0


def test_nothing_can_be_called_broken_without_samples():
    test = ExactTest(0.05, 0.01)

    assert not test.look(0.5, 0, 0).broken
    assert not test.look(1.0, 0, 0).broken


def test_large_numbers_are_exact_and_quick():
    test = ExactTest(0.01, 0.01)
    for number in range(1, 6):
        look = test.look(number / 5, 40_000 * number, 400 * number)

    assert not look.broken
    assert 0.008 < look.spent <= 0.01
    assert binom.sf(look.bound - 1, 200_000, 0.01) < 0.01


@pytest.mark.parametrize(("fraction", "total", "failures"), [(0.5, 9, 0), (0.5, 10, 0), (0.1, 12, 1), (0.5, 12, 13)])
def test_a_look_cannot_go_back(fraction, total, failures):
    test = ExactTest(0.05, 0.01)
    test.look(0.4, 10, 1)

    with pytest.raises(ValueError, match="cannot go back"):
        test.look(fraction, total, failures)


def test_an_interval_is_that_of_clopper_and_pearson():
    low, high = interval(3, 50)

    assert low == pytest.approx(beta.ppf(0.025, 3, 48), rel=1e-6)
    assert high == pytest.approx(beta.ppf(0.975, 4, 47), rel=1e-6)


def test_bounds_of_a_quantile_cover_it_as_often_as_they_say():
    rng, covered = np.random.default_rng(11), 0
    for _ in range(400):
        low, high = quantile_bounds(sorted(rng.exponential(size=80)), 0.5)
        covered += low <= np.log(2) <= high

    assert covered >= 372
    assert quantile_bounds([1.0, 2.0, 3.0], 0.95) == (2.0, None)


def test_the_test_of_a_quantile_rejects_just_when_its_lower_bound_lies_above_the_target():
    rng = np.random.default_rng(5)
    for _ in range(60):
        values = sorted(rng.exponential(scale=1.6, size=60))
        broken = ExactTest(0.5, 0.025).look(1.0, 60, sum(value > 1.0 for value in values)).broken

        assert broken == (quantile_bounds(values, 0.5)[0] > 1.0)
