"""Where nothing is streamed, asking for it changes nothing."""

import pytest

from fixtures.expectations.replies import check_errors_are_json, check_status
from fixtures.expectations.streaming import check_same_trace


@pytest.mark.clause("TTS-STREAM-01")
def test_lane_task_has_no_stream_route(stream_absent):
    """In lane task a stream in a voice that can speak is a 404 (TTS-STREAM-01)."""
    check_status(stream_absent.can_speak, 200, "TTS-STREAM-01")
    check_status(stream_absent.reply, 404, "TTS-STREAM-01")


@pytest.mark.clause("TTS-STREAM-01")
def test_absent_route_has_no_side_effect(stream_absent):
    """In lane task a stream that was asked for is not charged, not listed, and not spoken (TTS-STREAM-01)."""
    check_same_trace(stream_absent.before, stream_absent.after, stream_absent.reply, "TTS-STREAM-01")


@pytest.mark.clause("TTS-STREAM-06")
def test_mode_modal_refuses_to_stream(stream_absent):
    """In mode modal a stream in a voice that can speak is a 409, as JSON (TTS-STREAM-06)."""
    check_status(stream_absent.can_speak, 200, "TTS-STREAM-06")
    check_errors_are_json([("a stream", stream_absent.reply)], "TTS-STREAM-06", {409})


@pytest.mark.clause("TTS-STREAM-06")
def test_refused_stream_contacts_no_provider(stream_absent):
    """In mode modal a stream that was asked for is not charged, not listed, and asked of nobody (TTS-STREAM-06)."""
    check_same_trace(stream_absent.before, stream_absent.after, stream_absent.reply, "TTS-STREAM-06")
