"""The proof of secrets and browser origins: where nothing is wrong, and with each fault that names these clauses."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE, built_faults, checks_in, environment_file, run_checks

MINE = ("TTS-SEC-CORS-", "TTS-SEC-KEY-", "TTS-EVID-03")
CLAUSES = {
    "TTS-SEC-CORS-01", "TTS-SEC-CORS-02", "TTS-SEC-KEY-01", "TTS-SEC-KEY-02", "TTS-SEC-KEY-03", "TTS-EVID-03",
}  # fmt: skip
FILES = ("cors", "custody", "gate_evidence")
FAULTS = built_faults("tts", MINE)
EVERYWHERE = [(mode, lane) for mode in ("qwen", "modal") for lane in ("task", "realtime")]
PLACES = EVERYWHERE if WHOLE else EVERYWHERE[:1]


def judge(folder, mode, lane, *arguments):
    """Run these checks alone, in one mode and lane."""
    environment = environment_file(folder, mode, lane)
    return run_checks(environment, "-m", "security", *checks_in("security", *FILES), *arguments)


def mine(names):
    return {name for name in names if name in CLAUSES}


def test_every_fault_that_names_these_clauses_is_built():
    assert {fault["id"] for fault in FAULTS} == {"F-85", "F-86"}


@pytest.mark.parametrize(("mode", "lane"), PLACES)
def test_a_system_without_a_fault_is_green(tmp_path, mode, lane):
    run = judge(tmp_path, mode, lane)

    assert mine(run.ids("green")) == CLAUSES, run.told()
    told = (run.folder / "s8" / "secret-scan.txt").read_text()
    assert [line for line in told.splitlines() if line.startswith("found: ")] == ["found: nothing"] * 5


@pytest.mark.parametrize(("mode", "lane"), PLACES)
@pytest.mark.parametrize("fault", FAULTS if WHOLE else FAULTS[:1], ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode, lane):
    run = judge(tmp_path, mode, lane, f"--fault=tts:{fault['id']}")

    assert f"faults: tts:{fault['id']}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == mine(fault["red"]), run.told()
    assert mine(run.ids("green")) == CLAUSES - set(fault["red"]), run.told()
