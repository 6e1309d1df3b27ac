"""The log tells what happened to each call and what it cost, and nothing that is private."""

import pytest

from fixtures.expectations.logging import (
    check_failures_categorised,
    check_nothing_private,
    check_one_line_a_call,
    check_outcomes_logged,
)


@pytest.mark.clause("TTS-SEC-OBS-01")
def test_each_limited_call_writes_one_line(logs):
    """Each limited call has one log line, with the agreed fields and the id of its header (TTS-SEC-OBS-01)."""
    check_one_line_a_call(logs, "TTS-SEC-OBS-01")


@pytest.mark.clause("TTS-SEC-OBS-02")
def test_what_was_made_is_logged_with_its_provider(logged_costs):
    """What was made stands in the log with provider and cost (TTS-SEC-OBS-02)."""
    check_outcomes_logged(logged_costs, "TTS-SEC-OBS-02")


@pytest.mark.clause("TTS-SEC-OBS-02")
def test_what_failed_is_logged_with_its_category(logged_failures):
    """What failed at a provider stands in the log with the category of the error (TTS-SEC-OBS-02)."""
    check_failures_categorised(logged_failures, "TTS-SEC-OBS-02")


@pytest.mark.clause("TTS-SEC-OBS-04")
def test_the_log_holds_nothing_private(logs):
    """No log line holds a token, a text or a raw address (TTS-SEC-OBS-04)."""
    check_nothing_private(logs, "TTS-SEC-OBS-04")
