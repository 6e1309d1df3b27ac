"""Where streams fail or are switched off, tasks do the work."""

import pytest

from fixtures.expectations.making import check_ended, check_heard
from fixtures.expectations.replies import check_step
from fixtures.expectations.streaming import check_broken_off, check_switched_off, check_way_back

CLAUSE = "TTS-STREAM-14"


@pytest.mark.clause("TTS-STREAM-14")
def test_task_still_speaks_where_streams_are_offered(speech):
    """In lane realtime a generate completes as a task, and its audio is there (TTS-STREAM-14)."""
    check_step(speech.submit, "the generate", CLAUSE)
    check_ended(speech.watch, "completed", CLAUSE)
    check_heard(speech.first, "the generation's audio", CLAUSE)


@pytest.mark.clause("TTS-STREAM-14")
def test_task_speaks_after_a_stream_that_broke(stream_fallback):
    """After a stream that broke the same text can be had as a task (TTS-STREAM-14)."""
    check_broken_off(stream_fallback.broken, CLAUSE)
    check_way_back(stream_fallback.ways[0], CLAUSE)


@pytest.mark.clause("TTS-STREAM-14")
def test_task_speaks_while_streams_are_off(stream_fallback):
    """While streams are switched off they are refused, and a task does the work (TTS-STREAM-14)."""
    check_switched_off(stream_fallback.off, CLAUSE)
    check_way_back(stream_fallback.ways[1], CLAUSE)
