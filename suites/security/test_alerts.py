"""Somebody is told when something goes wrong too often."""

import pytest

from fixtures.expectations.logging import check_alerts_fired


@pytest.mark.clause("TTS-SEC-OBS-03")
def test_each_kind_of_trouble_raises_an_alert(alerts):
    """Spikes of 429, of 401 or 403, of 5xx and of provider errors each raise an alert (TTS-SEC-OBS-03)."""
    check_alerts_fired(alerts, "TTS-SEC-OBS-03")
