"""Nobody gets in without a good token, and whoever is kept out leaves no trace."""

import pytest

from fixtures.expectations.denying import check_denied_everywhere, check_no_trace, check_ran_out, check_signed_out
from rollout_gates.systems.tts.flows.security.impostors import EXPIRED, NOBODY, WITH_BAD_TOKENS


@pytest.mark.clause("TTS-SEC-AUTH-01")
def test_no_protected_route_serves_a_call_without_a_token(denied_without_token):
    """Every protected route is a 401 without a header; with a good token it is not (TTS-SEC-AUTH-01)."""
    check_denied_everywhere(denied_without_token, NOBODY, "TTS-SEC-AUTH-01")


@pytest.mark.clause("TTS-SEC-AUTH-02")
@pytest.mark.parametrize("who", WITH_BAD_TOKENS)
def test_no_protected_route_serves_a_bad_token(denied_bad_tokens, who):
    """Every protected route is a 401 with whatever stands in place of a good token (TTS-SEC-AUTH-02)."""
    check_denied_everywhere(denied_bad_tokens, who, "TTS-SEC-AUTH-02")


@pytest.mark.clause("TTS-SEC-AUTH-02")
def test_the_expired_token_was_a_good_one(denied_bad_tokens):
    """The token that has run out was let in before that (TTS-SEC-AUTH-02)."""
    check_denied_everywhere(denied_bad_tokens, EXPIRED, "TTS-SEC-AUTH-02")
    check_ran_out(denied_bad_tokens, "TTS-SEC-AUTH-02")


@pytest.mark.clause("TTS-SEC-AUTH-03")
def test_calls_without_a_token_leave_no_trace(denied_without_token):
    """Calls without a header make no row, no charge, no object and no call to a provider (TTS-SEC-AUTH-03)."""
    check_no_trace(denied_without_token, "TTS-SEC-AUTH-03", taken_on=True)


@pytest.mark.clause("TTS-SEC-AUTH-03")
def test_calls_with_a_bad_token_leave_no_trace(denied_bad_tokens):
    """Calls with a bad token make no row, no charge, no object and no call to a provider (TTS-SEC-AUTH-03)."""
    check_no_trace(denied_bad_tokens, "TTS-SEC-AUTH-03")


@pytest.mark.clause("TTS-SEC-AUTH-04")
def test_me_is_signed_out_without_a_token(denied_without_token):
    """Without a header `me` is 200, signed out and without data (TTS-SEC-AUTH-04)."""
    check_signed_out(denied_without_token, "TTS-SEC-AUTH-04")


@pytest.mark.clause("TTS-SEC-AUTH-04")
def test_me_is_signed_out_with_a_bad_token(denied_bad_tokens):
    """With whatever stands in place of a good token `me` is 200, signed out and without data (TTS-SEC-AUTH-04)."""
    check_signed_out(denied_bad_tokens, "TTS-SEC-AUTH-04")
