"""Cancels over time."""

import pytest

from fixtures.expectations.slo import check_cancels_are_whole, check_objective


@pytest.mark.clause("TTS-SLO-05")
def test_valid_cancels_succeed(watched):
    """The share of valid cancels that succeeded meets its target in each window (TTS-SLO-05)."""
    check_objective(watched, "cancel success", "TTS-SLO-05")


@pytest.mark.clause("TTS-SLO-05")
def test_cancelled_tasks_have_cancelled_generations(watched):
    """A task that says cancelled leaves no generation behind that goes on (TTS-SLO-05)."""
    check_objective(watched, "cancel success", "TTS-SLO-05")
    check_cancels_are_whole(watched, "TTS-SLO-05")
