"""The longest text that may be streamed: the same as for a task, refused in the same words.

A text within the cap gets as far as looking for the voice, which does not exist: 404, and nobody pays.
"""

import pytest

from fixtures.expectations.replies import check_refused, check_says, check_status

CLAUSE = "TTS-CAP-05"


@pytest.mark.clause("TTS-CAP-05")
def test_text_of_exactly_the_cap_may_be_streamed(stream_cap):
    """A text of exactly the cap passes the length check of the stream route, which is there (TTS-CAP-05)."""
    check_status(stream_cap.beyond, 400, CLAUSE)
    check_refused(stream_cap.at, 404, "Voice not found", CLAUSE)


@pytest.mark.clause("TTS-CAP-05")
def test_text_over_the_cap_is_not_streamed(stream_cap):
    """A text of cap + 1 characters is refused by the stream route in the words of generate (TTS-CAP-05)."""
    check_says(stream_cap.over, 400, f"Text cannot exceed {stream_cap.cap} characters", CLAUSE)
