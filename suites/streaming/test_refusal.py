"""What goes wrong before the first byte is an answer: JSON, with a status, and it costs nothing."""

import pytest

from fixtures.expectations.replies import check_errors_are_json
from fixtures.expectations.streaming import FAILURES, check_nothing_lost, check_one_at_a_time, check_refused_streams

CLAUSE = "TTS-STREAM-07"


@pytest.mark.clause("TTS-STREAM-07")
def test_wrong_request_is_refused_as_json(stream_refusals):
    """A request that is wrong is refused as generate refuses it, as JSON (TTS-STREAM-07)."""
    check_refused_streams(stream_refusals, CLAUSE)


@pytest.mark.clause("TTS-STREAM-07")
def test_voice_or_purse_that_does_not_do_is_refused_as_json(stream_trouble):
    """A voice of the other provider, a deleted one, and a user too poor are refused as JSON (TTS-STREAM-07)."""
    check_refused_streams(stream_trouble.refused, CLAUSE)


@pytest.mark.clause("TTS-STREAM-07")
def test_refusal_by_the_provider_is_json_with_a_status(stream_trouble):
    """A provider that refuses before the first byte becomes an error with a status, as JSON (TTS-STREAM-07)."""
    check_errors_are_json([(each.how, each.reply) for each in stream_trouble.by_provider], CLAUSE, FAILURES)


@pytest.mark.clause("TTS-STREAM-07")
@pytest.mark.parametrize("number", range(5))
def test_refusal_by_the_provider_costs_nothing(stream_trouble, number):
    """A stream that the provider did not begin ends as failed, and is refunded (TTS-STREAM-07)."""
    check_nothing_lost(stream_trouble.by_provider[number], CLAUSE)


@pytest.mark.clause("TTS-STREAM-07")
def test_user_has_one_generation_at_a_time(stream_held):
    """While a stream is at work another one, and a task, are refused with 409 (TTS-STREAM-07)."""
    check_one_at_a_time((stream_held.task, stream_held.again), CLAUSE)
