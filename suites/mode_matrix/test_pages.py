"""The web application counts as the API does, offers what can be used, and says what went wrong."""

import pytest

from fixtures.expectations.pages import (
    check_counter,
    check_errors_shown,
    check_falls_back,
    check_other_voice,
    check_own_voice,
    check_sendable,
    check_toggle,
)


@pytest.mark.clause("TTS-UI-01")
def test_counter_ends_at_the_advertised_cap(pages):
    """The counter tells the length of the text and the advertised cap (TTS-UI-01)."""
    check_counter(pages.at, pages.cap, "TTS-UI-01")


@pytest.mark.clause("TTS-UI-01")
def test_text_at_the_cap_can_be_sent(pages):
    """A text as long as the cap can be sent (TTS-UI-01)."""
    check_sendable(pages.at, "TTS-UI-01", expected=True)


@pytest.mark.clause("TTS-UI-01")
def test_text_beyond_the_cap_cannot_be_sent(pages):
    """A text one character longer than the cap cannot be sent (TTS-UI-01)."""
    check_sendable(pages.over, "TTS-UI-01", expected=False)


@pytest.mark.clause("TTS-UI-02")
def test_voice_of_the_active_provider_can_be_chosen(pages):
    """A voice of the active provider is listed and can be chosen (TTS-UI-02)."""
    check_own_voice(pages, "TTS-UI-02")


@pytest.mark.clause("TTS-UI-02")
def test_voice_of_the_other_provider_cannot_be_chosen(pages):
    """A voice of the other provider is listed and cannot be chosen (TTS-UI-02)."""
    check_other_voice(pages, "TTS-UI-02")


@pytest.mark.clause("TTS-UI-02")
def test_errors_are_shown_in_their_safe_words(pages):
    """The page shows the text that the API refuses with (TTS-UI-02)."""
    check_errors_shown(pages, "TTS-UI-02")


@pytest.mark.clause("TTS-UI-02")
def test_choice_of_delivery_is_hidden_unless_advertised(pages):
    """Nobody is asked how speech shall come unless that is advertised (TTS-UI-02)."""
    check_toggle(pages, "TTS-UI-02")


@pytest.mark.clause("TTS-UI-02")
def test_broken_stream_falls_back_to_a_task(pages):
    """Where speech is streamed, a stream that breaks is followed by a task (TTS-UI-02)."""
    check_falls_back(pages, "TTS-UI-02")
