"""An unmigrated system is NO-GO, though it says "qwen" of itself; and old clients work with it as with the new build."""

from __future__ import annotations

import pytest

from tests.proof.gate import WHOLE, run_gate

ADVERTISED = {"TTS-SMOKE-02", "TTS-CAP-04", "TTS-CON-02", "TTS-CON-03"}
"""What tells the old build from the new one in either mode: no capabilities, and answers without the new fields."""


def old_client(run):
    """The outcome of each case of an old client."""
    return {
        check["nodeid"].rpartition("/")[2]: check["outcome"]
        for check in run.evidence["checks"]
        if "[tts/old-client/" in check["nodeid"]
    }


@pytest.mark.parametrize(
    "migrated", [False, True] if WHOLE else [False], ids=lambda on: "new schema" if on else "old schema"
)
@pytest.mark.parametrize("mode", ["qwen", "modal"] if WHOLE else ["qwen"])
def test_the_old_build_is_no_go_in_the_smoke_gate_and_serves_old_clients(tmp_path, mode, migrated):
    run = run_gate(tmp_path, mode, build="old", migrated=migrated)

    assert (run.status, run.evidence["verdict"]) == (1, "NO-GO"), run.output[-4000:]
    assert run.ids("red") >= ADVERTISED, run.told()
    errored = [row["id"] for row in run.evidence["clauses"] if row["reason"] == "check errored"]
    assert errored == []
    cases = old_client(run)
    assert len(cases) == 12
    assert set(cases.values()) == {"passed"}, cases


@pytest.mark.parametrize("mode", ["qwen", "modal"] if WHOLE else ["modal"])
def test_the_new_build_serves_old_clients(tmp_path, mode):
    run = run_gate(tmp_path, mode, "-k", "old-client", "--system=tts")

    cases = old_client(run)
    assert len(cases) == 12
    assert set(cases.values()) == {"passed"}, cases


@pytest.mark.skipif(not WHOLE, reason="takes a run of its own; tox -e proof does it")
def test_the_old_build_is_no_go_in_the_mode_matrix(tmp_path):
    picked = "(mode_switch and not survives) or test_mode_configuration"

    run = run_gate(tmp_path, "qwen", "-k", picked, gate="mode-matrix", build="old")

    assert (run.status, run.evidence["verdict"]) == (1, "NO-GO"), run.output[-4000:]
    assert run.ids("red") >= {"TTS-MODE-01", "TTS-MODE-02", "TTS-MODE-06", "TTS-MODE-14"}, run.told()
