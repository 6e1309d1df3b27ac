"""Speech arrives as a stream, and stays."""

import pytest

from fixtures.expectations.replies import check_step
from fixtures.expectations.streaming import check_in_history, check_plays


@pytest.mark.clause("TTS-SMOKE-12")
def test_stream_is_audio_that_plays(stream):
    """A stream answers MPEG audio that decodes to something audible (TTS-SMOKE-12)."""
    check_step(stream.reply, "the stream", "TTS-SMOKE-12")
    check_plays(stream.reply, "TTS-SMOKE-12")


@pytest.mark.clause("TTS-SMOKE-12")
def test_streamed_generation_is_in_the_history(stream):
    """The generation of a stream is listed afterwards (TTS-SMOKE-12)."""
    check_step(stream.reply, "the stream", "TTS-SMOKE-12")
    check_in_history(stream, "TTS-SMOKE-12")
