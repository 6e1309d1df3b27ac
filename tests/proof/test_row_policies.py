"""The proof of what the database itself is asked: green where nothing is wrong, red for each fault that opens it."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE, run_gate

CHECKS = "suites/security/test_row_policies.py"
CLAIMED = {"TTS-SEC-ISO-06", *(f"TTS-SEC-REST-0{number}" for number in range(1, 6))}
FAULTS = {
    "F-70": {"TTS-SEC-REST-01", "TTS-SEC-REST-02"},
    "F-74": {"TTS-SEC-REST-03"},
    "F-75": {"TTS-SEC-REST-02", "TTS-SEC-REST-04"},
    "F-77": {"TTS-SEC-REST-05", "TTS-SEC-ISO-06"},
}


def test_the_database_of_a_system_without_a_fault_is_green(tmp_path):
    run = run_gate(tmp_path, "qwen", CHECKS, gate="security")

    assert run.ids("green") == CLAIMED, run.told()
    assert run.ids("red") == set(), run.told()


@pytest.mark.parametrize("fault", FAULTS if WHOLE else ["F-70"])
def test_a_fault_of_the_database_turns_red_what_it_opens(tmp_path, fault):
    run = run_gate(tmp_path, "qwen", CHECKS, f"--fault=tts:{fault}", gate="security")

    assert f"faults: tts:{fault}" in run.output, "the fault was not on"
    assert run.ids("red") == FAULTS[fault], run.told()
    assert run.ids("green") == CLAIMED - FAULTS[fault], run.told()
