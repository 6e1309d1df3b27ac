"""The proof of what is acted out past the API: green where nothing is wrong, red for each fault that opens something."""

from __future__ import annotations

import pytest

from tests.proof.gate import ROOT, WHOLE, built_faults, run_gate
from tests.proof.outside import deployed, judge

CHECKS = tuple(str(ROOT / "suites" / "security" / f"test_{name}.py") for name in ("data_api", "storage"))
CLAIMED = {
    "TTS-SEC-ISO-06",
    "TTS-SEC-ISO-07",
    *(f"TTS-SEC-REST-0{number}" for number in range(1, 6)),
}
FAULTS = {fault["id"]: CLAIMED & set(fault["red"]) for fault in built_faults("tts", tuple(sorted(CLAIMED)))}
# A policy that lets everybody write voices lets a user write into an own voice what only a provider may.
ALSO_RED = {"F-70": {"TTS-SEC-REST-04"}}
SHOWN = FAULTS if WHOLE else ("F-70", "F-77")
TABLES = {"Data API: rows", "Data API: functions", "Protected columns", "Storage", "Signed URLs"}
WHOLE_TABLE = "Whose things, by which way"
USERS = {"user_a_token": "TTS_USER_A_TOKEN", "user_b_token": "TTS_USER_B_TOKEN"}


def tables(run, outcome):
    """Return the tables of the report that have a cell with *outcome*."""
    return {table["title"] for table in run.evidence["matrices"] if table["counts"].get(outcome)}


def test_every_fault_that_names_these_clauses_is_built():
    assert set(FAULTS) == {"F-70", "F-74", "F-75", "F-77"}
    assert set().union(*FAULTS.values()) == CLAIMED


@pytest.mark.parametrize("mode", ["modal", "qwen"] if WHOLE else ["qwen"])
def test_a_system_without_a_fault_is_green_and_each_cell_was_tried(tmp_path, mode):
    run = run_gate(tmp_path, mode, *CHECKS, gate="security")

    assert run.ids("green") == CLAIMED, run.told()
    assert run.ids("red") == set(), run.told()
    assert tables(run, "held") == {*TABLES, WHOLE_TABLE}
    assert tables(run, "leaked") | tables(run, "inconclusive") == set()
    # What goes through the API is tried by other checks.
    assert tables(run, "missing") == {WHOLE_TABLE}


@pytest.mark.parametrize("fault", SHOWN)
def test_a_fault_turns_red_what_it_opens(tmp_path, fault):
    run = run_gate(tmp_path, "qwen", *CHECKS, f"--fault=tts:{fault}", gate="security")
    expected = FAULTS[fault] | ALSO_RED.get(fault, set())

    assert f"faults: tts:{fault}" in run.output, "the fault was not on"
    assert run.ids("red") == expected, run.told()
    assert run.ids("green") == CLAIMED - expected, run.told()
    assert tables(run, "leaked")


def judged(folder, there, **changes):
    """Judge somebody else's deployment by these checks."""
    return judge(folder, there, *CHECKS, gate="security", **changes)


@pytest.mark.skipif(not WHOLE, reason="part of the whole proof")
@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_deployment_is_judged_the_same_and_nothing_stays_behind(tmp_path, fault):
    expected = FAULTS[fault] | ALSO_RED.get(fault, set()) if fault else set()
    with deployed(tmp_path, "qwen", "task", *filter(None, [fault])) as there:
        run = judged(tmp_path, there)

    assert run.ids("red") == expected, run.told()
    assert run.ids("green") == CLAIMED - expected, run.told()
    assert run.evidence["resources"]["left"] == []


@pytest.mark.skipif(not WHOLE, reason="part of the whole proof")
@pytest.mark.parametrize("sign_up", [True, False])
@pytest.mark.parametrize("fault", [None, "F-77"])
def test_without_a_service_role_one_user_who_has_something_is_enough(tmp_path, sign_up, fault):
    with deployed(tmp_path, "qwen", "task", *filter(None, [fault])) as there:
        held = {name: value for name, value in there.table["secrets"].items() if name == "anon_key"}
        run = judged(tmp_path, there, sign_up=sign_up, secrets=held if sign_up else {**held, **USERS})

    assert run.ids("red") == (FAULTS[fault] if fault else set()), run.told()
    assert run.ids("green") == CLAIMED - run.ids("red"), run.told()
