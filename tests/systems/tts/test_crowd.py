"""What parallel generates and cancels show, and what they cannot show."""

from __future__ import annotations

import pytest

from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.matrix.crowd import Crowd
from rollout_gates.systems.tts.flows.speaking import Start
from tests.suites.replies import reply


def left(begun, ended, status="completed"):
    task = {"status": status, "created_at": f"2026-03-01T12:00:{begun}Z", "completed_at": ended}
    if ended is not None:
        task["completed_at"] = f"2026-03-01T12:00:{ended}Z"
    return Aftermath(task, None, (), None, ())


def crowd(cancels, *rows):
    starts = [Start("x", reply(200), "t", "g") for _ in rows]
    return Crowd(tuple(starts), tuple(reply(status) for status in cancels), rows)


@pytest.mark.parametrize(
    ("cancels", "status", "outrun"),
    [
        ((409, 409), "completed", True),
        ((400, 400), "completed", True),
        ((200, 409), "completed", False),
        ((409, 409), "processing", False),
        ((500, 500), "failed", False),
        ((), "completed", False),
    ],
)
def test_a_generate_is_outrun_when_it_was_completed_and_no_cancel_counted(cancels, status, outrun):
    assert crowd(cancels, left("01", "02", status)).outrun is outrun


@pytest.mark.parametrize(
    ("rows", "in_turn"),
    [
        ((left("01", "02"), left("02", "03")), True),
        ((left("02", "03"), left("01", "02")), True),
        ((left("01", "03"), left("02", "04")), False),
        ((left("01", None), left("02", "04")), False),
        ((left("01", "02"),), False),
    ],
)
def test_generates_are_in_turn_when_each_began_after_the_one_before(rows, in_turn):
    assert crowd((), *rows).in_turn is in_turn
