"""A provider that fails costs the user nothing, tells them nothing of the inside, and is not asked without end."""

import pytest

from fixtures.expectations.failing import (
    check_agreed_texts,
    check_attempts,
    check_ended_safely,
    check_nothing_inside_shown,
    check_refusals_tried_once,
    check_upstream_hidden,
)


@pytest.mark.clause("TTS-SEC-FAIL-01")
def test_failures_end_and_are_paid_back(failures):
    """Whatever a provider answers in place of a result, the task fails and the charge comes back (TTS-SEC-FAIL-01)."""
    check_ended_safely(failures.found, "TTS-SEC-FAIL-01")


@pytest.mark.clause("TTS-SEC-FAIL-01")
def test_failures_show_the_agreed_text(failures_with_agreed_texts):
    """A 5xx, a 429, a timeout and a malformed 200 show the texts that were agreed on (TTS-SEC-FAIL-01)."""
    check_agreed_texts(failures_with_agreed_texts, "TTS-SEC-FAIL-01")


@pytest.mark.clause("TTS-SEC-FAIL-02")
def test_stalled_calls_are_cut_off_and_paid_back(stalls):
    """A provider that never answers, or never ends its answer, is cut off and the charge returned (TTS-SEC-FAIL-02)."""
    check_ended_safely(stalls.found, "TTS-SEC-FAIL-02")


@pytest.mark.clause("TTS-SEC-FAIL-02")
def test_stalled_calls_show_the_timeout_text(stalls_with_agreed_texts):
    """A provider that was cut off shows as a timeout (TTS-SEC-FAIL-02)."""
    check_agreed_texts(stalls_with_agreed_texts, "TTS-SEC-FAIL-02")


@pytest.mark.clause("TTS-SEC-FAIL-03")
def test_attempts_are_bounded(failures):
    """A create and a synthesis are tried once, a download at most three times (TTS-SEC-FAIL-03)."""
    check_attempts(failures.found, "TTS-SEC-FAIL-03")


@pytest.mark.clause("TTS-SEC-FAIL-04")
def test_refusals_are_not_retried(failures):
    """What a provider refused with a 4xx is not asked again (TTS-SEC-FAIL-04)."""
    check_refusals_tried_once(failures.found, "TTS-SEC-FAIL-04")


@pytest.mark.clause("TTS-SEC-FAIL-05")
def test_failures_show_nothing_of_the_inside(failures):
    """No error text holds an upstream body, URL, variable name, key, token or stack (TTS-SEC-FAIL-05)."""
    check_nothing_inside_shown(failures, "TTS-SEC-FAIL-05")


@pytest.mark.clause("TTS-SEC-FAIL-05")
def test_a_missing_key_shows_no_variable(missing_keys):
    """A deployment without its provider's key names no variable to users (TTS-SEC-FAIL-05)."""
    check_nothing_inside_shown(missing_keys, "TTS-SEC-FAIL-05")


@pytest.mark.clause("TTS-SEC-FAIL-07")
def test_payment_and_transcription_errors_do_not_leak(upstream_errors):
    """Errors of the payment and transcription providers say nothing of them (TTS-SEC-FAIL-07)."""
    check_upstream_hidden(upstream_errors, "TTS-SEC-FAIL-07")
