"""Nobody gets in without a token."""

import pytest

from fixtures.expectations.refusing import check_denied, check_twins_let_in
from rollout_gates.systems.tts.flows.deny import BAD_TOKEN, NO_HEADER

CLAUSE = "TTS-SMOKE-09"


@pytest.mark.clause("TTS-SMOKE-09")
def test_call_without_a_token_is_denied(deny):
    """A protected call without an authorization header is a 401; with a good token it gets through (TTS-SMOKE-09)."""
    check_twins_let_in(deny.denials, CLAUSE)
    check_denied([denial.without for denial in deny.denials], NO_HEADER, CLAUSE)


@pytest.mark.clause("TTS-SMOKE-09")
def test_call_with_a_bad_token_is_denied(deny):
    """A protected call with a token that is none is a 401; with a good token it gets through (TTS-SMOKE-09)."""
    check_twins_let_in(deny.denials, CLAUSE)
    check_denied([denial.bad for denial in deny.denials], BAD_TOKEN, CLAUSE)
