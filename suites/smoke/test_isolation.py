"""User B does not get at what is user A's."""

import pytest

from fixtures.expectations.refusing import check_kept_out, check_signed_in, check_untouched

CLAUSE = "TTS-SMOKE-11"


@pytest.mark.clause("TTS-SMOKE-11")
def test_other_user_can_read_nothing(isolation):
    """B's reads of A's task, voice and audio are 404, while A's own succeed and B is signed in (TTS-SMOKE-11)."""
    check_signed_in(isolation.b_signed_in, isolation.b_voices, CLAUSE)
    check_kept_out(isolation.reads, CLAUSE)


@pytest.mark.clause("TTS-SMOKE-11")
def test_other_user_can_change_nothing(isolation):
    """B's cancel and deletes of A's things are 404 (TTS-SMOKE-11)."""
    check_signed_in(isolation.b_signed_in, isolation.b_voices, CLAUSE)
    check_kept_out(isolation.writes, CLAUSE)


@pytest.mark.clause("TTS-SMOKE-11")
def test_owner_is_unaffected_by_the_other_user(isolation):
    """After B has tried everything, A's task, voice and generation are as before (TTS-SMOKE-11)."""
    check_untouched(isolation.before, isolation.after, CLAUSE)
