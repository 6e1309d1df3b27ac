"""Tables of outcomes: put together from events, told to machines, and drawn in the report."""

from __future__ import annotations

import re

import pytest

from rollout_gates.conductor import Context
from rollout_gates.evidence import matrices
from rollout_gates.evidence.events import Events, read_events
from rollout_gates.evidence.render import render
from rollout_gates.matrix import EVENT, Cell, Matrix, Outcome, worst
from tests.evidence.story import Story

TABLE = Matrix(
    "Orders <b>",
    "Two buyers, each at the other's.",
    ("order", "invoice"),
    ("read", "write"),
    {
        ("order", "read"): Cell(Outcome.HELD, "404"),
        ("order", "write"): Cell(Outcome.LEAKED, "200 <script>alert(1)</script>"),
        ("invoice", "read"): Cell(Outcome.INCONCLUSIVE, "there was no invoice"),
    },
)


def shown(*tables):
    """Return the tables as they stand in evidence.json, after *tables* were shown by a flow."""
    events = []
    context = Context("shop", *[None] * 6, "run", record=lambda kind, **told: events.append({"event": kind, **told}))
    for table in tables:
        context.show(table)
    return matrices.matrices(Events(events))


def outcomes(table):
    return {(cell["row"], cell["column"]): cell["outcome"] for cell in table["cells"]}


def test_a_table_is_told_with_its_cells_and_counts():
    (table,) = shown(TABLE)

    assert (table["system"], table["title"], table["rows"]) == ("shop", "Orders <b>", ["order", "invoice"])
    assert table["cells"][0] == {"row": "order", "column": "read", "outcome": "held", "reason": "404"}
    assert table["counts"] == {"leaked": 1, "inconclusive": 1, "held": 1, "not applicable": 0, "missing": 1}


def test_a_cell_outside_of_its_table_is_refused():
    with pytest.raises(ValueError, match="neither a row nor a column"):
        shown(Matrix("t", "", ("a",), ("x",), {("a", "y"): Cell(Outcome.HELD)}))


def test_parts_of_one_title_are_one_table_and_the_worse_cell_counts():
    leaked = {("order", "read"): Cell(Outcome.LEAKED), ("order", "write"): Cell(Outcome.HELD)}
    more = Matrix(TABLE.title, "", ("order", "basket"), ("read", "write"), leaked)

    (table,) = shown(TABLE, more)
    (other_way_round,) = shown(more, TABLE)

    assert table["rows"] == ["order", "invoice", "basket"]
    assert outcomes(table)[("order", "read")] == outcomes(table)[("order", "write")] == "leaked"
    assert outcomes(other_way_round) == outcomes(table)
    assert table["counts"]["missing"] == 3
    assert other_way_round["note"] == TABLE.note


def test_tables_of_other_titles_stand_apart():
    assert len(shown(TABLE, Matrix("other", "", ("a",), ("x",), {}))) == 2


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"rows": 7, "columns": None, "cells": "x"},
        {
            "rows": ["a", 3],
            "columns": ["x"],
            "cells": [3, {"row": "a"}, {"row": "b", "column": "x", "outcome": "held"}],
        },
        {"rows": ["a"], "columns": ["x"], "cells": [{"row": "a", "column": "x", "outcome": "fine"}]},
    ],
)
def test_what_is_no_cell_is_left_out_and_so_counts_as_missing(told):
    (table,) = matrices.matrices(Events([{"event": EVENT, "title": "t", **told}]))

    assert table["cells"] == []
    assert table["counts"]["missing"] == len(table["rows"]) * len(table["columns"])


def test_headings_are_shared_by_neighbours():
    (table,) = matrices.laid_out(
        {"matrices": shown(Matrix("t", "", ("a",), ("anon: read", "anon: write", "user: read"), {}))}
    )

    assert table["groups"] == [{"name": "anon", "span": 2}, {"name": "user", "span": 1}]
    assert table["columns"] == ["read", "write", "read"]


def test_the_worst_cells_are_explained_first_and_not_without_end():
    rows = tuple(f"row {number}" for number in range(60))
    leaked = {("row 59", "x"): Cell(Outcome.LEAKED, "seen")}

    (table,) = matrices.laid_out({"matrices": shown(Matrix("t", "", rows, ("x",), leaked))})

    assert (table["reasons"][0]["row"], table["reasons"][0]["reason"]) == ("row 59", "seen")
    assert len(table["reasons"]) + table["more_reasons"] == 60


def test_a_document_of_older_times_has_no_tables():
    assert matrices.laid_out({}) == []


def test_the_report_shows_each_cell_by_colour_sign_and_word(tmp_path):
    story = Story(tmp_path).begin()
    story.log.append(EVENT, system="shop", cell="", **TABLE.told())
    story.log.close()
    document = render(tmp_path)
    page = (tmp_path / "index.html").read_text()
    section = page[page.index('<section id="matrices"') :]
    cells = re.findall(r'<td><span class="chip ([a-z-]+)" title="[^"]*">([^<]*)', section)

    assert document["matrices"] == matrices.matrices(read_events(tmp_path / "events.jsonl"))
    assert [(kind, text.strip()) for kind, text in cells] == [
        ("green", "✔ held"),
        ("red", "✘ leaked"),
        ("inconclusive", "? inconclusive"),
        ("absent", "∅ missing"),
    ]
    assert "Orders &lt;b&gt;" in page
    assert "<script>alert" not in page
    assert "there was no invoice" in section


def test_a_wide_table_keeps_its_words_for_those_who_cannot_see_it(tmp_path):
    columns = tuple(f"way {number}" for number in range(20))
    cells = {("a", column): Cell(Outcome.HELD) for column in columns}
    story = Story(tmp_path).begin()
    story.log.append(EVENT, system="shop", cell="", **Matrix("wide", "", ("a",), columns, cells).told())
    story.log.close()
    render(tmp_path)

    assert (tmp_path / "index.html").read_text().count('✔<span class="unseen"> held</span>') == 20


def test_the_worst_of_several_tries_is_kept():
    tries = [Outcome.HELD, Outcome.LEAKED, Outcome.NOT_APPLICABLE, Outcome.INCONCLUSIVE]

    assert worst(tries, lambda _: ("a", "x"), Cell) == {("a", "x"): Cell(Outcome.LEAKED)}
    assert worst([], lambda _: ("a", "x"), Cell) == {}
