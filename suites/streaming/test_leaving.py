"""A listener who goes away leaves nothing half done."""

import pytest

from fixtures.expectations.replies import check_status
from fixtures.expectations.streaming import check_converged, check_money_fits_state

CLAUSE = "TTS-STREAM-10"


@pytest.mark.clause("TTS-STREAM-10")
def test_stream_without_a_listener_comes_to_an_end(stream_left):
    """A stream whose listener left after the first piece reaches a terminal state (TTS-STREAM-10)."""
    check_status(stream_left.hearing.reply, 200, CLAUSE)
    check_converged(stream_left.left, stream_left.hearing.reply, CLAUSE)


@pytest.mark.clause("TTS-STREAM-10")
def test_stream_without_a_listener_is_paid_for_or_refunded(stream_left):
    """A stream whose listener left is completed and paid for, or costs nothing (TTS-STREAM-10)."""
    check_status(stream_left.hearing.reply, 200, CLAUSE)
    check_money_fits_state(stream_left.left, stream_left.hearing.reply, CLAUSE)
