"""The proof of the gate of objectives: GO where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE, built_faults, run_gate

MINE = ("TTS-SLO-",)
FAULTS = built_faults("tts", MINE)
REQUIRED = {"F-13", "F-20", "F-29", "F-37", "F-40", "F-43", "F-90"}
# Each takes half a minute. The whole proof has them all, in each mode.
QUICK = {("F-90", "qwen")}
# Work that is completed without audio is corruption, and what one user gets of another's is exposure: both abort.
ABORTS_AS_WELL = {"F-29": {"TTS-SLO-08"}}
WIDER = {"F-76": {"TTS-SLO-08"}}
TARGETS = """
[tts.slo]
start_success = 0.95
completion = 0.95
cancel_success = 0.95
median_s = 2.0
p95_s = 6.0
first_byte_s = 2.0
min_samples = 20
"""
CASES = [
    pytest.param(fault, mode, id=f"{fault['id']}-{mode}")
    for fault in FAULTS
    for mode in fault.get("modes") or ("qwen", "modal")
    if WHOLE or (fault["id"], mode) in QUICK
]


def slo(folder, mode, *faults, lane="task"):
    """Run the gate with *faults* on, and with targets that a healthy sandbox meets."""
    on = [f"--fault={','.join(f'tts:{fault}' for fault in faults)}"] if faults else []
    return run_gate(folder, mode, *on, gate="slo", more=TARGETS, lane=lane)


def test_every_fault_that_names_an_objective_is_built():
    assert {fault["id"] for fault in FAULTS} == REQUIRED


@pytest.mark.parametrize(
    ("mode", "lane"), [("qwen", "task"), *([("modal", "task"), ("qwen", "realtime")] if WHOLE else [])]
)
def test_a_system_without_a_fault_is_go(tmp_path, mode, lane):
    run = slo(tmp_path, mode, lane=lane)

    assert (run.evidence["verdict"], run.status) == ("GO", 0), run.told()
    assert len(run.ids("green")) == 8
    series = {row["objective"]: row for row in run.evidence["objectives"]}
    assert len(series["start success"]["windows"]) == 2
    assert all(window["total"] >= 20 for row in series.values() for window in row["windows"])
    assert "Lan-DeMets" in series["completion"]["plan"]
    assert sum(run.evidence["failures"][0]["by_category"].values()) == run.evidence["failures"][0]["total"] > 0


@pytest.mark.parametrize(("fault", "mode"), CASES)
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode):
    run = slo(tmp_path, mode, fault["id"])

    named = {name for name in fault["red"] if name.startswith(MINE)}
    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert run.ids("red") == named | ABORTS_AS_WELL.get(fault["id"], set()), run.told()
    assert run.ids("inconclusive") == set(), run.told()
    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1)


@pytest.mark.skipif(not WHOLE, reason="takes a run of its own; tox -e proof does it")
@pytest.mark.parametrize("fault", WIDER)
def test_what_one_user_gets_of_another_asks_to_go_back(tmp_path, fault):
    run = slo(tmp_path, "qwen", fault)

    assert run.ids("red") == WIDER[fault], run.told()
    assert "abort rule 'exposure'" in run.told()
