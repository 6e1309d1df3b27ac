"""The proof of credits, payments and pages: green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import pytest

from rollout_gates.catalogue import applicability, load
from tests.proof.gate import ROOT, GateRun, built_faults, checks_in, environment_file, run_checks

MINE = ("TTS-CRED-", "TTS-UI-")
FILES = ("credits", "refunds", "payments", "pages")
REQUIRED = {13, 19, 48, 52, 61, 62, 63, 64, 65}
CELLS = tuple((mode, lane) for lane in ("task", "realtime") for mode in ("modal", "qwen"))
CLAUSES = {clause.id: clause for clause in load(ROOT / "clauses").clauses if clause.id.startswith(MINE)}
FAULTS = built_faults("tts", MINE)


def judge(folder, *arguments) -> GateRun:
    """Run the checks of these clauses alone, in every cell."""
    environment = environment_file(folder, "qwen")
    return run_checks(environment, "-m", "mode-matrix", *checks_in("mode_matrix", *FILES), *arguments)


def mine(names):
    return {name for name in names if name.startswith(MINE)}


def judged(modes=("modal", "qwen")):
    """The clauses that are judged in some cell of the sandbox in one of *modes*."""
    return {
        name
        for name, clause in CLAUSES.items()
        for mode, lane in CELLS
        if mode in modes and applicability(clause, {"mode": mode, "lane": lane}, "local", sandbox=True) is None
    }


def told(run):
    return "\n".join(line for line in run.told().splitlines() if line.startswith(MINE))


def test_every_fault_that_names_these_clauses_is_built():
    assert {int(fault["id"].removeprefix("F-")) for fault in FAULTS} == REQUIRED


def test_a_system_without_a_fault_is_green(tmp_path):
    run = judge(tmp_path)

    assert mine(run.ids("green")) == judged(), told(run)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    run = judge(tmp_path, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == judged(fault.get("modes") or ("modal", "qwen")) & set(fault["red"]), told(run)
    assert mine(run.ids("inconclusive")) == set(), told(run)
