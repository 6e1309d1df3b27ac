"""A stream says what it is, and a browser may read it."""

import pytest

from fixtures.expectations.replies import check_step
from fixtures.expectations.streaming import check_exposed, check_names_itself, check_preflight

CLAUSE = "TTS-STREAM-04"


@pytest.mark.clause("TTS-STREAM-04")
def test_stream_names_provider_generation_and_task(stream, deployment):
    """A stream carries the three headers (TTS-STREAM-04)."""
    check_step(stream.reply, "the stream", CLAUSE)
    check_names_itself(stream.reply, deployment.provider_mode, CLAUSE)


@pytest.mark.clause("TTS-STREAM-04")
def test_stream_headers_are_exposed_to_browsers(stream):
    """The answer to a page of another origin exposes the three headers to its scripts (TTS-STREAM-04)."""
    check_step(stream.reply, "the stream", CLAUSE)
    check_exposed(stream.reply, CLAUSE)


@pytest.mark.clause("TTS-STREAM-04")
def test_browser_may_ask_for_a_stream(stream):
    """The preflight of a stream allows its method and its headers (TTS-STREAM-04)."""
    check_preflight(stream.preflight, CLAUSE)
