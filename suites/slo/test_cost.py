"""What the provider is paid for is charged for."""

import pytest

from fixtures.expectations.slo import check_spending_is_bounded, check_spending_is_charged


@pytest.mark.clause("TTS-SLO-07")
def test_spoken_characters_are_charged_for(watched):
    """The provider was asked for no more characters than users were charged for, in each window (TTS-SLO-07)."""
    check_spending_is_bounded(watched, "TTS-SLO-07")


@pytest.mark.clause("TTS-SLO-07")
def test_voices_are_made_once_a_charge(cost_of_voices):
    """The provider was asked for no more voices than were charged for, whatever is sent twice (TTS-SLO-07)."""
    check_spending_is_charged(cost_of_voices.spending, "TTS-SLO-07")
