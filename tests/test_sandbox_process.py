"""A stand-in that does not start is told in one line, with what is known of the cause."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rollout_gates.errors import SandboxFailed
from rollout_gates.sandbox_process import start_sandbox


def refusal(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> str:
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    with pytest.raises(SandboxFailed) as refused:
        start_sandbox({"toy": {}})
    return str(refused.value)


def test_the_last_complaint_is_the_reason(tmp_path, monkeypatch):
    said = refusal(tmp_path, monkeypatch, "echo Traceback >&2; echo 'sandbox: no such lane' >&2; exit 2")

    assert said == "the sandbox did not start: sandbox: no such lane"


def test_one_that_ends_without_a_word_is_told_by_its_status(tmp_path, monkeypatch):
    assert refusal(tmp_path, monkeypatch, "exit 7") == (
        "the sandbox did not start: it ended with status 7 without a word"
    )


def test_one_that_stays_silent_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("rollout_gates.sandbox_process._READY_WITHIN_S", 0.3)

    assert refusal(tmp_path, monkeypatch, "exec sleep 60") == "the sandbox did not start: it said nothing within 0 s"
