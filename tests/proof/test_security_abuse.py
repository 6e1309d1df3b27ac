"""The proof of bursts, failures, logs and alerts, in short: where nothing is wrong, and two faults of many."""

from __future__ import annotations

import json

import pytest

from rollout_gates.evidence.render import render
from tests.proof.security_abuse import FAULTS, REQUIRED, prove_fault, prove_healthy

SHOWN = [fault for fault in FAULTS if fault["id"] in {"F-79", "F-84"}]


def test_every_fault_that_names_these_clauses_is_built():
    assert {fault["id"] for fault in FAULTS} == REQUIRED


def test_a_system_without_a_fault_is_green_and_its_artefacts_can_be_made_again(tmp_path):
    run = prove_healthy(tmp_path, "qwen", "task")
    written = {path.name: path.read_bytes() for path in (run.folder / "s8").iterdir()}

    render(run.folder)

    assert len(written) == 6
    assert {path.name: path.read_bytes() for path in (run.folder / "s8").iterdir()} == written
    assert set(json.loads((run.folder / "digests.json").read_text())["files"]) >= {f"s8/{name}" for name in written}


@pytest.mark.parametrize("fault", SHOWN, ids=lambda fault: fault["id"])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    prove_fault(tmp_path, fault, "qwen", "task")
