"""Runs that end before their time: the sandbox goes with them, and what there is of evidence can be used."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hostile.gate import ROOT, clean_variables

_PATIENCE_S = 90


class Gate:
    """A smoke gate against the sandbox, in a process group of its own as in a terminal."""

    def __init__(self, folder, *arguments):
        self.folder = folder / "evidence"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "smoke", "--env=local"]
        self.process = subprocess.Popen(
            [*command, f"--evidence={self.folder}", *arguments], cwd=ROOT, env=clean_variables(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def events(self, kind=None):
        """What has been written so far."""
        try:
            lines = (self.folder / "events.jsonl").read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in found if kind in (None, event["event"])]

    def in_the_middle(self):
        """Wait until flows act and users were made; return the processes of the sandbox."""
        until(lambda: len(self.events("resource_made")) >= 3)
        found = children(self.process.pid)
        assert any("sandbox" in line for line in found.values())
        return found

    def ended(self):
        """Wait for the end; return status and output."""
        output, _ = self.process.communicate(timeout=_PATIENCE_S)
        return self.process.returncode, output


@pytest.fixture
def gate(tmp_path):
    started = []

    def start(*arguments):
        started.append(Gate(tmp_path, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            os.killpg(each.process.pid, signal.SIGKILL)
            each.process.communicate()


def until(holds):
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return found


def children(pid):
    """The processes below *pid*, with their command lines."""
    rows = listed_processes()
    found, below = {}, {pid}
    while below:
        step = {child: line for child, parent, line in rows if parent in below}
        found |= step
        below = set(step)
    return found


def listed_processes():
    """All processes as (id, id of the parent, command line), by ps where there is no /proc."""
    rows = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            rows.append((int(folder.name), parent, (folder / "cmdline").read_text().replace("\0", " ")))
    if not rows:
        told = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [
            (int(pid), int(parent), line) for pid, parent, line in (row.split(None, 2) for row in told.splitlines())
        ]
    return rows


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def check_gone(processes):
    """All of them end soon, of themselves."""
    until(lambda: not any(is_alive(pid) for pid in processes))


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["serial", "parallel"])
def test_ctrl_c_removes_what_was_made_and_keeps_the_evidence(gate, arguments):
    run = gate(*arguments)
    processes = run.in_the_middle()

    os.killpg(run.process.pid, signal.SIGINT)
    status, output = run.ended()

    assert status == 2
    assert "Traceback" not in output
    assert output.rstrip().splitlines()[-1].startswith("INCONCLUSIVE  smoke · env local (local) · 25 clauses: ")
    assert (run.folder / "index.html").is_file()
    check_gone(processes)
    if not arguments:
        ids = {kind: {event["id"] for event in run.events(kind)} for kind in ("resource_made", "resource_removed")}
        assert ids["resource_made"] <= ids["resource_removed"]


def test_a_killed_run_leaves_no_sandbox_and_is_recognised(gate):
    run = gate()
    processes = run.in_the_middle()

    run.process.kill()
    run.ended()
    check_gone(processes)

    def script(command):
        line = [sys.executable, "-m", "rollout_gates.cli", command, str(run.folder)]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    status, said = script("verify")
    assert (status, "the run was cut short" in said) == (6, True)
    status, said = script("render")
    assert status == 6
    assert "the run was cut short" in (run.folder / "go-no-go.md").read_text()
    status, said = script("cleanup")
    assert (status, "went with the sandbox" in said) == (0, True)


def test_a_sandbox_that_dies_ends_the_run_soon_and_is_named(gate):
    run = gate()
    processes = run.in_the_middle()
    sandbox = next(pid for pid, line in processes.items() if "-m sandbox" in line)

    os.kill(sandbox, signal.SIGKILL)
    status, output = run.ended()

    assert status in (1, 6)
    assert "Traceback" not in output
    assert "RUN           the sandbox that this run started ended in the middle (status -9)" in output
    assert len(output.splitlines()) < 120
    check_gone(processes)
