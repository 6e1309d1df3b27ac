"""What goes wrong after the first byte ends the connection, and costs nothing."""

import pytest

from fixtures.expectations.aftermath import check_failed_and_refunded, check_never_completed
from fixtures.expectations.streaming import check_broken_off


@pytest.mark.clause("TTS-STREAM-08")
@pytest.mark.parametrize("number", range(3))
def test_provider_that_fails_in_mid_stream_ends_it(stream_broken, number):
    """When the provider fails in the middle, the connection ends (TTS-STREAM-08)."""
    check_broken_off(stream_broken[number], "TTS-STREAM-08")


@pytest.mark.clause("TTS-STREAM-08")
@pytest.mark.parametrize("number", range(3))
def test_stream_that_broke_is_failed_and_refunded(stream_broken, number):
    """When the provider fails in the middle, the rows say failed and the money comes back (TTS-STREAM-08)."""
    check_failed_and_refunded(stream_broken[number].left, stream_broken[number].how, "TTS-STREAM-08")


@pytest.mark.clause("TTS-STREAM-09")
def test_stream_that_cannot_be_stored_is_failed(stream_unstored):
    """A stream whose audio storage does not take is failed and refunded (TTS-STREAM-09)."""
    check_broken_off(stream_unstored, "TTS-STREAM-09")
    check_failed_and_refunded(stream_unstored.left, stream_unstored.how, "TTS-STREAM-09")


@pytest.mark.clause("TTS-STREAM-09")
def test_stream_whose_row_cannot_be_written_is_not_completed(stream_unwritten):
    """A stream whose generation cannot be written never says completed (TTS-STREAM-09)."""
    check_broken_off(stream_unwritten, "TTS-STREAM-09")
    check_never_completed(stream_unwritten.left, stream_unwritten.how, "TTS-STREAM-09")
