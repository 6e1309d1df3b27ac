"""Two moments side by side: told by a flow, kept for machines, drawn for people."""

from __future__ import annotations

import re

from rollout_gates.comparison import EVENT, Bar, Comparison, Line
from rollout_gates.conductor import Context
from rollout_gates.evidence import comparisons
from rollout_gates.evidence.events import Events, read_events
from rollout_gates.evidence.render import render
from tests.evidence.story import Story

TOLD = Comparison(
    "Rows <b>",
    "Between two snapshots.",
    (
        Line("orders", "3 rows", "3 rows", "", good=True),
        Line("invoices", "3 rows", "2 rows", "-1 <script>", good=False),
        Line("time", "-", "4 s"),
    ),
    (Bar("state=paid", 3, 3), Bar("state=open", 4, 2)),
)


def kept():
    """Return the comparison as it stands in evidence.json."""
    events = []
    context = Context("shop", *[None] * 6, "run", record=lambda kind, **told: events.append({"event": kind, **told}))
    context.compare(TOLD)
    return comparisons.comparisons(Events(events))


def test_a_comparison_is_told_whole():
    (table,) = kept()

    assert (table["system"], table["title"]) == ("shop", "Rows <b>")
    assert [(line["name"], line["good"]) for line in table["lines"]] == [
        ("orders", True),
        ("invoices", False),
        ("time", None),
    ]
    assert table["bars"] == [
        {"group": "state=paid", "before": 3, "after": 3},
        {"group": "state=open", "before": 4, "after": 2},
    ]


def test_what_is_wrong_comes_first():
    (table,) = comparisons.laid_out({"comparisons": kept()})

    assert [line["name"] for line in table["lines"]] == ["invoices", "orders", "time"]
    assert (table["bad"], table["bars"][1]["kind"], table["bars"][1]["before_width"]) == (1, "other", comparisons.WIDTH)


def test_the_report_draws_it(tmp_path):
    story = Story(tmp_path).begin()
    story.log.append(EVENT, system="shop", cell="", **TOLD.told())
    story.log.close()
    render(tmp_path)
    page = (tmp_path / "index.html").read_text()

    assert re.search(r"Before and after <b>1</b>", page)
    assert "-1 &lt;script&gt;" in page
    assert page.count('class="bar-before"') == 2
    assert read_events(tmp_path / "events.jsonl").of(EVENT)


def test_what_is_no_line_and_no_bar_is_left_out():
    events = [{"event": EVENT, "title": "t", "lines": [3, {"name": "a"}], "bars": [{"group": "g"}, "x"]}]
    (table,) = comparisons.comparisons(Events(events))

    assert ([line["name"] for line in table["lines"]], table["bars"]) == (["a"], [])
