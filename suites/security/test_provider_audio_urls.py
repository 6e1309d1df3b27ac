"""Audio is fetched from where the provider keeps it, and from nowhere else."""

import pytest

from fixtures.expectations.failing import check_nothing_else_fetched


@pytest.mark.clause("TTS-SEC-FAIL-06")
def test_audio_is_fetched_from_its_own_host_only(foreign_audio):
    """Other hosts, private addresses, other schemes and redirects are not followed, and paid back (TTS-SEC-FAIL-06)."""
    check_nothing_else_fetched(foreign_audio, "TTS-SEC-FAIL-06")
