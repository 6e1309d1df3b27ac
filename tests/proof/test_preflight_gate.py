"""The preflight gate: GO where all is in order, and red, each by itself, for what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.proof.gate import WHOLE, built_faults, run_gate
from tests.suites.standing import grown

NOW = datetime.now(UTC)
SIGNED = [f"task-{number:02d}" for number in range(1, 11)]
FAULTS = {"F-05": {"TTS-CUT-02"}, "F-67": {"TTS-CUT-05"}, "F-88": {"TTS-RESTORE-10"}}
DAILY = {"F-05"}


def moment(**away):
    return (NOW + timedelta(**away)).strftime("%Y-%m-%dT%H:%M:%SZ")


def on_record(folder, *, tasks=SIGNED, by="A. Person", expires=None, build="build-7", until=None):
    """Write the records of a rollout that is ready, but for what is said."""
    lines = ['build = "build-7"']
    for task in tasks:
        lines += ["[[sign_off]]", f'item = "{task}"', f'by = "{by}"', f"on = {NOW.date()}", f'build = "{build}"']
        lines += [f"expires = {expires}"] if expires else []
    lines += ["[[on_call]]", 'name = "B. Person"', 'contact = "+00 1"', f"since = {moment(days=-2)}"]
    lines += [f"until = {until or moment(days=2)}"]
    lines += ["[deployed]", f"schema_at = {moment(days=-2)}", f"code_at = {moment(days=-1)}"]
    (folder / "records").mkdir()
    (folder / "records" / "proof.toml").write_text("\n".join(lines) + "\n")


def ran_before(folder, *gates, verdict="GO"):
    for number, gate in enumerate(gates, start=1):
        grown(folder / "ledger", gate, verdict, number)


def preflight(folder, *arguments, **settings):
    return run_gate(folder, "qwen", *arguments, gate="preflight", **settings)


def test_a_rollout_that_is_ready_is_go(tmp_path):
    on_record(tmp_path)
    ran_before(tmp_path, "mode-matrix", "restoration")

    run = preflight(tmp_path)

    assert (run.status, run.evidence["verdict"]) == (0, "GO"), run.told()
    assert len(run.ids("green")) == 12
    assert len(list((tmp_path / "ledger").glob("*.json"))) == 3


def test_without_records_it_is_inconclusive(tmp_path):
    run = preflight(tmp_path)

    assert run.status == 6
    assert run.ids("red") == set()
    assert run.ids("inconclusive") == {"TTS-CUT-01", "TTS-CUT-03"}


@pytest.mark.skipif(not WHOLE, reason="the expectations about records are tested one by one")
@pytest.mark.parametrize(
    ("changes", "gates", "red"),
    [
        ({"tasks": SIGNED[:9]}, ("mode-matrix", "restoration"), {"TTS-CUT-01"}),
        ({"by": ""}, ("mode-matrix", "restoration"), {"TTS-CUT-01"}),
        ({"expires": (NOW - timedelta(days=1)).date()}, ("mode-matrix", "restoration"), {"TTS-CUT-01"}),
        ({"build": "build-6"}, ("mode-matrix", "restoration"), {"TTS-CUT-01"}),
        ({"until": moment(days=-1)}, ("mode-matrix", "restoration"), {"TTS-CUT-03"}),
        ({}, ("mode-matrix",), {"TTS-CUT-03"}),
        ({}, ("restoration",), {"TTS-CUT-01"}),
    ],
)
def test_records_that_are_missing_expired_unsigned_or_of_another_build_are_red(tmp_path, changes, gates, red):
    on_record(tmp_path, **changes)
    ran_before(tmp_path, *gates)

    run = preflight(tmp_path)

    assert (run.status, run.ids("red")) == (1, red), run.told()
    assert run.ids("inconclusive") == set(), run.told()


def test_a_ledger_that_was_tampered_with_counts_for_nothing(tmp_path):
    on_record(tmp_path)
    ran_before(tmp_path, "mode-matrix", "smoke", "restoration")
    [second] = (tmp_path / "ledger").glob("00000002*")
    second.unlink()

    run = preflight(tmp_path, "suites/preflight/test_records.py")

    assert run.status == 6
    assert run.ids("red") == set()
    assert "TTS-CUT-01" in run.ids("inconclusive")
    assert "entry 2 is missing" in run.told()


@pytest.mark.parametrize("fault", [each for each in FAULTS if WHOLE or each in DAILY])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    on_record(tmp_path)
    ran_before(tmp_path, "mode-matrix", "restoration")

    run = preflight(tmp_path, f"--fault=tts:{fault}")

    assert run.ids("red") == FAULTS[fault], run.told()
    assert run.ids("inconclusive") == set(), run.told()


@pytest.mark.skipif(not WHOLE, reason="one run of the gate more")
def test_new_code_on_the_old_schema_is_red(tmp_path):
    on_record(tmp_path)
    ran_before(tmp_path, "mode-matrix", "restoration")

    run = preflight(tmp_path, migrated=False)

    assert run.ids("red") >= {"TTS-MIG-12"}, run.told()


def test_each_built_fault_of_these_clauses_is_proven():
    prefixes = ("TTS-CUT-", "TTS-RESTORE-10")
    named = {
        row["id"]: {name for name in row["red"] if name.startswith(prefixes)} for row in built_faults("tts", prefixes)
    }

    assert named == FAULTS
