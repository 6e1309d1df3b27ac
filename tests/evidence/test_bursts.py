"""Bursts as they are drawn in the report."""

from __future__ import annotations

from rollout_gates.evidence import bursts
from rollout_gates.evidence.events import read_events
from rollout_gates.evidence.render import render
from tests.evidence.story import Story

POINTS = [[0.1, 400], [0.15, 400], [0.2, 503], [0.4, 429]]


def told(tmp_path, **changes):
    story = Story(tmp_path).begin()
    burst = {"system": "shop", "title": "tier 1 <b>", "limit": 3, "window_s": 300, "points": POINTS}
    story.log.append("burst_observed", **(burst | changes))
    return story


def test_a_burst_has_a_row_a_status_and_a_dot_an_answer(tmp_path):
    told(tmp_path)
    found = bursts.observed(read_events(tmp_path / "events.jsonl"))

    (chart,) = bursts.charts({"bursts": found})

    assert [(row["status"], row["count"], row["kind"]) for row in chart["rows"]] == [
        (400, 2, "let-in"),
        (429, 1, "refused"),
        (503, 1, "broken"),
    ]
    assert [dot["x"] for dot in chart["dots"]] == [250.0, 375.0, 500.0, 1000.0]
    assert (chart["let_in"], chart["refused"], chart["took_s"]) == (3, 1, 0.4)
    assert chart["ticks"][-1]["label"] == "0.4 s"


def test_a_burst_without_answers_is_not_drawn(tmp_path):
    told(tmp_path, points=[])

    assert bursts.charts({"bursts": bursts.observed(read_events(tmp_path / "events.jsonl"))}) == []
    assert bursts.charts({}) == []


def test_all_answers_at_once_are_drawn():
    (chart,) = bursts.charts(
        {"bursts": [{**dict.fromkeys(("system", "title", "limit", "window_s")), "points": [[0, 200]]}]}
    )

    assert chart["dots"][0]["x"] == 0


def test_the_report_shows_bursts(tmp_path):
    story = told(tmp_path)
    story.log.close()
    document = render(tmp_path)
    page = (tmp_path / "index.html").read_text()

    assert document["bursts"][0]["points"] == POINTS
    assert page.count("<ellipse class=") == 4
    assert "tier 1 &lt;b&gt;" in page
    assert 'aria-label="tier 1 &lt;b&gt;: 2 times 400, 1 times 429, 1 times 503"' in page
