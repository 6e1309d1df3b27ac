"""Cancels, and states that are final: nothing changes them, and nobody gets audio and money together."""

import pytest

from fixtures.expectations.aftermath import (
    check_late_answer,
    check_losers_are_charged,
    check_not_both,
    check_one_refund,
    check_refused_cancel,
    check_stays_cancelled,
    check_unchanged,
    shown,
)
from fixtures.expectations.replies import check_refused, check_step
from fixtures.expectations.wording import told


@pytest.mark.clause("TTS-CANCEL-01")
def test_cancelled_task_and_generation_say_why(late_cancel_of_the_cancelled):
    """After a cancel both rows are cancelled, with the error text (TTS-CANCEL-01)."""
    left = late_cancel_of_the_cancelled.before
    found = (left.status, left.generation_status, left.task["error"], left.generation["error_message"])
    expected = ("cancelled", "cancelled", "Cancelled by user", "Cancelled by user")

    assert found == expected, told(left.reply, str(expected), "TTS-CANCEL-01", got=str(found))


@pytest.mark.clause("TTS-CANCEL-01")
def test_cancel_is_refunded_once(late_cancel_of_the_cancelled):
    """An accepted cancel gives the whole charge back, once (TTS-CANCEL-01)."""
    left = late_cancel_of_the_cancelled.before

    check_one_refund(left.ledger, left.reply, "TTS-CANCEL-01")


@pytest.mark.clause("TTS-CANCEL-01")
def test_cancel_of_a_task_at_work_answers_200(cancel):
    """The cancel of a task at work answers 200 (TTS-CANCEL-01)."""
    check_step(cancel.cancel, "the cancel", "TTS-CANCEL-01")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_completed_task_is_refused(late_cancel_of_the_finished):
    """The cancel of a completed task answers 400 with its status (TTS-CANCEL-02)."""
    check_refused_cancel(late_cancel_of_the_finished.reply, "completed", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_cancelled_task_is_refused(late_cancel_of_the_cancelled):
    """The cancel of a cancelled task answers 400 with its status (TTS-CANCEL-02)."""
    check_refused_cancel(late_cancel_of_the_cancelled.reply, "cancelled", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_failed_task_is_refused(late_cancel_of_the_failed):
    """The cancel of a failed task answers 400 with its status (TTS-CANCEL-02)."""
    check_refused_cancel(late_cancel_of_the_failed.reply, "failed", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_completed_task_moves_no_credits(late_cancel_of_the_finished):
    """The cancel of a completed task writes no ledger row (TTS-CANCEL-02)."""
    late = late_cancel_of_the_finished

    check_unchanged(late.before, late.after, "the cancel of a completed task", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_cancelled_task_moves_no_credits(late_cancel_of_the_cancelled):
    """The cancel of a cancelled task writes no ledger row (TTS-CANCEL-02)."""
    late = late_cancel_of_the_cancelled

    check_unchanged(late.before, late.after, "another cancel", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-02")
def test_cancel_of_a_failed_task_moves_no_credits(late_cancel_of_the_failed):
    """The cancel of a failed task writes no ledger row (TTS-CANCEL-02)."""
    late = late_cancel_of_the_failed

    check_unchanged(late.before, late.after, "the cancel of a failed task", "TTS-CANCEL-02")


@pytest.mark.clause("TTS-CANCEL-03")
def test_cancel_that_lost_answers_409(lost_race):
    """A cancel that finds the task at work and writes too late answers 409 (TTS-CANCEL-03)."""
    check_refused(lost_race.races[0].cancel, 409, "Task is no longer cancellable.", "TTS-CANCEL-03")


@pytest.mark.clause("TTS-CANCEL-03")
def test_cancel_that_lost_refunds_nothing(lost_race):
    """A cancel that writes too late gives no credits back (TTS-CANCEL-03)."""
    race = lost_race.races[0]

    assert not race.after.refunds, told(race.cancel, "no refund", "TTS-CANCEL-03", got=shown(race.after))


@pytest.mark.clause("TTS-CANCEL-04")
def test_cancelled_task_survives_late_answers(held_races):
    """A task that is cancelled while the provider is at work stays so when its answers come (TTS-CANCEL-04)."""
    check_stays_cancelled(held_races.races, "TTS-CANCEL-04")


@pytest.mark.clause("TTS-CANCEL-04")
def test_cancelled_task_survives_its_completion(queued_races):
    """A task that is cancelled after the worker's last look stays so when the worker completes it (TTS-CANCEL-04)."""
    check_stays_cancelled(queued_races.races, "TTS-CANCEL-04")


@pytest.mark.clause("TTS-CANCEL-04")
def test_cancelled_task_survives_close_races(won_races):
    """A task that is cancelled as it is about to end stays cancelled, whatever was under way (TTS-CANCEL-04)."""
    check_stays_cancelled(won_races, "TTS-CANCEL-04")


@pytest.mark.clause("TTS-CANCEL-04")
def test_late_reads_show_the_cancel(held_races):
    """A read that was under way when its task was cancelled does not show it at work (TTS-CANCEL-04)."""
    check_late_answer(held_races.races, "TTS-CANCEL-04")


@pytest.mark.clause("TTS-CANCEL-04")
def test_cancelled_task_is_cancelled_to_the_end(late_cancel_of_the_cancelled):
    """A cancelled task is still cancelled at the end of the run (TTS-CANCEL-04)."""
    left = late_cancel_of_the_cancelled.after

    assert left.status == "cancelled", told(left.reply, "cancelled", "TTS-CANCEL-04", got=shown(left))


@pytest.mark.clause("TTS-CANCEL-05")
def test_no_cancelled_generation_can_be_heard(late_cancel_of_the_cancelled):
    """A generate that was cancelled and refunded can be had neither by route nor from storage (TTS-CANCEL-05)."""
    left = late_cancel_of_the_cancelled.after

    assert not (left.refunds and left.obtainable), told(left.reply, "no audio", "TTS-CANCEL-05", got=shown(left))


@pytest.mark.clause("TTS-CANCEL-05")
def test_audio_and_refund_exclude_each_other_with_late_answers(held_races):
    """Whatever answer of the provider comes after a cancel, it brings no audio with the refund (TTS-CANCEL-05)."""
    check_not_both(held_races.races, "TTS-CANCEL-05")


@pytest.mark.clause("TTS-CANCEL-05")
def test_audio_and_refund_exclude_each_other_in_close_races(close_races):
    """Cancels in the very moment of the completion never leave audio and refund together (TTS-CANCEL-05)."""
    check_not_both(close_races.races, "TTS-CANCEL-05")


@pytest.mark.clause("TTS-CANCEL-05")
def test_refused_cancels_leave_a_whole_generate(lost_races):
    """A generate whose cancel was refused is completed, heard and charged (TTS-CANCEL-05)."""
    check_losers_are_charged(lost_races, "TTS-CANCEL-05")


@pytest.mark.clause("TTS-CANCEL-06")
def test_parallel_cancels_are_accepted_once(cancelled_crowd):
    """Of parallel cancels one answers 200, the others 400 or 409 (TTS-CANCEL-06)."""
    statuses = sorted(reply.status for reply in cancelled_crowd.cancels)

    assert statuses[:1] == [200], told(
        cancelled_crowd.cancels[0], "one 200 among them", "TTS-CANCEL-06", got=str(statuses)
    )
    assert set(statuses[1:]) <= {400, 409}, told(
        cancelled_crowd.cancels[0], "400 or 409", "TTS-CANCEL-06", got=str(statuses)
    )


@pytest.mark.clause("TTS-CANCEL-06")
def test_parallel_cancels_are_refunded_once(cancelled_crowd):
    """Parallel cancels of one task give its charge back once (TTS-CANCEL-06)."""
    check_one_refund(cancelled_crowd.left[0].ledger, cancelled_crowd.cancels[0], "TTS-CANCEL-06")


@pytest.mark.clause("TTS-CANCEL-07")
def test_cancel_stops_the_next_step(held_races):
    """After a cancel the provider is asked for nothing more, and nothing is stored (TTS-CANCEL-07)."""
    wrong = [
        told(race.cancel, "no further step", "TTS-CANCEL-07", got=f"{race.at}: {more}, {shown(race.after)}")
        for race in held_races.races
        for more in [{call: count for call, count in race.asked.items() if count > 0}]
        if more or race.after.objects
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.clause("TTS-CANCEL-08")
def test_cancel_reaches_the_job_service(job_cancels):
    """A cancel tells the job service which job to end (TTS-CANCEL-08)."""
    check_step(job_cancels.cancel, "the cancel", "TTS-CANCEL-08")
    told_it = [entry["body"] for entry in job_cancels.asked]

    assert told_it == [{"job_id": job_cancels.job_id}], told(
        job_cancels.cancel, f"one call about {job_cancels.job_id}", "TTS-CANCEL-08", got=f"calls {told_it}"
    )


@pytest.mark.clause("TTS-CANCEL-08")
def test_cancel_survives_a_failing_job_service(job_cancels):
    """A cancel is accepted although the job service answers 500 to it (TTS-CANCEL-08)."""
    check_step(job_cancels.refused, "the cancel", "TTS-CANCEL-08")

    check_one_refund(job_cancels.refused_left.ledger, job_cancels.refused, "TTS-CANCEL-08")


@pytest.mark.clause("TTS-CANCEL-08")
def test_job_that_is_reported_cancelled_ends_its_task(ended_job):
    """A job that the service reports cancelled ends its task and is refunded (TTS-CANCEL-08)."""
    left = ended_job.left

    assert left.status in ("cancelled", "failed"), told(
        ended_job.read, "a task that has ended", "TTS-CANCEL-08", got=shown(left)
    )
    check_one_refund(left.ledger, ended_job.read, "TTS-CANCEL-08")


@pytest.mark.clause("TTS-CANCEL-09")
def test_ended_task_survives_late_answers(late_words):
    """A task that has ended stays as it is, whatever answer comes in late (TTS-CANCEL-09)."""
    wrong = [
        told(late.after.reply, shown(late.before), "TTS-CANCEL-09", got=f"{late.how}: {shown(late.after)}")
        for late in late_words.late
        if shown(late.before) != shown(late.after)
    ]

    assert not wrong, "\n".join(wrong)
