"""The proof of credits, payments and pages: green where nothing is wrong, and each fault turns red what its row names."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rollout_gates.catalogue import applicability, load
from tests.proof.gate import _TIMEOUT_S, ROOT, GateRun, _variables, built_faults, environment_file

MINE = ("TTS-CRED-", "TTS-UI-")
FILES = ("credits", "refunds", "payments", "pages")
REQUIRED = {13, 19, 48, 52, 61, 62, 63, 64, 65}
CELLS = tuple((mode, lane) for lane in ("task", "realtime") for mode in ("modal", "qwen"))
CLAUSES = {clause.id: clause for clause in load(ROOT / "clauses").clauses if clause.id.startswith(MINE)}
FAULTS = built_faults("tts", MINE)


def run_checks(folder, *arguments) -> GateRun:
    """Run the checks of these clauses alone, in every cell."""
    environment, evidence = environment_file(folder, "qwen"), folder / "evidence"
    files = [str(path) for name in FILES for path in (ROOT / "suites" / "mode_matrix").glob(f"test_{name}*.py")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "mode-matrix", *files]
    done = subprocess.run(
        [*command, f"--env={environment}", f"--evidence={evidence}", *arguments],
        cwd=ROOT,
        env=_variables(),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return GateRun(done.returncode, done.stdout + done.stderr, evidence)


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
    run = run_checks(tmp_path)

    assert mine(run.ids("green")) == judged(), told(run)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    run = run_checks(tmp_path, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == judged(fault.get("modes") or ("modal", "qwen")) & set(fault["red"]), told(run)
    assert mine(run.ids("inconclusive")) == set(), told(run)
