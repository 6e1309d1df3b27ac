"""A stream comes as it is spoken: in chunks, playable, and before the provider is done."""

import pytest

from fixtures.expectations.replies import check_status, check_step
from fixtures.expectations.streaming import (
    check_comes_as_spoken,
    check_not_measured_before,
    check_plays,
    check_whole,
)


@pytest.mark.clause("TTS-STREAM-02")
def test_stream_is_chunked_audio_that_plays(stream):
    """A stream answers 200 audio/mpeg, in chunks, that decode to something audible (TTS-STREAM-02)."""
    check_step(stream.reply, "the stream", "TTS-STREAM-02")
    check_plays(stream.reply, "TTS-STREAM-02")
    check_not_measured_before(stream.reply, "TTS-STREAM-02")


@pytest.mark.clause("TTS-STREAM-02")
def test_stream_is_one_whole_sound(whole_stream):
    """Nothing of a stream is missing, doubled or mixed in, and it lasts about as long as its text (TTS-STREAM-02)."""
    check_whole(whole_stream, "TTS-STREAM-02")


@pytest.mark.clause("TTS-STREAM-03")
def test_stream_comes_over_time(timed_stream):
    """The bytes of a stream arrive over time, not all at once at its end (TTS-STREAM-03)."""
    check_comes_as_spoken(timed_stream, "TTS-STREAM-03")


@pytest.mark.clause("TTS-STREAM-03")
def test_first_bytes_come_before_the_provider_is_done(stream_held):
    """Bytes arrive while the provider still holds the last of them back (TTS-STREAM-03)."""
    check_status(stream_held.hearing.reply, 200, "TTS-STREAM-03")
    assert stream_held.early, "nothing was heard while the provider held its last piece back [TTS-STREAM-03]"
