"""Speech over time: it is accepted, it completes, it is kept, and it comes in time."""

import pytest

from fixtures.expectations.slo import check_nothing_is_stuck, check_objective


@pytest.mark.clause("TTS-SLO-01")
def test_valid_submits_are_accepted(watched):
    """The share of valid submits that were accepted meets its target in each window (TTS-SLO-01)."""
    check_objective(watched, "start success", "TTS-SLO-01")


@pytest.mark.clause("TTS-SLO-02")
def test_tasks_complete(watched):
    """The share of ended tasks that completed meets its target in each window (TTS-SLO-02)."""
    check_objective(watched, "completion", "TTS-SLO-02")


@pytest.mark.clause("TTS-SLO-02")
def test_no_task_stays_out_of_the_count_for_ever(overdue):
    """No task is active beyond any lifetime: it would count neither as completed nor as failed (TTS-SLO-02)."""
    check_nothing_is_stuck(overdue, "TTS-SLO-02")


@pytest.mark.clause("TTS-SLO-03")
def test_all_completed_work_is_durable(watched):
    """Every completed generation of the windows has its audio in storage (TTS-SLO-03)."""
    check_objective(watched, "durable persistence", "TTS-SLO-03")


@pytest.mark.clause("TTS-SLO-04")
def test_speech_comes_in_time(watched):
    """Median and p95 from created to completed, and the first byte of streams, meet their targets (TTS-SLO-04)."""
    check_objective(watched, "median latency", "TTS-SLO-04", "p95 latency", "median first byte")
