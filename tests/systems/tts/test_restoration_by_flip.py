"""The restoration is rehearsed on a deployment with `control.flip`; the declared mode is put back whatever happens."""

from __future__ import annotations

import pytest

from rollout_gates.evidence.incident import render_incident
from rollout_gates.evidence.verify import verify
from tests.proof.gate import WHOLE
from tests.systems.tts.flippable import deployed
from tests.systems.tts.test_control_flip import QUICK, begun, check_discreet

HERE = {f"TTS-RESTORE-{number:02d}" for number in (1, 2, 3, 4, 5, 6, 7, 11)}


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("theirs")) as deployment:
        yield deployment


def rehearsed(there, mode, **options):
    there.start_anew(mode)
    return there.judge(there.environment_file(mode=mode, more=QUICK), "-m", "restoration", **options)


def outcomes(ended, outcome):
    return {row["id"] for row in ended.evidence["clauses"] if row["outcome"] == outcome}


def test_a_deployment_that_runs_qwen_is_restored_and_cut_over_again(there):
    ended = rehearsed(there, "qwen")

    assert outcomes(ended, "green") == HERE, ended.output[-4000:]
    assert outcomes(ended, "red") == set()
    assert begun(there) == ["modal", "qwen"]
    assert there.mode == "qwen"
    assert any(note["text"].startswith("time to restore: ") for note in ended.evidence["notes"])
    check_discreet(ended)
    record = render_incident(verify(ended.folder))
    assert "| Time to restore | " in record
    assert "- configuration: provider mode of tts put back by a command" in record


@pytest.mark.skipif(not WHOLE, reason="one rehearsal a day")
def test_a_deployment_that_runs_modal_is_cut_over_twice_and_ends_as_it_began(there):
    ended = rehearsed(there, "modal")

    assert outcomes(ended, "green") == HERE, ended.output[-4000:]
    assert begun(there) == ["qwen", "modal", "qwen", "modal"]
    assert there.mode == "modal"


@pytest.mark.skipif(not WHOLE, reason="one rehearsal a day")
def test_a_command_that_fails_is_inconclusive_and_the_mode_is_put_back(there):
    ended = rehearsed(there, "qwen", habit="modal=fails")

    assert outcomes(ended, "green") == set()
    assert ended.verdict != "GO"
    assert there.mode == "qwen"
