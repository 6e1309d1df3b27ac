"""The aim of the oracle: at least 59 of 60 leaks are found where they are, and nothing is told of what is correct."""

from __future__ import annotations

import pytest

from rollout_gates.row_policy import examine
from tests.row_policy.planted import CORRECT, LEAKS
from tests.row_policy.scenes import SCENES

AIM = 59


def test_the_leaks_are_sixty_over_six_schemas_and_the_correct_ones_twelve():
    assert [sum(leak.schema == schema for leak in LEAKS) for schema in SCENES] == [10] * 6
    assert [sum(case.schema == schema for case in CORRECT) for schema in SCENES] == [2] * 6


def test_at_least_59_of_60_leaks_are_found_where_they_are(database):
    found = [leak for leak in LEAKS if told(database, leak) & set(leak.where)]

    missed = [(leak.schema, leak.name) for leak in LEAKS if leak not in found]
    assert len(found) >= AIM, missed


@pytest.mark.parametrize("case", CORRECT, ids=lambda case: f"{case.schema} {case.name}".replace(" ", "-")[:60])
def test_nothing_is_told_of_a_schema_that_is_correct(database, case):
    report = examined(database, case)

    assert [(leak.identity, leak.object, leak.operation, leak.evidence) for leak in report.leaks] == []
    assert report.proof.nothing_kept
    assert report.proof.sequences_moved == ()
    assert report.not_planted == {}


def examined(database, case):
    scene = SCENES[case.schema]
    return examine(database(case.schema, case.change), scene.identities, scene.intent, scene.options)


def told(database, case) -> set[str]:
    return {leak.object for leak in examined(database, case).leaks}
