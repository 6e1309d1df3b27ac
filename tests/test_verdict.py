"""The verdict as a function of events."""

from __future__ import annotations

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.verdict import Outcome, Verdict, judge

NODE = "suites/smoke/test_a.py::test_a"


def row(name="A-01", **fields):
    return {
        "id": name,
        "system": "toy",
        "gate": "smoke",
        "gates": ["smoke"],
        "title": "It holds",
        "severity": "high",
        "source": "R",
        "required": True,
        "applicable": True,
        "why_not": "",
        "unconfigured": "",
        "waiver": None,
        **fields,
    }


def finished(outcome="passed", clauses=("A-01",), nodeid=NODE, **fields):
    return {
        "event": "check_finished",
        "nodeid": nodeid,
        "outcome": outcome,
        "reason": None,
        "message": "told",
        "duration_s": 0.1,
        "clauses": list(clauses),
        "assertions": 1,
        **fields,
    }


def story(*events, rows=None, started="2026-03-01T10:00:00Z", whole=True):
    return [
        {"event": "run_started", "run": {"started": started, "gates": ["smoke"]}},
        {"event": "expected", "clauses": rows if rows is not None else [row()]},
        *events,
        *([{"event": "session_finished"}] if whole else []),
    ]


def test_everything_green_is_go():
    judgement = judge(story(finished()))

    assert judgement.verdict is Verdict.GO
    assert judgement.counts["green"] == judgement.counts["total"] == 1
    assert judgement.gates[0].verdict is Verdict.GO


@pytest.mark.parametrize(
    ("event", "outcome", "reason", "verdict"),
    [
        (finished("failed"), Outcome.RED, None, Verdict.NO_GO),
        (finished("errored"), Outcome.INCONCLUSIVE, Reason.CHECK_ERRORED, Verdict.INCONCLUSIVE),
        (finished("skipped"), Outcome.INCONCLUSIVE, Reason.CHECK_DID_NOT_RUN, Verdict.INCONCLUSIVE),
        (finished("inconclusive", reason="no traffic"), Outcome.INCONCLUSIVE, Reason.NO_TRAFFIC, Verdict.INCONCLUSIVE),
        (finished(assertions=0), Outcome.INCONCLUSIVE, Reason.CHECK_ERRORED, Verdict.INCONCLUSIVE),
    ],
)
def test_each_way_a_check_ends_has_one_outcome(event, outcome, reason, verdict):
    judgement = judge(story(event))

    assert (judgement.clauses[0].outcome, judgement.clauses[0].reason) == (outcome, reason)
    assert judgement.verdict is verdict


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_a_red_clause_is_no_go_whatever_its_severity(severity):
    assert judge(story(finished("failed"), rows=[row(severity=severity)])).verdict is Verdict.NO_GO


def test_one_red_check_outweighs_green_and_undecided_ones():
    events = [finished(), finished("errored", nodeid="b"), finished("failed", nodeid="c")]

    assert judge(story(*events)).clauses[0].outcome is Outcome.RED


def test_a_failure_is_not_forgotten_when_the_check_passes_later():
    assert judge(story(finished("failed"), finished())).verdict is Verdict.NO_GO


def test_a_check_that_never_finished_is_a_result():
    collected = {"event": "collected", "checks": [{"nodeid": NODE, "clauses": ["A-01"]}]}

    clause = judge(story(collected)).clauses[0]

    assert (clause.outcome, clause.reason) == (Outcome.INCONCLUSIVE, Reason.CHECK_DID_NOT_RUN)
    assert clause.checks == (NODE,)


def test_a_clause_without_any_check_is_inconclusive():
    judgement = judge(story(finished(), rows=[row(), row("A-02")]))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.clauses[1].reason is Reason.CHECK_DID_NOT_RUN


def test_nothing_at_all_is_inconclusive():
    assert judge([]).verdict is Verdict.INCONCLUSIVE
    assert judge(story(rows=[])).verdict is Verdict.INCONCLUSIVE


def test_inapplicable_clauses_alone_are_not_go():
    judgement = judge(story(finished(), rows=[row(applicable=False, why_not="only in mode x")]))

    assert judgement.clauses[0].outcome is Outcome.NOT_APPLICABLE
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_what_is_not_configured_is_inconclusive_even_with_a_passing_check():
    clause = judge(story(finished(), rows=[row(unconfigured="needs database")])).clauses[0]

    assert (clause.outcome, clause.reason) == (Outcome.INCONCLUSIVE, Reason.NOT_CONFIGURED)


def test_a_red_that_the_profile_does_not_require_does_not_decide_but_shows():
    rows = [row(), row("A-02", required=False, source="D")]
    events = [finished(), finished("failed", clauses=["A-02"], nodeid="b")]

    judgement = judge(story(*events, rows=rows))

    assert judgement.verdict is Verdict.GO
    assert judgement.profiles["strict"]["red"] == 1
    assert judgement.profiles["runbook"]["red"] == 0


@pytest.mark.parametrize(
    "event",
    [
        {"event": "worker_lost", "worker": "gw1", "message": "crashed"},
        {"event": "collect_error", "nodeid": "suites/x.py", "message": "no module"},
        {"event": "interrupted"},
        {"event": "interrupted", "text": "by Ctrl-C"},
        {"event": "problem", "text": "clean-up failed"},
    ],
)
def test_a_run_with_a_problem_is_never_go(event):
    judgement = judge(story(finished(), event))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert len(judgement.problems) == 1


def test_a_run_that_was_cut_short_is_never_go():
    judgement = judge(story(finished(), whole=False))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "cut short" in judgement.problems[0]


WAIVER = {"clause": "A-01", "reason": "known", "owner": "ann", "expires": "2026-12-31"}


def test_an_active_waiver_takes_a_red_clause_out_of_the_decision():
    rows = [row(waiver=WAIVER), row("A-02")]

    judgement = judge(story(finished("failed"), finished(clauses=["A-02"], nodeid="b"), rows=rows))

    assert judgement.clauses[0].outcome is Outcome.WAIVED
    assert judgement.verdict is Verdict.GO


def test_a_run_in_which_everything_is_waived_is_not_go():
    assert judge(story(finished("failed"), rows=[row(waiver=WAIVER)])).verdict is Verdict.INCONCLUSIVE


def test_an_expired_waiver_counts_for_nothing():
    judgement = judge(story(finished("failed"), rows=[row(waiver=WAIVER)], started="2027-01-01T00:00:00Z"))

    assert judgement.verdict is Verdict.NO_GO
    assert judgement.clauses[0].waiver_state == "expired"


def test_a_waiver_counts_on_its_last_day():
    rows = [row(waiver=WAIVER), row("A-02")]
    events = [finished("failed"), finished(clauses=["A-02"], nodeid="b")]

    assert judge(story(*events, rows=rows, started="2026-12-31T23:59:59Z")).verdict is Verdict.GO


def test_a_stale_waiver_keeps_the_run_from_go():
    judgement = judge(story(finished(), rows=[row(waiver=WAIVER)]))

    assert judgement.clauses[0].outcome is Outcome.GREEN
    assert judgement.clauses[0].waiver_state == "stale"
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_a_waiver_does_not_cover_what_could_not_be_judged():
    assert judge(story(finished("errored"), rows=[row(waiver=WAIVER)])).clauses[0].outcome is Outcome.INCONCLUSIVE


def test_each_gate_has_a_verdict_of_its_own():
    rows = [row(), row("B-01", gate="security", gates=["security"])]
    events = [finished(), finished("failed", clauses=["B-01"], nodeid="b")]
    told = story(*events, rows=rows)
    told[0]["run"]["gates"] = ["smoke", "security"]

    verdicts = {gate.marker: gate.verdict for gate in judge(told).gates}

    assert verdicts == {"smoke": Verdict.GO, "security": Verdict.NO_GO}


CELLS = [
    {"cell": "a", "applicable": True, "why_not": ""},
    {"cell": "b", "applicable": True, "why_not": ""},
    {"cell": "c", "applicable": False, "why_not": "only in a and b"},
]


def collected(*rows):
    return {
        "event": "collected",
        "checks": [{"nodeid": node, "clauses": ["A-01"], "cell": cell} for node, cell in rows],
    }


def test_a_clause_is_green_when_it_is_green_in_each_cell_that_it_applies_to():
    events = [collected(("x[a]", "a"), ("x[b]", "b")), finished(nodeid="x[a]"), finished(nodeid="x[b]")]

    judgement = judge(story(*events, rows=[row(cells=CELLS)]))

    assert judgement.verdict is Verdict.GO
    assert [cell.outcome.value for cell in judgement.clauses[0].cells] == ["green", "green", "not applicable"]


def test_a_cell_without_a_check_is_missing_and_not_green():
    events = [collected(("x[a]", "a")), finished(nodeid="x[a]")]

    judgement = judge(story(*events, rows=[row(cells=CELLS)]))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.clauses[0].cells[1].reason is Reason.CHECK_DID_NOT_RUN
    assert judgement.clauses[0].message.startswith("b: ")


def test_a_red_cell_decides_over_the_others():
    events = [collected(("x[a]", "a"), ("x[b]", "b")), finished(nodeid="x[a]"), finished("failed", nodeid="x[b]")]

    judgement = judge(story(*events, rows=[row(cells=CELLS)]))

    assert judgement.verdict is Verdict.NO_GO
    assert judgement.clauses[0].message == "b: told"


def test_a_clause_that_applies_in_no_cell_is_not_applicable():
    cells = [{**cell, "applicable": False} for cell in CELLS]

    assert judge(story(finished(), rows=[row(cells=cells)])).clauses[0].outcome is Outcome.NOT_APPLICABLE
