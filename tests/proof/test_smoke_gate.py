"""The proof of the smoke gate: it is green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from rollout_gates.catalogue import load
from tests.proof.gate import ROOT, WHOLE, built_faults, run_gate

GATE = ("TTS-SMOKE-", "TTS-CON-", "TTS-CAP-")
REQUIRED = {1, 2, 8, 9, 10, 11, 15, 18, 23, 29, 43, 51, 52, 53, 57, 72, 76, 78}
FAULTS = built_faults("tts", GATE)
# What a fault must also break, though its row in the contract does not say so.
ALSO_RED: dict[str, set[str]] = {}
MODES = ("modal", "qwen")
# Clauses of the gate, by mode and lane: streaming adds one.
CLAUSES = {("modal", "task"): 25, ("qwen", "task"): 25, ("modal", "realtime"): 25, ("qwen", "realtime"): 26}
# Each smoke clause that a fault can break is red under one of these.
DAILY = {"F-02", "F-23", "F-29", "F-43", "F-51", "F-57", "F-71", "F-72", "F-76", "F-78"}
JUDGED = frozenset(clause.id for clause in load(ROOT / "clauses").for_gates(["smoke"], ["tts"]))


def cases():
    """Each fault in lane task, in every mode where it shows; in lane realtime those that show nowhere else.

    Every day those of DAILY are shown in one mode, in turn: a run takes seconds, and there are many.
    """
    for number, fault in enumerate(fault for fault in FAULTS if not JUDGED.isdisjoint(fault["red"])):
        lane = "task" if "task" in fault.get("lanes", ["task"]) else "realtime"
        if not WHOLE and fault["id"] not in DAILY:
            continue
        modes = fault.get("modes") or MODES
        for mode in modes if WHOLE else [modes[number % len(modes)]]:
            yield pytest.param(fault, mode, lane, id=f"{fault['id']}-{mode}-{lane}")


def test_every_fault_that_the_gate_must_find_is_built():
    built = {int(fault["id"].removeprefix("F-")) for fault in FAULTS}

    assert built >= REQUIRED


@pytest.mark.parametrize(("mode", "lane"), CLAUSES)
def test_a_system_without_a_fault_is_go(tmp_path, mode, lane):
    run = run_gate(tmp_path, mode, lane=lane)

    assert run.evidence["verdict"] == "GO", run.told()
    assert run.status == 0
    assert run.ids("inconclusive") == run.ids("red") == set()
    assert len(run.ids("green")) == CLAUSES[mode, lane]


@pytest.mark.parametrize(("fault", "mode", "lane"), list(cases()))
def test_a_fault_turns_red_what_it_breaks_and_nothing_else(tmp_path, fault, mode, lane):
    run = run_gate(tmp_path, mode, f"--fault=tts:{fault['id']}", lane=lane)

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    expected = {clause["id"] for clause in run.evidence["clauses"] if clause["outcome"] != "not applicable"}
    named = expected & (set(fault["red"]) | ALSO_RED.get(fault["id"], set()))
    assert named, "the fault names no clause that is judged here"
    assert run.ids("red") == named, run.told()
    assert run.ids("inconclusive") == set(), run.told()
    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1)


@pytest.mark.parametrize("mode", MODES if WHOLE else MODES[:1])
def test_the_reference_build_shows_its_known_defects(tmp_path, mode):
    reference = [fault for fault in FAULTS if fault.get("reference") and mode in (fault.get("modes") or MODES)]
    faults = ",".join(f"tts:{fault['id']}" for fault in reference)

    run = run_gate(tmp_path, mode, f"--fault={faults}")

    named = {name for fault in reference for name in fault["red"] if name.startswith(GATE)}
    assert run.ids("red") == named, run.told()
    assert run.status == 1
