"""What is there after the mode was flipped back to modal, in a rehearsal."""

import pytest

from fixtures.expectations.restoring import (
    check_apart,
    check_errors_are_told,
    check_flights_ended,
    check_kept,
    check_modal_makes_voices,
    check_modal_speaks,
    check_qwen_voice_is_refused,
    check_turned,
    check_usable_again,
)


@pytest.mark.clause("TTS-RESTORE-01")
def test_languages_names_modal_in_time(restored):
    """After the flip back languages names modal within what was agreed on (TTS-RESTORE-01)."""
    check_turned(restored.back, "TTS-RESTORE-01")


@pytest.mark.clause("TTS-RESTORE-02")
def test_modal_speaks_and_can_be_cancelled(restored):
    """A generate by modal completes with audio, and another one is cancelled (TTS-RESTORE-02)."""
    check_modal_speaks(restored.modal, "TTS-RESTORE-02")


@pytest.mark.clause("TTS-RESTORE-03")
def test_modal_clones_and_designs(restored):
    """A clone finalizes and a design preview completes (TTS-RESTORE-03)."""
    check_modal_makes_voices(restored.modal, "TTS-RESTORE-03")


@pytest.mark.clause("TTS-RESTORE-04")
def test_what_was_made_with_qwen_is_listed_and_plays(used_before):
    """The generation of the qwen period is listed, and plays as before (TTS-RESTORE-04)."""
    check_kept(used_before, "TTS-RESTORE-04")


@pytest.mark.clause("TTS-RESTORE-05")
def test_qwen_voice_is_refused(ran_modal):
    """A voice of the qwen period is refused with 409 (TTS-RESTORE-05)."""
    check_qwen_voice_is_refused(ran_modal, "TTS-RESTORE-05")


@pytest.mark.clause("TTS-RESTORE-06")
def test_generates_in_flight_end_or_are_refunded(in_flight):
    """Each qwen generate that was under way ends, or is refunded (TTS-RESTORE-06)."""
    check_flights_ended(in_flight, "TTS-RESTORE-06")


@pytest.mark.clause("TTS-RESTORE-07")
def test_earlier_voice_speaks_after_the_next_cutover(used_before):
    """After the next cutover the earlier qwen voice speaks again (TTS-RESTORE-07)."""
    check_usable_again(used_before, "TTS-RESTORE-07")


@pytest.mark.clause("TTS-RESTORE-11")
def test_another_user_gets_at_nothing(used_before):
    """After the restoration another user gets at nothing of the qwen period (TTS-RESTORE-11)."""
    check_apart(used_before, "TTS-RESTORE-11")


@pytest.mark.clause("TTS-RESTORE-11")
def test_errors_are_json(restored):
    """After the restoration errors are JSON (TTS-RESTORE-11)."""
    check_errors_are_told(restored, "TTS-RESTORE-11")
