"""The page of what is seen from outside speaks of each fault that there is, in each mode in which it can be seen."""

from __future__ import annotations

import tomllib

import pytest

from rollout_gates.catalogue import load
from tests.documents import ROOT
from tests.proof.outside import PAGE, seen_from_outside

GROUPS = ("CON", "MODE", "CLONE", "DESIGN", "GEN", "DUR", "CANCEL", "CAP", "CRED", "UI")
CLAUSES = load(ROOT / "clauses").ids
ROWS = seen_from_outside(PAGE)


def of_the_matrix():
    """Each fault of F-01 to F-65 that names a clause of the matrix, with the modes in which it shows."""
    faults = tomllib.loads((ROOT / "sandbox" / "tts" / "faults.toml").read_text())["fault"]
    prefixes = tuple(f"TTS-{group}-" for group in GROUPS)
    for fault in faults:
        numbered = fault["id"].startswith("F-") and int(fault["id"].removeprefix("F-")) <= 65
        if numbered and any(name.startswith(prefixes) for name in fault["red"]):
            yield from ((fault["id"], mode) for mode in fault.get("modes") or ("modal", "qwen"))


def test_each_fault_has_one_row_in_each_of_its_modes():
    assert [(row.fault, row.mode) for row in sorted(ROWS, key=str)] == sorted(of_the_matrix(), key="-".join)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_turns_red_can_be_judged_on_a_deployment(row):
    assert {name for name in row.red if CLAUSES[name].only_sandbox} == set()


def test_a_row_is_read_with_all_that_it_says(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("| F-46 | qwen | task | CANCEL-05, DUR-11, by chance | x |\n| F-20 | qwen | task | nothing | x |\n")

    first, second = seen_from_outside(page)

    assert (str(first), first.by_chance) == ("F-46-qwen-task", True)
    assert first.red == {"TTS-CANCEL-05", "TTS-DUR-11"}
    assert (second.red, second.by_chance) == (frozenset(), False)
