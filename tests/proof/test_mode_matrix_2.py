"""The proof of the clauses of generates, durability and cancels: each fault turns red what its row names."""

from __future__ import annotations

import pytest

from tests.proof.gate import GateRun, built_faults, checks_in, environment_file, run_checks

MINE = ("TTS-GEN-", "TTS-DUR-", "TTS-CANCEL-")
FILES = ("generate", "durability", "cancel_states")
CELLS = ("modal-task", "qwen-task")
ONLY = "(modal-task or qwen-task) and (not golden_payload or generate-matrix)"
FAULTS = built_faults("tts", MINE)
# What a fault must also break, though its row in the contract does not say so.
ALSO_RED: dict[str, set[str]] = {}
# Section 3, window (d): with all known defects at once, a cancel during the fetch of the result leaves the object.
REFERENCE_ALSO_RED = {"modal-task": {"TTS-DUR-11"}, "qwen-task": set()}


def judge(folder, *arguments) -> GateRun:
    """Run the checks of these clauses alone, in both modes at once."""
    environment, files = environment_file(folder, "qwen"), checks_in("mode_matrix", *FILES)
    files += checks_in("smoke", "golden_payloads")
    return run_checks(environment, "-m", "mode-matrix", "-n", "2", "-k", ONLY, *files, *arguments)


def judged(folder, *faults):
    """Run the checks of these clauses; return the run, and the outcome of each clause by cell."""
    on = [f"--fault={','.join(f'tts:{fault}' for fault in faults)}"] if faults else []
    run = judge(folder, *on)
    mine = [clause for clause in run.evidence["clauses"] if clause["id"].startswith(MINE)]
    outcomes = {name: {} for name in CELLS}
    for clause in mine:
        for cell in clause["cells"]:
            if cell["cell"] in CELLS and cell["outcome"] != "not applicable":
                outcomes[cell["cell"]][clause["id"]] = cell["outcome"]
    return run, outcomes


def named(fault, cell, applicable):
    """Return the clauses that must be red in *cell* with *fault* on."""
    mode = cell.split("-")[0]
    if mode not in (fault.get("modes") or [mode]):
        return set()
    return (set(fault["red"]) | ALSO_RED.get(fault["id"], set())) & set(applicable)


def told(run):
    """Return what these clauses said, in the cells that count."""
    return "\n".join(
        f"{clause['id']} {cell['cell']} {cell['outcome']} {cell['reason']} {cell['message']}"
        for clause in run.evidence["clauses"]
        if clause["id"].startswith(MINE)
        for cell in clause["cells"]
        if cell["cell"] in CELLS and cell["outcome"] in ("red", "inconclusive")
    )


def ids(outcomes, outcome):
    return {clause for clause, found in outcomes.items() if found == outcome}


def test_clauses_of_a_system_without_a_fault_are_green(tmp_path):
    run, outcomes = judged(tmp_path)

    for cell in CELLS:
        assert ids(outcomes[cell], "green") == set(outcomes[cell]), told(run)
    assert len(set().union(*outcomes.values())) == 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_breaks_and_nothing_else(tmp_path, fault):
    run, outcomes = judged(tmp_path, fault["id"])

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    expected = {cell: named(fault, cell, outcomes[cell]) for cell in CELLS}
    assert any(expected.values()), "the fault names no clause that is judged here"
    assert {cell: ids(outcomes[cell], "red") for cell in CELLS} == expected, told(run)
    assert "check errored" not in told(run)


def test_the_reference_build_shows_its_known_defects(tmp_path):
    reference = [fault for fault in FAULTS if fault.get("reference")]

    run, outcomes = judged(tmp_path, *(fault["id"] for fault in reference))

    for cell in CELLS:
        expected = REFERENCE_ALSO_RED[cell].union(*(named(fault, cell, outcomes[cell]) for fault in reference))
        assert ids(outcomes[cell], "red") == expected, told(run)
