"""The proof of secrets and browser origins: where nothing is wrong, and with each fault that names these clauses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.proof.gate import _TIMEOUT_S, ROOT, WHOLE, GateRun, _variables, built_faults, environment_file

MINE = ("TTS-SEC-CORS-", "TTS-SEC-KEY-", "TTS-EVID-03")
CLAUSES = {
    "TTS-SEC-CORS-01", "TTS-SEC-CORS-02", "TTS-SEC-KEY-01", "TTS-SEC-KEY-02", "TTS-SEC-KEY-03", "TTS-EVID-03",
}  # fmt: skip
FILES = ("cors", "custody", "gate_evidence")
FAULTS = built_faults("tts", MINE)
EVERYWHERE = [(mode, lane) for mode in ("qwen", "modal") for lane in ("task", "realtime")]
PLACES = EVERYWHERE if WHOLE else EVERYWHERE[:1]


def run_checks(folder, mode, lane, *arguments):
    """Run these checks alone, in one mode and lane."""
    environment, evidence = environment_file(folder, mode, lane), folder / "evidence"
    files = [str(ROOT / "suites" / "security" / f"test_{name}.py") for name in FILES]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "security", *files]
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
    return {name for name in names if name in CLAUSES}


def test_every_fault_that_names_these_clauses_is_built():
    assert {fault["id"] for fault in FAULTS} == {"F-85", "F-86"}


@pytest.mark.parametrize(("mode", "lane"), PLACES)
def test_a_system_without_a_fault_is_green(tmp_path, mode, lane):
    run = run_checks(tmp_path, mode, lane)

    assert mine(run.ids("green")) == CLAUSES, run.told()
    told = (run.folder / "s8" / "secret-scan.txt").read_text()
    assert [line for line in told.splitlines() if line.startswith("found: ")] == ["found: nothing"] * 5


@pytest.mark.parametrize(("mode", "lane"), PLACES)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode, lane):
    run = run_checks(tmp_path, mode, lane, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == mine(fault["red"]), run.told()
    assert mine(run.ids("green")) == CLAUSES - set(fault["red"]), run.told()
