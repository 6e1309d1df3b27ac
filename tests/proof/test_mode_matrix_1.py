"""The proof of mode, clone and design: green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from rollout_gates.catalogue import applicability, load
from tests.proof.gate import ROOT, GateRun, built_faults, checks_in, environment_file, run_checks

MINE = ("TTS-MODE-", "TTS-CLONE-", "TTS-DESIGN-")
REQUIRED = {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 52}
MODES = ("modal", "qwen")
CLAUSES = {clause.id: clause for clause in load(ROOT / "clauses").clauses if clause.id.startswith(MINE)}
FAULTS = built_faults("tts", MINE)
# A save that cannot find the voice of an earlier one makes another, whether the earlier one has just ended or not.
ALSO_RED = {"F-22": {"TTS-DESIGN-07"}}


def judge(folder, mode, *arguments) -> GateRun:
    """Run the checks of these clauses alone, in one cell."""
    files = [*checks_in("mode_matrix", "mode*", "clone*", "design*"), *checks_in("smoke", "golden_payloads")]
    return run_checks(environment_file(folder, mode), *files, "-k", "test_mode or clone or design", *arguments)


def mine(names):
    return {name for name in names if name.startswith(MINE)}


def judged(mode):
    """The clauses that are judged in the sandbox in *mode*."""
    facts = {"mode": mode, "lane": "task"}
    return {name for name, clause in CLAUSES.items() if applicability(clause, facts, "local", sandbox=True) is None}


def told(run):
    return "\n".join(line for line in run.told().splitlines() if line.startswith(MINE))


def cases():
    for fault in FAULTS:
        for mode in fault.get("modes") or MODES:
            if judged(mode) & set(fault["red"]):
                yield pytest.param(fault, mode, id=f"{fault['id']}-{mode}")


def test_every_fault_that_names_these_clauses_is_built():
    assert {int(fault["id"].removeprefix("F-")) for fault in FAULTS} >= REQUIRED


@pytest.mark.parametrize("mode", MODES)
def test_a_system_without_a_fault_is_green(tmp_path, mode):
    run = judge(tmp_path, mode)

    assert mine(run.ids("green")) == judged(mode), told(run)


@pytest.mark.parametrize(("fault", "mode"), list(cases()))
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode):
    run = judge(tmp_path, mode, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    named = judged(mode) & (set(fault["red"]) | ALSO_RED.get(fault["id"], set()))
    assert mine(run.ids("red")) == named, told(run)
    assert "check errored" not in told(run)


@pytest.mark.parametrize("mode", MODES)
def test_the_reference_build_shows_its_known_defects(tmp_path, mode):
    reference = [fault for fault in FAULTS if fault.get("reference") and mode in (fault.get("modes") or MODES)]
    faults = ",".join(f"tts:{fault['id']}" for fault in reference)

    run = judge(tmp_path, mode, f"--fault={faults}")

    named = {name for fault in reference for name in fault["red"]}
    assert mine(run.ids("red")) == judged(mode) & named, told(run)
