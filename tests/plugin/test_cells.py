"""A gate that covers several configurations of a system: each is judged, and a missing one is seen."""

from __future__ import annotations

import pytest

from tests.plugin.toy import SYSTEM

CELLS = """
from rollout_gates.cell_plan import CellPlan

def cells(*, table, kind, sandbox, in_turn):
    return {"one": CellPlan({"mode": "plain"}), "two": CellPlan({"mode": "fancy"})}

@flow("mode")
async def mode(context): return (context.cell, context.settings.mode)

FLOWS["mode"] = mode
"""

CHECK = '''
import pytest

@pytest.mark.clause("TOY-A-02")
def test_the_mode_is_the_cells(mode, environment):
    """Each cell has its own settings."""
    assert mode in [("one", "plain"), ("two", "fancy")]
    assert environment.systems["toy"].mode == mode[1]
'''


@pytest.fixture
def matrix(project):
    project.write("packages/toy/__init__.py", SYSTEM + CELLS)
    project.write(
        "observations.py", (project.folder / "observations.py").read_text() + 'mode = observation("toy", "mode")\n'
    )
    (project.folder / "suites/smoke/test_toy.py").unlink()
    project.suite(CHECK, "mode_matrix/test_toy.py")
    return project


def cells_of(ended, clause="TOY-A-02"):
    return {row["cell"]: row["outcome"] for row in ended.clause(clause)["cells"]}


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "parallel"])
def test_each_cell_is_judged_with_its_own_settings(matrix, workers):
    ended = matrix.run("-m", "mode-matrix", *workers)

    assert (ended.status, ended.verdict) == (0, "GO")
    assert cells_of(ended) == {"one": "green", "two": "green"}


def test_removing_a_cell_from_the_run_is_not_go(matrix):
    ended = matrix.run("-m", "mode-matrix", "-k", "one")

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert cells_of(ended) == {"one": "green", "two": "inconclusive"}


def test_a_red_cell_is_no_go_and_named(matrix):
    matrix.suite(
        CHECK.replace(
            "    assert environment", '    assert mode[0] == "one", "only one works [TOY-A-02]"\n    assert environment'
        ),
        "mode_matrix/test_toy.py",
    )

    ended = matrix.run("-m", "mode-matrix")

    assert ended.verdict == "NO-GO"
    assert cells_of(ended) == {"one": "green", "two": "red"}
    assert "two: only one works" in ended.output


def test_other_gates_judge_the_system_as_it_stands(matrix):
    matrix.suite(CHECK.replace('("one", "plain"), ("two", "fancy")', '("", "plain")'), "mode_matrix/test_toy.py")

    ended = matrix.run("-m", "smoke", "-k", "mode")

    assert ended.clause("TOY-A-02")["outcome"] == "green"
    assert ended.clause("TOY-A-02")["cells"] == []


def test_collecting_shows_each_cell_and_starts_nothing(matrix):
    ended = matrix.run("-m", "mode-matrix", "--collect-only")

    assert "test_the_mode_is_the_cells[one]" in ended.output
    assert "test_the_mode_is_the_cells[two]" in ended.output
    assert not ended.folder.exists()
