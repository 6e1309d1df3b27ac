"""Cells that share one deployment: judged one after the other, entered by the package, and left whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.plugin.toy import SYSTEM

CELLS = """
import json, os, pathlib
from rollout_gates.cell_plan import CellPlan
from rollout_gates.changes import Changes

STATE = pathlib.Path(__file__).parents[2] / "state.txt"   # the deployment: the mode that it runs
DIARY = pathlib.Path(__file__).parents[2] / "diary.txt"

def told(text):
    with DIARY.open("a") as file:
        file.write(f"{text}\\n")

def cells(*, table, kind, sandbox, in_turn):
    why = "" if os.environ.get("CAN_FLIP", "1") == "1" else "nobody said how to get there"
    turn = not why
    return {"one": CellPlan({"mode": "plain"}, turn), "two": CellPlan({"mode": "fancy"}, turn, why)}

async def switch(context, mode, problem=""):
    changes = Changes(context.record, system=KEY, cell=context.cell, worker=context.wire.recorder.worker)
    changes.planned("mode", mode, "plain", "./put-it-back plain", command=f"./put-it {mode}", why="because")
    told(f"{context.wire.recorder.worker} flips to {mode}")
    if not problem:
        STATE.write_text(mode)
    changes.made("mode", to=mode, home="plain", status=0, output="", took_s=0.1, shown_after_s=0.1, problem=problem)
    return problem

@contextlib.asynccontextmanager
async def entered(context):
    if context.settings.mode == "plain":
        yield
        return
    try:
        if problem := await switch(context, "fancy", os.environ.get("CANNOT_ENTER", "")):
            raise CouldNotJudge(Reason.SOURCE_ABSENT, problem)
        yield
    finally:
        await switch(context, "plain", os.environ.get("CANNOT_LEAVE", ""))

async def restore(context):
    return await switch(context, "plain")

@flow("mode")
async def mode(context):
    told(f"{context.cell} starts")
    await asyncio.sleep(0.3)
    if os.environ.get("HANGS") == context.cell:
        await asyncio.Event().wait()
    if os.environ.get("DIES") == context.cell:
        os._exit(3)
    told(f"{context.cell} ends")
    return (context.cell, STATE.read_text())

@flow("tail", last=True)
async def tail(context):
    told(f"{context.cell} tail")
    return (context.cell, STATE.read_text())

@contextlib.asynccontextmanager
async def open_session(context):
    try:
        yield object()
    finally:
        told(f"{context.cell} removes")

FLOWS["mode"], FLOWS["tail"] = mode, tail
"""

CHECK = '''
import pytest

@pytest.mark.clause("TOY-A-02")
def test_the_tail_is_the_cells(tail):
    """Each cell has its own mode."""
    assert tail in [("one", "plain"), ("two", "fancy")]

@pytest.mark.clause("TOY-A-02")
def test_the_mode_is_the_cells(mode):
    """Each cell has its own mode."""
    assert mode in [("one", "plain"), ("two", "fancy")]
'''
IN_ORDER = [
    "one starts",
    "one ends",
    "one tail",
    "one removes",
    "W flips to fancy",
    "two starts",
    "two ends",
    "two tail",
]


@pytest.fixture
def matrix(project):
    project.write("packages/toy/__init__.py", SYSTEM + CELLS)
    more = 'mode = observation("toy", "mode")\ntail = observation("toy", "tail")\n'
    project.write("observations.py", (project.folder / "observations.py").read_text() + more)
    (project.folder / "suites/smoke/test_toy.py").unlink()
    project.suite(CHECK, "mode_matrix/test_toy.py")
    project.write("state.txt", "plain")
    return project


def cells_of(ended, clause="TOY-A-02"):
    return {row["cell"]: row["outcome"] for row in ended.clause(clause)["cells"]}


def diary(project):
    path = project.folder / "diary.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [f"W {line.partition(' ')[2]}" if " flips " in line else line for line in lines]


def state(project):
    return (project.folder / "state.txt").read_text()


@pytest.mark.parametrize("arguments", [[], ["-n", "2"], ["-k", "mode_is"]], ids=["serial", "parallel", "one check"])
def test_one_cell_ends_before_the_next_begins(matrix, arguments):
    ended = matrix.run("-m", "mode-matrix", *arguments)

    assert (ended.status, ended.verdict) == (0, "GO"), ended.output
    assert cells_of(ended) == {"one": "green", "two": "green"}
    wanted = [line for line in IN_ORDER if arguments != ["-k", "mode_is"] or "tail" not in line]
    assert diary(matrix) == [*wanted, "W flips to plain", "two removes"]
    assert [change["to"] for change in ended.evidence["changes"]] == ["fancy", "plain"]
    assert all(change["problem"] == "" for change in ended.evidence["changes"])


def test_a_check_of_the_second_cell_that_comes_first_waits_for_the_first_cell(matrix):
    matrix.write(
        "conftest.py",
        (matrix.folder / "conftest.py").read_text()
        + "@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items): items.reverse()\n",
    )

    ended = matrix.run("-m", "mode-matrix")

    assert (ended.verdict, diary(matrix)) == ("GO", [*IN_ORDER, "W flips to plain", "two removes"])


def test_only_the_second_cell_is_entered_and_left(matrix):
    ended = matrix.run("-m", "mode-matrix", "-k", "two")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert cells_of(ended) == {"one": "inconclusive", "two": "green"}
    assert diary(matrix) == [*IN_ORDER[4:], "W flips to plain", "two removes"]


def test_without_the_second_cell_it_is_not_go_and_nothing_is_flipped(matrix):
    ended = matrix.run("-m", "mode-matrix", "-k", "one")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert cells_of(ended) == {"one": "green", "two": "inconclusive"}
    assert diary(matrix) == [*IN_ORDER[:3], "one removes"]


def test_a_cell_that_is_missing_by_configuration_is_shown_and_counts_for_nothing(matrix):
    ended = matrix.run("-m", "mode-matrix", CAN_FLIP="0")

    assert (ended.status, ended.verdict) == (0, "GO"), ended.output
    assert cells_of(ended) == {"one": "green", "two": "not applicable"}
    absent = ended.clause("TOY-A-02")["cells"][1]
    assert (absent["judged"], absent["message"]) == (False, "not judged: nobody said how to get there")
    assert "not judged: toy two: nobody said how to get there" in ended.output
    assert "was not judged: nobody said how to get there" in (ended.folder / "index.html").read_text()
    assert "two: nobody said how to get there" in (ended.folder / "go-no-go.md").read_text()


def test_a_cell_that_cannot_be_entered_is_inconclusive_and_left_all_the_same(matrix):
    ended = matrix.run("-m", "mode-matrix", CANNOT_ENTER="the command ended with status 1")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert cells_of(ended) == {"one": "green", "two": "inconclusive"}
    assert ended.clause("TOY-A-02")["reason"] == "source absent"
    assert diary(matrix)[4:] == ["W flips to fancy", "W flips to plain", "two removes"]


def test_a_cell_that_cannot_be_left_is_never_go(matrix):
    ended = matrix.run("-m", "mode-matrix", CANNOT_LEAVE="the command ended with status 1")

    assert cells_of(ended) == {"one": "green", "two": "green"}
    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    told = (
        "RUN           toy: the mode may no longer be 'plain'; put it back with: ./put-it-back plain "
        "(the command ended with status 1)"
    )
    assert told in ended.output
    verify = [sys.executable, "-m", "rollout_gates.cli", "verify", str(ended.folder)]
    done = subprocess.run(verify, cwd=matrix.folder, env=matrix.variables(), capture_output=True, text=True)
    assert done.returncode == 6
    assert "put it back with: ./put-it-back plain" in done.stdout + done.stderr


def test_a_worker_that_dies_in_the_second_cell_does_not_leave_it_flipped(matrix):
    ended = matrix.run("-m", "mode-matrix", "-n", "2", DIES="two")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE"), ended.output
    assert state(matrix) == "plain"
    lines = (matrix.folder / "diary.txt").read_text().splitlines()
    assert lines.count("two starts") == 1, "another worker went on"
    assert [line for line in lines if "flips" in line][-1] == "main flips to plain"
    assert "RUN           toy: the mode may" not in ended.output


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["serial", "parallel"])
def test_ctrl_c_in_a_flow_that_hangs_puts_it_back(matrix, workers):
    evidence = matrix.folder / "reports" / "stopped"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--env=here", "-m", "mode-matrix"]
    process = subprocess.Popen(
        [*command, f"--evidence={evidence}", *workers], cwd=matrix.folder, env=matrix.variables(HANGS="two"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while "two starts" not in diary(matrix):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 2, output
    assert state(matrix) == "plain"
    found = json.loads((evidence / "evidence.json").read_text())
    assert found["verdict"] == "INCONCLUSIVE"
    assert not any("put it back" in problem for problem in found["problems"]), found["problems"]


def test_collecting_shows_both_cells_and_enters_none(matrix):
    ended = matrix.run("-m", "mode-matrix", "--collect-only")

    assert "test_the_mode_is_the_cells[one]" in ended.output
    assert "test_the_mode_is_the_cells[two]" in ended.output
    assert diary(matrix) == []
