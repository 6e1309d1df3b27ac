"""go-no-go.md: one page, and no markup from what a target said."""

from __future__ import annotations

import pytest

from rollout_gates.evidence.render import render
from rollout_gates.evidence.summary import _repeat
from tests.evidence import story


@pytest.mark.parametrize(
    ("name", "title", "sentence"),
    [
        ("go", "# ✔ GO: smoke or security on staging", "**All 10 required clauses hold: 10 green.**"),
        ("waived", "# ✔ GO: smoke or security on staging", "**All 10 required clauses hold: 9 green, 1 waived.**"),
        (
            "no_go",
            "# ✘ NO-GO: smoke or security on staging",
            "**10 required clauses: 2 red, 1 inconclusive, 7 green.**",
        ),
        (
            "crash",
            "# ? INCONCLUSIVE: smoke or security on staging",
            "**10 required clauses: 9 inconclusive, 1 green.**",
        ),
    ],
)
def test_the_page_begins_with_verdict_and_reason(evidence, name, title, sentence):
    lines = (evidence(name) / "go-no-go.md").read_text().splitlines()

    assert (lines[0], lines[2]) == (title, sentence)


def test_blockers_are_listed_red_first_and_most_severe_first(evidence):
    text = (evidence("no_go") / "go-no-go.md").read_text()

    titles = [line for line in text.splitlines() if line.startswith("### ")]
    assert titles == [
        "### SHOP-SMOKE-04 · critical · red",
        "### SHOP-CON-03 · medium · red",
        "### SHOP-SEC-01 · critical · inconclusive (not configured)",
    ]


def test_a_clean_run_lists_no_blockers(evidence):
    assert "## Blockers" not in (evidence("go") / "go-no-go.md").read_text()


def test_waivers_and_leftovers_are_told(evidence):
    waived, crashed = ((evidence(name) / "go-no-go.md").read_text() for name in ("waived", "crash"))

    assert "| SHOP-CON-03 | active | fixed in 4.2, see SHOP-77 | Kim | 2026-12-31 |" in waived
    assert "1 thing made by the run may still stand." in crashed
    assert "- `the run was cut short: it never came to its end`" in crashed


def test_the_page_says_how_to_repeat_the_run(evidence):
    text = (evidence("go") / "go-no-go.md").read_text()

    assert "pytest -m 'smoke or security' --env=staging\nrollout-gates verify reports/staging/" in text


@pytest.mark.parametrize("words", [["--evidence=kept here"], ["--evidence", "kept here"]])
def test_the_page_verifies_the_folder_that_was_asked_for(words):
    document = {"run": {"argv": ["pytest", "--env=staging", *words], "env": "staging", "id": "x"}}

    assert "\nrollout-gates verify 'kept here'\n" in "\n".join(_repeat(document))


def test_a_message_cannot_leave_its_code_block(tmp_path):
    run = story.Story(tmp_path).begin(env="<b>x</b>|y").collect().check_rest("SHOP-CON-03")
    render(run.check("SHOP-CON-03", "failed", message="```\n# GO\n````\n<img src=x>").end("NO-GO", 1))

    text = (tmp_path / "go-no-go.md").read_text()
    assert "`````text\n```\n# GO\n````\n<img src=x>\n`````" in text
    assert r"on \<b\>x\</b\>\|y" in text


def test_a_page_of_very_many_blockers_stays_a_page(tmp_path):
    clauses = [story.row(f"SHOP-CON-{number:02}", "A rule") for number in range(40)]
    run = story.Story(tmp_path, clauses).begin().collect()
    render(run.check_rest(outcome="failed", message="x" * 5000).end("NO-GO", 1))

    text = (tmp_path / "go-no-go.md").read_text()
    assert "… and 28 more; all of them stand in `index.html`." in text
    assert len(text) < 25_000
