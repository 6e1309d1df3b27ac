"""The proof that a deployment of somebody else's is judged: no remote control, no provider log, addresses and keys only.

What each fault turns red there stands in `docs/what-is-seen-from-outside.md`, and is read from it: the page and the gate
cannot part.
"""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE
from tests.proof.outside import PAGE, Seen, deployed, judge, not_green, seen_from_outside

NOT_CONFIGURED = ("TTS-MODE-01", "TTS-MODE-10", "TTS-CRED-08")
"""Clauses that want a way to flip the mode, or the secret of the payment webhook."""
CELLS = (("qwen", "task"), ("modal", "task"), ("modal", "realtime"), ("qwen", "realtime"))
whole = pytest.mark.skipif(not WHOLE, reason="takes a run of its own; tox -e proof does it")
# A task that never ends (F-40) is waited for as long as this.
PATIENCE = {"latency_budget_s": 25}


@pytest.mark.parametrize(("mode", "lane"), CELLS if WHOLE else CELLS[:1])
def test_a_healthy_deployment_lacks_nothing_but_what_is_not_configured(tmp_path, mode, lane):
    with deployed(tmp_path, mode, lane) as there:
        run = judge(tmp_path, there, **PATIENCE)

    assert run.ids("red") == set(), run.told()
    assert not_green(run) == dict.fromkeys(NOT_CONFIGURED, "not configured"), run.told()


@whole
@pytest.mark.parametrize("row", seen_from_outside(PAGE), ids=str)
def test_a_fault_shows_as_the_page_says(tmp_path, row: Seen):
    with deployed(tmp_path, row.mode, row.lane, row.fault) as there:
        run = judge(tmp_path, there, **PATIENCE)

    red = run.ids("red")
    assert row.by_chance or row.red <= red, run.told()
    assert row.red or not red, run.told()
    assert "check errored" not in run.told()
    assert (run.evidence["verdict"] == "NO-GO") == bool(red)


@whole
@pytest.mark.parametrize("mode", ["modal", "qwen"])
def test_two_users_and_the_limits_of_the_contract_turn_nothing_red(tmp_path, mode):
    with deployed(tmp_path, mode, "task", roomy=False) as there:
        users = {"user_a_token": "TTS_USER_A_TOKEN", "user_b_token": "TTS_USER_B_TOKEN"}
        secrets = {**there.table["secrets"], **users}
        run = judge(tmp_path, there, sign_up=False, secrets=secrets, **PATIENCE)

    assert run.ids("red") == set(), run.told()
    assert run.ids("green")
    assert "check errored" not in run.told()


@whole
def test_a_small_budget_buys_what_the_smoke_gate_needs_first(tmp_path):
    with deployed(tmp_path, "qwen", "task") as there:
        run = judge(tmp_path, there, billable_calls=6, **PATIENCE)

    assert run.ids("red") == set(), run.told()
    assert {"TTS-CON-01", "TTS-CON-02", "TTS-DUR-01", "TTS-DUR-02"} <= run.ids("green"), run.told()
    assert "out of budget" in not_green(run).values()
