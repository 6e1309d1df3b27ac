"""The function is deployed."""

import pytest

from fixtures.expectations.replies import check_member, check_status

CLAUSE = "TTS-SMOKE-01"


@pytest.mark.clause("TTS-SMOKE-01")
def test_health_answers_ok_without_credentials(health):
    """Health answers 200 with ok true to a caller without credentials (TTS-SMOKE-01)."""
    check_status(health.answer, 200, CLAUSE)
    check_member(health.answer, "ok", True, CLAUSE)
