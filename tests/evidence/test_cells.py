"""The table of clauses by configuration: there where a run covers several, and in evidence.json."""

from __future__ import annotations

import re

from rollout_gates.evidence import views
from rollout_gates.evidence.document import build_document
from rollout_gates.evidence.events import Events
from rollout_gates.evidence.html import render_html

CELLS = [{"cell": name, "applicable": name != "c", "why_not": "", "unconfigured": ""} for name in ("a", "b", "c")]
ROW = {
    "id": "A-01", "system": "toy", "gate": "mode-matrix", "gates": ["mode-matrix"], "title": "It holds", "severity": "high",
    "source": "R", "required": True, "applicable": True, "why_not": "", "unconfigured": "", "waiver": None,
}  # fmt: skip
RUN = {
    "id": "20260301T100000Z-abcdef", "started": "2026-03-01T10:00:00Z", "env": "here", "kind": "local", "profile": "strict",
    "markers": "mode-matrix", "gates": ["mode-matrix"], "systems": ["toy"], "revision": "r", "argv": ["pytest"],
    "versions": {}, "environment_digest": "0" * 64, "facts": {"toy": {"mode": "a"}},
}  # fmt: skip


def document(tmp_path, cells):
    told = [
        {"event": "run_started", "schema": "rollout-gates/events/1", "run": RUN},
        {"event": "expected", "clauses": [{**ROW, "cells": cells}]},
        {
            "event": "collected",
            "worker": "main",
            "checks": [{"nodeid": "t[a]", "clauses": ["A-01"], "cell": cells[0]["cell"] if cells else ""}],
        },
        {
            "event": "check_finished",
            "nodeid": "t[a]",
            "outcome": "passed",
            "reason": None,
            "message": "",
            "duration_s": 0.1,
            "clauses": ["A-01"],
            "assertions": 1,
            "exchanges": [],
        },
        {"event": "session_finished"},
        {"event": "run_finished", "verdict": "INCONCLUSIVE", "exit_status": 6, "finished": "2026-03-01T10:00:01Z"},
    ]
    return build_document(Events([{"t": "2026-03-01T10:00:00Z", **each} for each in told]), tmp_path)


def test_each_cell_stands_in_the_document(tmp_path):
    clause = document(tmp_path, CELLS)["clauses"][0]

    assert [(cell["cell"], cell["outcome"]) for cell in clause["cells"]] == [
        ("a", "green"),
        ("b", "inconclusive"),
        ("c", "not applicable"),
    ]


def test_the_page_has_a_table_of_them(tmp_path):
    told = document(tmp_path, CELLS)

    page = render_html(told, tmp_path)

    assert views.cells(told) == ["a", "b", "c"]
    table = page[page.index('id="cells"') :]
    table = table[: table.index("</section>")]
    assert re.findall(r'chip ([a-z-]+)" title', table) == ["green", "inconclusive", "not-applicable"]


def test_a_run_of_one_configuration_has_no_such_table(tmp_path):
    assert 'id="cells"' not in render_html(document(tmp_path, []), tmp_path)


def test_the_head_names_each_configuration_that_was_judged(tmp_path):
    assert views.facts(document(tmp_path, CELLS)) == [("toy", "a, b, c")]
    assert views.facts(document(tmp_path, [])) == [("toy", "mode a")]
    absent = [CELLS[0], {**CELLS[1], "applicable": False, "why_not": "not judged", "judged": False}]
    assert views.facts(document(tmp_path, absent)) == [("toy", "a")]
