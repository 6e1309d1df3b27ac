"""What was streamed is kept: whole, once, paid for, and not called completed before."""

import pytest

from fixtures.expectations.replies import check_step
from fixtures.expectations.streaming import (
    check_charged,
    check_completed,
    check_in_history,
    check_kept_as_heard,
    check_not_completed_yet,
)

CLAUSE = "TTS-STREAM-05"


@pytest.mark.clause("TTS-STREAM-05")
def test_streamed_generation_is_completed_and_listed(stream_kept):
    """A stream that was heard whole ends as a completed generation in the history (TTS-STREAM-05)."""
    check_in_history(stream_kept.stream, CLAUSE)
    check_completed(stream_kept, CLAUSE)


@pytest.mark.clause("TTS-STREAM-05")
def test_stored_audio_is_what_was_streamed(stream_kept):
    """Storage and audio route give back the bytes that were streamed (TTS-STREAM-05)."""
    check_step(stream_kept.stream.reply, "the stream", CLAUSE)
    check_kept_as_heard(stream_kept, CLAUSE)


@pytest.mark.clause("TTS-STREAM-05")
def test_stream_is_charged_once(stream_kept):
    """A stream costs a credit a character, once, as a task does (TTS-STREAM-05)."""
    check_charged(stream_kept.left, stream_kept.price, CLAUSE)


@pytest.mark.clause("TTS-STREAM-05")
def test_stream_at_work_is_not_completed(stream_held):
    """A generation is not completed while its last piece is still to come (TTS-STREAM-05)."""
    check_not_completed_yet(stream_held.during, stream_held.hearing.reply, CLAUSE)
