"""The help of every command teaches: what it does, an example, what the exit status means."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rollout_gates.cli import main

COMMANDS = ("clauses", "verify", "render", "ledger", "incident", "migrations", "cleanup")
WITHOUT = """
import runpy, sys
sys.modules[{missing!r}] = None
sys.argv = ["sandbox", "--json"]
runpy.run_module("sandbox", run_name="__main__")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rollout_gates.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_the_exit_status(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "example" in shown
    assert f"  rollout-gates {command} " in shown
    assert "Exit status: 0" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_narrow_terminal(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main([command, "--help"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 90


def test_help_of_the_sandbox_speaks_of_the_command_that_was_typed():
    shown = run("sandbox", "--help").stdout

    assert shown.startswith("usage: rollout-gates sandbox ")
    assert "python -m sandbox" not in shown


def test_a_complaint_of_the_sandbox_names_the_command_that_was_typed():
    ended = run("sandbox", "--mode", "qwem")

    assert ended.returncode == 2
    assert ended.stderr == "sandbox: no such mode: qwem. Did you mean qwen? (see --help)\n"


@pytest.mark.parametrize("missing", ["jwt", "lameenc"])
def test_an_installation_without_the_extra_is_told_how_to_get_it(missing):
    command = [sys.executable, "-c", WITHOUT.format(missing=missing)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    said = f"sandbox: the Python package {missing} is missing; pip install 'rollout-gates[sandbox]'"
    assert ended.returncode == 1
    assert ended.stderr.startswith(said)
    assert len(ended.stderr.splitlines()) == 1
