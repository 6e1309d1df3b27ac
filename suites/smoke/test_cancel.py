"""A task at work can be stopped."""

import pytest

from fixtures.expectations.making import check_row_status, check_task_status
from fixtures.expectations.replies import check_gives, check_member, check_step

CLAUSE = "TTS-SMOKE-06"


@pytest.mark.clause("TTS-SMOKE-06")
def test_cancel_of_a_task_at_work_is_accepted(cancel):
    """The cancel of a task at work answers 200 and says so (TTS-SMOKE-06)."""
    check_step(cancel.started.reply, "the generate", CLAUSE)
    check_gives(cancel.started.reply, "task_id", CLAUSE)
    check_step(cancel.cancel, "the cancel", CLAUSE)
    check_member(cancel.cancel, "cancelled", True, CLAUSE)


@pytest.mark.clause("TTS-SMOKE-06")
def test_cancelled_task_says_cancelled(cancel):
    """After the cancel the task is cancelled (TTS-SMOKE-06)."""
    check_step(cancel.started.reply, "the generate", CLAUSE)
    check_step(cancel.cancel, "the cancel", CLAUSE)
    check_task_status(cancel.task, "cancelled", CLAUSE)


@pytest.mark.clause("TTS-SMOKE-06")
def test_generation_of_a_cancelled_task_is_cancelled(cancel):
    """After the cancel the generation is cancelled too (TTS-SMOKE-06)."""
    check_step(cancel.started.reply, "the generate", CLAUSE)
    check_step(cancel.cancel, "the cancel", CLAUSE)
    check_row_status(cancel.row, cancel.listing, "cancelled", CLAUSE)
