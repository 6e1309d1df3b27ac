"""What the provider is told in a stream."""

import pytest

from fixtures.expectations.replies import check_status
from fixtures.expectations.streaming import check_dialogue

CLAUSE = "TTS-STREAM-13"


@pytest.mark.clause("TTS-STREAM-13")
def test_dialogue_with_the_provider_is_as_agreed(stream_held):
    """The session carries model, voice, format, text and finish as section 6.3 has them (TTS-STREAM-13)."""
    hearing = stream_held.hearing
    check_status(hearing.reply, 200, CLAUSE)
    check_dialogue(stream_held.asked, stream_held.voice, hearing.said, hearing.reply, CLAUSE)
