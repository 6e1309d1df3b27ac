"""The proof of the smoke gate: it is green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from tests.proof.gate import built_faults, run_gate

GATE = ("TTS-SMOKE-", "TTS-CON-", "TTS-CAP-")
REQUIRED = {1, 2, 8, 9, 10, 11, 15, 18, 23, 29, 43, 51, 52, 53, 72, 76, 78}
FAULTS = built_faults("tts", GATE)
# What a fault must also break, though its row in the contract does not say so.
ALSO_RED: dict[str, set[str]] = {}
MODES = ("modal", "qwen")


def cases():
    for fault in FAULTS:
        for mode in fault.get("modes") or MODES:
            yield pytest.param(fault, mode, id=f"{fault['id']}-{mode}")


def test_every_fault_that_the_gate_must_find_is_built():
    built = {int(fault["id"].removeprefix("F-")) for fault in FAULTS}

    assert built >= REQUIRED


@pytest.mark.parametrize("mode", MODES)
def test_a_system_without_a_fault_is_go(tmp_path, mode):
    run = run_gate(tmp_path, mode)

    assert run.evidence["verdict"] == "GO", run.told()
    assert run.status == 0
    assert run.ids("inconclusive") == run.ids("red") == set()
    assert len(run.ids("green")) == 25


@pytest.mark.parametrize(("fault", "mode"), list(cases()))
def test_a_fault_turns_red_what_it_breaks_and_nothing_else(tmp_path, fault, mode):
    run = run_gate(tmp_path, mode, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    expected = {clause["id"] for clause in run.evidence["clauses"] if clause["outcome"] != "not applicable"}
    named = expected & (set(fault["red"]) | ALSO_RED.get(fault["id"], set()))
    assert named, "the fault names no clause that is judged here"
    assert run.ids("red") == named, run.told()
    assert run.ids("inconclusive") == set(), run.told()
    assert (run.evidence["verdict"], run.status) == ("NO-GO", 1)


@pytest.mark.parametrize("mode", MODES)
def test_the_reference_build_shows_its_known_defects(tmp_path, mode):
    reference = [fault for fault in FAULTS if fault.get("reference") and mode in (fault.get("modes") or MODES)]
    faults = ",".join(f"tts:{fault['id']}" for fault in reference)

    run = run_gate(tmp_path, mode, f"--fault={faults}")

    named = {name for fault in reference for name in fault["red"] if name.startswith(GATE)}
    assert run.ids("red") == named, run.told()
    assert run.status == 1
