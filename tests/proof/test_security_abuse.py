"""The proof of bursts, failures, logs and alerts, in short: where nothing is wrong, and two faults of many."""

from __future__ import annotations

import pytest

from tests.proof.security_abuse import FAULTS, REQUIRED, prove_fault, prove_healthy

SHOWN = [fault for fault in FAULTS if fault["id"] in {"F-79", "F-80", "F-84"}]


def test_every_fault_that_names_these_clauses_is_built():
    assert {fault["id"] for fault in FAULTS} == REQUIRED


def test_a_system_without_a_fault_is_green(tmp_path):
    prove_healthy(tmp_path, "qwen", "task")


@pytest.mark.parametrize("fault", SHOWN, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    prove_fault(tmp_path, fault, "qwen", "task")
