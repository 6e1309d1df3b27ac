"""Objectives over time as they are drawn in the report."""

from __future__ import annotations

import pytest

from rollout_gates.evidence import objectives
from rollout_gates.evidence.document import schema_problems
from rollout_gates.evidence.events import read_events
from rollout_gates.evidence.render import render
from rollout_gates.slo.course import EVENT, Course
from rollout_gates.slo.judging import Objective
from rollout_gates.slo.samples import Sample, Series
from rollout_gates.slo.windows import back_to_back
from tests.evidence.story import Story
from tests.slo.making import MEDIAN, PLAN, spread

RATE = Objective("sales <b>", "[shop.slo] sales", 0.95)


@pytest.fixture
def story(tmp_path):
    """A run that saw two windows of two objectives; the first window was bad."""
    told = Story(tmp_path).begin()
    course = Course("shop", "one", PLAN, (RATE, MEDIAN), told.log.append)
    for number, (window, bad) in enumerate(zip(back_to_back(1200.0, 100.0, 2), (20, 0), strict=True)):
        course.begin(window)
        course.look(
            number,
            {RATE.name: spread(40, bad, window=window), MEDIAN.name: spread(30, value=1.5, window=window)},
            1200.0,
        )
        course.write_down(final=number == 1)
    told.log.append(
        "failures_observed", system="shop", cell="one", source="rows", total=5, by_category={"timeout": 3}, unknown=2
    )
    return told


def document(story):
    story.log.close()
    return render(story.log.path.parent)


def test_what_was_written_down_last_counts(story):
    found = objectives.observed(read_events(story.log.path))

    assert [(row["objective"], row["final"], len(row["windows"])) for row in found] == [
        (RATE.name, True, 2),
        (MEDIAN.name, True, 2),
    ]


def test_a_chart_has_a_band_a_window_and_a_dot_a_sample(story):
    rate, median = objectives.charts({"objectives": objectives.observed(read_events(story.log.path))})

    assert [(band["x"], band["width"], band["kind"]) for band in rate["bands"]] == [(0, 50, "red"), (50, 50, "green")]
    assert len(rate["dots"]) == 100
    assert {dot["y"] for dot in rate["dots"] if dot["kind"] == "bad"} == {33.0}
    assert rate["windows"][0]["shown"] == "40 of 60"
    assert "no chance from" in rate["windows"][0]["looks"]
    assert 0 < median["target_y"] < median["dots"][0]["y"] < objectives.TALL
    assert median["windows"][1]["shown"].startswith("1.5")


def test_the_report_shows_them_and_the_document_is_valid(story):
    made = document(story)
    page = (story.log.path.parent / "index.html").read_text()

    assert list(schema_problems(made)) == []
    assert made["failures"][0]["by_category"] == {"timeout": 3}
    assert page.count('<circle class="good"') == 140
    assert page.count('<circle class="bad"') == 20
    assert "sales &lt;b&gt; &gt;= 95 %" in page
    assert "sales <b>" not in page
    assert "shared by 5 tests" in page
    assert "no category" in page


def test_a_run_that_was_cut_short_is_drawn_as_far_as_it_came(tmp_path):
    told = Story(tmp_path).begin()
    course = Course("shop", "", PLAN, (RATE,), told.log.append)
    course.begin(back_to_back(2000.0, 1000.0, 1)[0])
    course.look(0, {RATE.name: Series.of("x", "probes", [Sample(1000.0 + n, good=True) for n in range(50)])}, 1050.0)
    course.write_down()
    (chart,) = objectives.charts({"objectives": objectives.observed(read_events(told.log.path))})

    assert chart["took_s"] == 49
    assert chart["dots"][-1]["x"] == 100
    assert chart["windows"][0]["reason"] == "too early"


def test_without_any_there_is_no_such_part(tmp_path):
    told = Story(tmp_path).begin()
    told.log.append(EVENT, system="shop", cell="", objective="x", windows=[], points=[])

    assert objectives.charts({"objectives": objectives.observed(read_events(told.log.path))}) == []
    assert objectives.charts({}) == []
    told.log.close()
    render(tmp_path)
    assert 'id="objectives"' not in (tmp_path / "index.html").read_text()
