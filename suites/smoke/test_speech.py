"""A text is spoken, and can be heard again."""

import pytest

from fixtures.expectations.making import (
    check_ended,
    check_heard,
    check_in_time,
    check_row_status,
    check_same_bytes,
)
from fixtures.expectations.replies import check_gives, check_step


@pytest.mark.clause("TTS-SMOKE-05")
def test_generate_completes_within_the_latency_budget(speech, deployment):
    """An accepted generate reaches completed within the latency budget (TTS-SMOKE-05)."""
    check_step(speech.submit, "the generate", "TTS-SMOKE-05")
    check_gives(speech.submit, "task_id", "TTS-SMOKE-05")
    check_ended(speech.watch, "completed", "TTS-SMOKE-05")
    check_in_time(speech.watch, speech.took_s, deployment.latency_budget_s, "TTS-SMOKE-05")


@pytest.mark.clause("TTS-SMOKE-05")
def test_completed_generate_left_durable_audio(speech):
    """A completed generate is completed in the history, and its audio is there (TTS-SMOKE-05)."""
    check_step(speech.submit, "the generate", "TTS-SMOKE-05")
    check_ended(speech.watch, "completed", "TTS-SMOKE-05")
    check_row_status(speech.row, speech.listing, "completed", "TTS-SMOKE-05")
    check_heard(speech.first, "the generation's audio", "TTS-SMOKE-05")


@pytest.mark.clause("TTS-SMOKE-08")
def test_audio_is_replayed_byte_for_byte(speech):
    """The audio route, followed twice, leads to the same bytes, and to some (TTS-SMOKE-08)."""
    check_step(speech.submit, "the generate", "TTS-SMOKE-08")
    check_ended(speech.watch, "completed", "TTS-SMOKE-08")
    check_same_bytes(speech.first, speech.second, "TTS-SMOKE-08")
