"""Credits come of payment events that are signed, fresh, new and paid, and of no others."""

import pytest

from fixtures.expectations.money import check_grants
from fixtures.expectations.replies import check_member, check_refused, check_status
from rollout_gates.systems.tts.flows.matrix.payments import PACK

CLAUSE = "TTS-CRED-08"
INVALID = "Invalid Stripe signature."
NEVER_GRANTING = ["unsigned", "signed with another secret", "signed for another event", "stale", "unpaid"]


@pytest.mark.clause("TTS-CRED-08")
def test_event_without_a_signature_is_refused(payments):
    """An unsigned event gets 400 (TTS-CRED-08)."""
    check_refused(payments["unsigned"].first, 400, "Missing Stripe signature.", CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
@pytest.mark.parametrize("title", ["signed with another secret", "signed for another event", "stale"])
def test_event_with_a_bad_signature_is_refused(payments, title):
    """An event whose signature is forged, of another event, or too old gets 400 (TTS-CRED-08)."""
    check_refused(payments[title].first, 400, INVALID, CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
@pytest.mark.parametrize("title", NEVER_GRANTING)
def test_event_that_nobody_paid_for_grants_nothing(payments, title):
    """An event that is forged, stale or unpaid brings no credits (TTS-CRED-08)."""
    check_grants(payments[title], 0, CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
def test_unpaid_event_is_received(payments):
    """A signed event of an unpaid session is received like any other (TTS-CRED-08)."""
    check_status(payments["unpaid"].first, 200, CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
def test_paid_event_is_processed(payments):
    """A signed event of a paid session is answered with processed (TTS-CRED-08)."""
    check_status(payments["paid"].first, 200, CLAUSE)
    check_member(payments["paid"].first, "processed", True, CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
def test_paid_event_grants_its_pack_once(payments):
    """A paid event brings its pack once, however often it is delivered (TTS-CRED-08)."""
    check_grants(payments["paid"], PACK, CLAUSE)


@pytest.mark.clause("TTS-CRED-08")
def test_event_delivered_again_is_a_duplicate(payments):
    """A delivery of an event that was processed says that it is a duplicate (TTS-CRED-08)."""
    check_member(payments["paid"].replies[-1], "duplicate", True, CLAUSE)
