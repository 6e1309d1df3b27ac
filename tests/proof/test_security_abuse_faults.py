"""The proof of bursts, failures, logs and alerts, whole: every fault in every mode in which it shows."""

from __future__ import annotations

import pytest

from tests.proof.security_abuse import FAULTS, places, prove_fault, prove_healthy

CASES = [
    pytest.param(fault, mode, lane, id=f"{fault['id']}-{mode}-{lane}")
    for fault in FAULTS
    for mode, lane in places(fault)
]


@pytest.mark.parametrize(("mode", "lane"), [("modal", "task"), ("qwen", "realtime"), ("modal", "realtime")])
def test_a_system_without_a_fault_is_green(tmp_path, mode, lane):
    prove_healthy(tmp_path, mode, lane)


@pytest.mark.parametrize(("fault", "mode", "lane"), CASES)
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault, mode, lane):
    prove_fault(tmp_path, fault, mode, lane)
