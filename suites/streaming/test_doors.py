"""Nobody streams without signing in, nor in another's voice, nor without bound."""

import pytest

from fixtures.expectations.refusing import check_burst_ended, check_burst_was_let_in, check_denied
from fixtures.expectations.streaming import check_stranger_kept_out, check_twin_let_in
from rollout_gates.systems.tts.flows.deny import BAD_TOKEN, NO_HEADER


@pytest.mark.clause("TTS-STREAM-11")
def test_stream_without_a_token_is_denied(stream_doors, deployment):
    """A stream without an authorization header is a 401; with a good token the call gets through (TTS-STREAM-11)."""
    check_twin_let_in(stream_doors.twin, deployment, "TTS-STREAM-11")
    check_denied([stream_doors.without], NO_HEADER, "TTS-STREAM-11")


@pytest.mark.clause("TTS-STREAM-11")
def test_stream_with_a_bad_token_is_denied(stream_doors, deployment):
    """A stream with what is no token, or with the public key, is a 401 (TTS-STREAM-11)."""
    check_twin_let_in(stream_doors.twin, deployment, "TTS-STREAM-11")
    check_denied([stream_doors.bad, stream_doors.public], BAD_TOKEN, "TTS-STREAM-11")


@pytest.mark.clause("TTS-STREAM-11")
def test_another_users_voice_is_not_streamed(stream_foreign, deployment):
    """To another user a voice is not there, as one that does not exist (TTS-STREAM-11)."""
    check_stranger_kept_out(stream_foreign, deployment, "TTS-STREAM-11")


@pytest.mark.clause("TTS-STREAM-12")
def test_stream_route_is_limited_in_tier_1(stream_burst):
    """Of limit + 1 calls to the stream route in one window the last is a 429 (TTS-STREAM-12)."""
    check_burst_was_let_in(stream_burst, "TTS-STREAM-12", (400, 409))
    check_burst_ended(stream_burst, "TTS-STREAM-12")
