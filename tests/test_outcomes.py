"""How the end of a check is told: one line a clause, one line for a cause that many share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rollout_gates.outcomes import classify, few, summary
from rollout_gates.reasons import Reason
from rollout_gates.verdict import CheckOutcome, judge

DEAD = "127.0.0.1:9: no connection: connection refused"


def judged(*checks):
    """Judge a run of checks, each (clause, outcome, reason, message)."""
    rows = [
        {"id": name, "system": "toy", "gate": "smoke", "gates": ["smoke"], "title": f"{name} holds", "severity": "low",
         "source": "R", "required": True, "applicable": True}
        for name in dict.fromkeys(check[0] for check in checks)
    ]  # fmt: skip
    events = [{"event": "run_started", "run": {}}, {"event": "expected", "clauses": rows}]
    events += [
        {"event": "check_finished", "nodeid": f"suites/t.py::test_{number:02}", "outcome": outcome, "reason": reason,
         "message": message, "clauses": [clause], "assertions": 1}
        for number, (clause, outcome, reason, message) in enumerate(checks)
    ]  # fmt: skip
    return judge([*events, {"event": "session_finished"}])


def absent(clause, message=DEAD):
    return clause, "inconclusive", "source absent", message


def test_each_clause_that_is_not_green_has_a_line():
    red = ("TOY-B", "failed", None, "GET /x as 'a' returned 404, expected 200 [TOY-B]")

    assert summary(judged(absent("TOY-A"), red, ("TOY-C", "passed", None, "")), []) == [
        "RED           TOY-B: GET /x as 'a' returned 404, expected 200 [TOY-B]",
        f"INCONCLUSIVE  TOY-A (source absent): {DEAD}",
    ]


def test_a_cause_that_many_clauses_share_is_told_once():
    names = [f"TOY-{letter}" for letter in "ABCD"]

    lines = summary(judged(*(absent(name) for name in names), absent("TOY-D"), absent("TOY-E", "another")), [])

    assert lines == [
        f"INCONCLUSIVE  4 clauses, 5 checks (source absent): {DEAD}",
        "              TOY-A, TOY-B, TOY-C, TOY-D",
        "INCONCLUSIVE  TOY-E (source absent): another",
    ]


def test_many_clauses_of_one_cause_fill_as_many_lines_as_they_need():
    lines = summary(judged(*(absent(f"TOY-LONG-NAME-{number:02}") for number in range(25))), [])

    assert lines[0].startswith("INCONCLUSIVE  25 clauses, 25 checks (source absent): 127.0.0.1:9")
    assert "".join(lines[1:]).count("TOY-LONG-NAME-") == 25
    assert max(map(len, lines)) <= 120


def test_clauses_without_a_message_are_not_thrown_together():
    lines = summary(judged(*((f"TOY-{n}", "failed", None, "") for n in range(4))), [])

    assert lines == [f"RED           TOY-{n}: TOY-{n} holds" for n in range(4)]


def test_the_first_finding_stands_for_several():
    message = "the first thing\n  with its difference\nthe second thing\nthe third thing"

    assert summary(judged(("TOY-A", "failed", None, message)), []) == [
        "RED           TOY-A: the first thing with its difference (and 2 more)"
    ]


def test_no_line_is_broken_or_endless():
    message = f"a \x1b[31mred\x1b[0m body: {'x' * 5000}\r\x00"

    (line,) = summary(judged(("TOY-A", "failed", None, message)), [])

    assert line.startswith("RED           TOY-A: a red body: xxx")
    assert line.isprintable()
    assert len(line) < 400


def test_problems_of_the_run_come_last():
    assert summary(judged(absent("TOY-A")), ["the evidence\ncould not be written"])[-1] == (
        "RUN           the evidence could not be written"
    )


def report(clause):
    return SimpleNamespace(rollout={"clauses": [clause]})


def test_the_first_of_each_clause_are_the_few_that_are_shown():
    reports = [report("A") for _ in range(20)] + [report("B"), report("C"), report("B")]

    shown = few(reports, 5)

    assert [row.rollout["clauses"][0] for row in shown] == ["A", "A", "B", "C", "B"]
    assert few(reports, 50) == reports
    assert len(few([SimpleNamespace() for _ in range(20)])) == 12, "a report of a dead worker has no clauses"


def ended(problem):
    return classify(problem, "call", failures=(), skips=())


def test_what_pytest_adds_to_a_message_is_left_out():
    problem = AssertionError(
        "GET /x returned 401, expected 200\n  GET /y returned 401\nassert 401 == 200\n +  where 401"
    )

    assert ended(problem).message == "GET /x returned 401, expected 200\nGET /y returned 401"


@pytest.mark.parametrize("text", ["assert 401 == 200\n +  where 401 = ", "assert [1] == [2]\nassert 1 == 2"])
def test_an_assertion_without_a_message_keeps_its_values(text):
    assert ended(AssertionError(text)).message.startswith(text[:20])


def test_only_an_assertion_is_cut():
    found = ended(ValueError("one\nassert two"))

    assert (found.outcome, found.reason) == (CheckOutcome.ERRORED, Reason.CHECK_ERRORED)
    assert found.message == "ValueError: one\nassert two"
