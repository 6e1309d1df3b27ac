"""What is written down of an incident, and of a rehearsal."""

import pytest

from fixtures.expectations.standing import check_incidents_are_told


@pytest.mark.clause("TTS-RESTORE-12")
def test_incident_records_are_complete(incidents):
    """Each incident record has its times, trigger, mode, actions, type, evidence and owner (TTS-RESTORE-12)."""
    check_incidents_are_told(incidents, "TTS-RESTORE-12")
