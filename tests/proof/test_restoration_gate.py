"""The restoration gate: GO where the way back works, and each fault turns red what it names."""

from __future__ import annotations

import pytest

from rollout_gates.evidence.incident import SECTIONS
from tests.proof.gate import WHOLE, built_faults, run_gate

MINE = "TTS-RESTORE-"
FAULTS = {row["id"]: row for row in built_faults("tts", (MINE,))}
DAILY = {"F-88"}
# What a fault leaves that cannot be judged: an old build that cannot even list, a deployment that never runs modal.
UNJUDGED = {"F-67": {"TTS-RESTORE-09"}, "F-88": {"TTS-RESTORE-04", "TTS-RESTORE-05", "TTS-RESTORE-08"}}
TOLD = "\n".join(f"## {title}\n\n2026-11-28T09:00:00Z {'a' * 64}\n" for title in SECTIONS)


def rehearse(folder, *arguments, mode="qwen", lane="task", told=TOLD):
    (folder / "records").mkdir()
    (folder / "incident.md").write_text(told)
    incident = f'[[incident]]\nseverity = 3\nopened = 2026-11-28T09:00:00Z\nfile = "{folder}/incident.md"\n'
    (folder / "records" / "proof.toml").write_text(incident)
    return run_gate(folder, mode, *arguments, gate="restoration", lane=lane)


def mine(names):
    return {name for name in names if name.startswith(MINE)}


@pytest.mark.parametrize(
    ("mode", "lane"),
    [("qwen", "task"), ("modal", "task"), ("qwen", "realtime")] if WHOLE else [("qwen", "task")],
)
def test_a_system_whose_way_back_works_is_go(tmp_path, mode, lane):
    run = rehearse(tmp_path, mode=mode, lane=lane)

    assert (run.status, run.evidence["verdict"]) == (0, "GO"), run.told()
    assert len(run.ids("green")) == 12
    [restored] = [note["text"] for note in run.evidence["notes"] if note["text"].startswith("time to restore: ")]
    assert "languages named modal after " in restored
    assert "modal was heard after " in restored


@pytest.mark.skipif(not WHOLE, reason="the expectation is tested by itself")
def test_an_incident_record_with_a_blank_is_red(tmp_path):
    run = rehearse(tmp_path, told=TOLD.replace("## Owner\n\n", "## Owner\n\n______ "))

    assert run.ids("red") == {"TTS-RESTORE-12"}, run.told()


@pytest.mark.parametrize("fault", [each for each in FAULTS if WHOLE or each in DAILY])
def test_a_fault_turns_red_what_it_names_and_nothing_else(tmp_path, fault):
    mode = FAULTS[fault].get("modes", ["qwen"])[0]

    run = rehearse(tmp_path, f"--fault=tts:{fault}", mode=mode)

    assert f"faults: tts:{fault}" in run.output, "the fault was not on"
    assert mine(run.ids("red")) == mine(FAULTS[fault]["red"]), run.told()
    assert mine(run.ids("inconclusive")) == UNJUDGED.get(fault, set()), run.told()


def test_the_faults_that_name_these_clauses_are_known():
    expected = ("F-01", "F-04", "F-09", "F-12", "F-26", "F-40", "F-66", "F-67", "F-68", "F-88", "F-89")

    assert tuple(sorted(FAULTS)) == expected
