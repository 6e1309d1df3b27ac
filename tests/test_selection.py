from __future__ import annotations

import pytest

from rollout_gates.errors import UsageProblem
from rollout_gates.selection import covers_cells, normalise, selector


@pytest.mark.parametrize(
    ("expression", "markers", "selected"),
    [
        ("", ["smoke"], True),
        ("smoke", ["smoke"], True),
        ("smoke", ["security"], False),
        ("mode-matrix", ["mode-matrix"], True),
        ("mode_matrix", ["mode-matrix"], True),
        ("smoke or mode-matrix", ["mode-matrix"], True),
        ("smoke and not mode-matrix", ["smoke", "mode-matrix"], False),
        ("not (smoke or slo)", ["security"], True),
    ],
)
def test_an_expression_selects_by_gate_in_either_spelling(expression, markers, selected):
    assert selector(expression)(markers) is selected


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("smoek", "unknown marker 'smoek'; did you mean 'smoke'?"),
        ("smoke or smoek", "unknown marker 'smoek'"),
        ("smoke and", "is not an expression"),
        ("smoke == slo", "only marker names"),
        ("smoke(1)", "only marker names"),
    ],
)
def test_what_is_no_expression_of_markers_is_refused(expression, says):
    with pytest.raises(UsageProblem, match=says.replace("(", r"\(").replace("?", r"\?")):
        selector(expression)(["smoke"])


def test_dashes_in_names_become_underscores_for_pytest():
    assert (
        normalise("not mode-matrix and (slo or migration-invariants)")
        == "not mode_matrix and (slo or migration_invariants)"
    )


@pytest.mark.parametrize(
    ("expression", "covered"),
    [
        ("mode-matrix", True),
        ("streaming", True),
        ("smoke or streaming", True),
        ("smoke", False),
        ("streaming and smoke", False),
        ("", False),
    ],
)
def test_some_gates_are_run_in_each_configuration(expression, covered):
    assert covers_cells(expression) is covered
