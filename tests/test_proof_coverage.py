"""What can be proven: each fault names clauses that exist, and each clause of the first gate has a fault."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollout_gates.catalogue import applicability, load
from sandbox import faults

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = load(ROOT / "clauses")
REGISTRY = faults.load("tts")
# What violates the provider's protocol is not seen by clauses yet.
BUILT = {key: fault for key, fault in REGISTRY.items() if fault.built and fault.red}
MODES = ("modal", "qwen")
CELLS = [{"mode": mode, "lane": lane} for mode in MODES for lane in ("task", "realtime")]

# Section 8 of the contract has no row for these, so no fault can show that their checks can fail.
WITHOUT_A_FAULT = {"TTS-SMOKE-01": "no row breaks the health answer"}


@dataclass(frozen=True)
class Row:
    """One row of the contract's fault catalogue."""

    kind: str
    reference: bool
    red: frozenset[str]


def contract_rows() -> dict[str, Row]:
    text = (ROOT / "docs" / "contracts" / "qwen-tts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (F-\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {
        key: Row(kind.split()[0], "(RB)" in kind + summary, frozenset(f"TTS-{name.strip()}" for name in red.split(",")))
        for key, kind, summary, red in rows
    }


CONTRACT = contract_rows()


def test_the_registry_has_the_90_faults_of_the_contract() -> None:
    assert len(CONTRACT) == 90
    assert [key for key in REGISTRY if key.startswith("F-")] == list(CONTRACT)


@pytest.mark.parametrize("key", CONTRACT)
def test_a_fault_reddens_the_clauses_that_the_contract_names(key: str) -> None:
    assert set(REGISTRY[key].red) == CONTRACT[key].red


@pytest.mark.parametrize("key", CONTRACT)
def test_a_fault_is_of_the_kind_and_position_that_the_contract_names(key: str) -> None:
    assert (REGISTRY[key].kind, REGISTRY[key].reference) == (CONTRACT[key].kind, CONTRACT[key].reference)


@pytest.mark.parametrize("key", REGISTRY)
def test_a_fault_names_clauses_that_exist(key: str) -> None:
    assert CATALOGUE.claims_without_clause(REGISTRY[key].red) == ()


@pytest.mark.parametrize("key", BUILT)
def test_a_built_fault_can_be_seen_where_it_claims_to_be(key: str) -> None:
    fault = BUILT[key]
    facts = [
        {"mode": mode, "lane": lane} for mode in fault.modes or MODES for lane in fault.lanes or ("task", "realtime")
    ]
    seen = [name for name in fault.red for each in facts if applicability(CATALOGUE.ids[name], each, "local") is None]

    assert seen


def test_every_clause_of_the_first_gate_has_a_built_fault() -> None:
    gate = [
        clause.id
        for clause in CATALOGUE.for_gates(["smoke"], ["tts"])
        if any(applicability(clause, facts, "local") is None for facts in CELLS)
    ]
    proven = {name for fault in BUILT.values() for name in fault.red}

    assert len(gate) == 26
    assert {name for name in gate if name not in proven} == set(WITHOUT_A_FAULT)


def test_a_clause_is_excused_only_while_the_contract_has_no_fault_for_it() -> None:
    named = {name for row in CONTRACT.values() for name in row.red}

    assert named.isdisjoint(WITHOUT_A_FAULT)
