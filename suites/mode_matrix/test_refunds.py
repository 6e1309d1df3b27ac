"""What was charged for work that came to nothing comes back, once."""

import pytest

from fixtures.expectations.aftermath import check_failed_and_refunded
from fixtures.expectations.money import check_deleted_unharmed, check_free_again, check_settled, check_unharmed


@pytest.mark.clause("TTS-CRED-03")
def test_charges_of_ended_work_are_settled_once(refunds):
    """Failed and cancelled work is refunded once and whole, completed work never (TTS-CRED-03)."""
    check_settled(refunds, "TTS-CRED-03")


@pytest.mark.clause("TTS-CRED-03")
def test_users_of_failed_work_have_what_they_had(refunds):
    """Credits and trials are what they were before work that failed or was cancelled (TTS-CRED-03)."""
    check_unharmed(refunds, "TTS-CRED-03")


@pytest.mark.clause("TTS-CRED-03")
def test_generate_in_vain_is_refunded_once(in_vain):
    """A generate that its provider could not speak ends as failed, and its charge comes back once (TTS-CRED-03)."""
    check_failed_and_refunded(in_vain.at_last, "a provider that could not speak it", "TTS-CRED-03")


@pytest.mark.clause("TTS-CRED-07")
def test_deleting_active_work_loses_no_money(deleted_work):
    """Deleting an active task or its generation gives the money back (TTS-CRED-07)."""
    check_deleted_unharmed(deleted_work, "TTS-CRED-07")


@pytest.mark.clause("TTS-CRED-07")
def test_deleting_active_work_frees_its_user(deleted_work):
    """After deleting an active task or its generation the next generate is taken (TTS-CRED-07)."""
    check_free_again(deleted_work, "TTS-CRED-07")
