"""A course of windows: what is looked at, told and written down."""

from __future__ import annotations

from dataclasses import replace

from rollout_gates.slo.course import Course, thinned
from rollout_gates.slo.judging import State
from rollout_gates.slo.samples import Sample
from rollout_gates.slo.windows import Window, back_to_back
from tests.slo.making import MEDIAN, PLAN, RATE, WINDOW, spread


def course(*objectives):
    written = []
    made = Course(
        "shop", "", PLAN, objectives or (RATE, MEDIAN), lambda kind, **fields: written.append({"event": kind, **fields})
    )
    return made, written


def test_each_objective_is_judged_by_its_own_series_in_each_window():
    made, _ = course()
    first, second = back_to_back(1200.0, 100.0, 2)
    for window in (first, second):
        number = made.begin(window)
        series = {RATE.name: spread(50, window=window), MEDIAN.name: spread(40, value=1.0, window=window)}
        made.look(number, series, window.end)

    assert [finding.window for finding in made.of(RATE.name)] == [first, second]
    assert {finding.state for name in (RATE.name, MEDIAN.name) for finding in made.of(name)} == {State.MET}
    assert [finding.total for finding in made.in_window(1, [RATE.name, "unheard of", MEDIAN.name])] == [50, 40]
    assert made.told(0) == "start success 50/50, median latency 1 s"


def test_a_window_that_its_source_does_not_reach_is_not_judged():
    made, _ = course()
    for window in back_to_back(1200.0, 100.0, 2):
        made.begin(window)
    made.look(1, {RATE.name: spread(50, window=made.windows[1])}, 1200.0)

    assert len(made.of(RATE.name)) == 1
    assert made.in_window(0, [RATE.name]) == ()
    assert made.told(0) == "nothing seen yet"


def test_a_window_may_get_its_end_late():
    made, _ = course()
    number = made.begin(Window(1000.0, 9000.0))
    made.look(number, {RATE.name: spread(30)}, 1050.0, 0.5)
    made.bound(number, WINDOW)
    made.look(number, {RATE.name: spread(60)}, WINDOW.end)

    (found,) = made.of(RATE.name)
    assert (found.state, found.window) == (State.MET, WINDOW)
    assert [look.fraction for look in found.looks] == [0.5, 1.0]


def test_what_is_known_is_written_down_with_its_points():
    made, written = course()
    number = made.begin(WINDOW)
    made.look(number, {RATE.name: spread(45, 5), MEDIAN.name: spread(30, value=3.0)}, WINDOW.end)
    made.write_down(final=True)

    rate, median = written
    assert (rate["event"], rate["objective"], rate["target"]) == ("objective_observed", RATE.name, str(RATE))
    assert rate["windows"][0]["failures"] == 5
    assert rate["windows"][0]["looks"][0]["total"] == 50
    assert sum(not good for _at, good, _value in rate["points"]) == 5
    assert median["windows"][0]["state"] == "missed"
    assert {good for _at, good, _value in median["points"]} == {False}
    assert "Lan-DeMets" in rate["plan"]


def test_points_without_a_target_keep_what_they_are():
    unset = replace(RATE, share=None)
    made, written = course(unset)
    made.begin(WINDOW)
    made.look(0, {unset.name: spread(3, 1)}, WINDOW.end)
    made.write_down()

    assert [good for _at, good, _value in written[0]["points"]].count(False) == 1
    assert written[0]["windows"][0]["looks"] == []


def test_too_many_points_are_thinned_and_the_bad_ones_stay():
    samples = [Sample(float(n), good=n % 100 != 0) for n in range(5000)]
    kept = thinned(samples, 200)

    assert len(kept) == 200
    assert sum(not sample.good for sample in kept) == 50
    assert kept == sorted(kept, key=lambda sample: sample.at)
    assert len(thinned([Sample(float(n), good=False) for n in range(500)], 100)) == 100


def test_a_course_is_of_use_when_any_objective_has_samples_enough_after_the_change():
    made, _ = course()
    made.begin(WINDOW)
    made.look(0, {RATE.name: spread(19), MEDIAN.name: spread(3, value=1.0)}, WINDOW.end)
    assert not made.is_of_use
    made.look(0, {RATE.name: spread(20)}, WINDOW.end)
    assert made.is_of_use

    early, _ = course()
    early.plan = replace(PLAN, since=WINDOW.start + 1)
    early.begin(WINDOW)
    early.look(0, {RATE.name: spread(90)}, WINDOW.end)
    assert not early.is_of_use

    made.forget()
    assert (made.windows, made.of(RATE.name), made.is_of_use) == ((), (), False)
