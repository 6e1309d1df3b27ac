"""What of public standards was judged: in evidence.json, on the page, and in the summary."""

from __future__ import annotations

from rollout_gates.evidence.document import build_document, schema_problems
from rollout_gates.evidence.events import Events
from rollout_gates.evidence.html import render_html
from rollout_gates.evidence.summary import render_summary
from tests.evidence.test_cells import ROW, RUN

TEN = {
    "key": "ten",
    "title": "Ten Things",
    "whole": True,
    "entries": {"T1": "Doors", "T2": "Windows", "T3": "Roofs"},
}
BOOK = {"key": "book", "title": "The Book", "whole": False, "entries": {"B1": "Locks", "B2": "Bolts"}}


def document(tmp_path, standards=(TEN, BOOK)):
    rows = [{**ROW, "references": ["T1", "B1"]}, {**ROW, "id": "A-02", "references": ["T2"]}]
    told = [
        {"event": "run_started", "schema": "rollout-gates/events/1", "run": RUN},
        {"event": "expected", "clauses": rows, "standards": list(standards)},
        {"event": "check_finished", "nodeid": "t", "outcome": "failed", "clauses": ["A-01"], "assertions": 1},
        {"event": "session_finished"},
    ]
    return build_document(Events([{"t": "2026-03-01T10:00:00Z", **each} for each in told]), tmp_path)


def test_an_entry_is_covered_once_a_clause_about_it_was_judged(tmp_path):
    found = document(tmp_path)

    ten, book = found["standards"]
    assert [(entry["id"], entry["state"], entry["clauses"]) for entry in ten["entries"]] == [
        ("T1", "covered", ["A-01"]),
        ("T2", "not judged", ["A-02"]),
        ("T3", "not covered", []),
    ]
    assert [entry["id"] for entry in book["entries"]] == ["B1"]
    assert list(schema_problems(found)) == []


def test_clauses_and_checks_carry_their_references(tmp_path):
    found = document(tmp_path)

    assert [clause["references"] for clause in found["clauses"]] == [["T1", "B1"], ["T2"]]
    assert found["checks"][0]["references"] == ["T1", "B1"]


def test_the_page_and_the_summary_say_what_is_not_covered(tmp_path):
    found = document(tmp_path)

    assert "Ten Things: 1 of 3 entries covered" in render_html(found, tmp_path)
    assert "| Ten Things | T1 | T2 | T3 |" in render_summary(found)


def test_a_run_that_points_at_no_standard_has_no_such_part(tmp_path):
    found = document(tmp_path, standards=())

    assert 'id="standards"' not in render_html(found, tmp_path)
    assert "Public standards" not in render_summary(found)
