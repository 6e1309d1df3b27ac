"""Too many calls are stopped."""

import pytest

from fixtures.expectations.refusing import check_burst_ended, check_burst_was_let_in

CLAUSE = "TTS-SMOKE-10"


@pytest.mark.clause("TTS-SMOKE-10")
def test_burst_over_the_limit_ends_in_429(burst):
    """Of limit + 1 calls to tier 1 in one window the last is a 429, and not all before it are (TTS-SMOKE-10)."""
    check_burst_was_let_in(burst, CLAUSE)
    check_burst_ended(burst, CLAUSE)
