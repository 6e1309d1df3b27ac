"""Through the data API a client gets at no more than sections 5.3 to 5.5 allow, acted out by anon and two users."""

import pytest

from fixtures.expectations.data_api import (
    check_no_function_is_executed,
    check_nothing_protected_is_written,
    check_reads_are_empty,
    check_writes_are_refused,
)
from rollout_gates.systems.tts.flows.security.data.tables import Whose

ANON = (Whose.ANYBODYS,)
USERS = (Whose.ANOTHERS, Whose.OWN)


@pytest.mark.clause("TTS-SEC-REST-01")
def test_anon_reads_no_row_of_any_table(data_api):
    """Without a login every table reads empty or is refused, while its owner sees the row (TTS-SEC-REST-01)."""
    check_reads_are_empty(data_api, ANON, "TTS-SEC-REST-01")


@pytest.mark.clause("TTS-SEC-REST-01")
def test_anon_writes_nothing_anywhere(data_api):
    """Without a login every insert, change and delete is refused (TTS-SEC-REST-01)."""
    check_writes_are_refused(data_api, ANON, "TTS-SEC-REST-01")


@pytest.mark.clause("TTS-SEC-REST-02")
def test_user_sees_no_row_of_another(data_api):
    """Rows of another user are invisible in every table, while their owner sees them (TTS-SEC-REST-02)."""
    check_reads_are_empty(data_api, USERS, "TTS-SEC-REST-02")


@pytest.mark.clause("TTS-SEC-REST-02")
def test_user_writes_only_what_is_granted(data_api):
    """Every write that section 5.4 does not grant is refused, at own rows and at another's (TTS-SEC-REST-02)."""
    check_writes_are_refused(data_api, USERS, "TTS-SEC-REST-02")


@pytest.mark.clause("TTS-SEC-REST-03")
def test_no_function_can_be_executed(functions):
    """Each function, called by the names of its arguments, is refused to anon and to a user (TTS-SEC-REST-03)."""
    check_no_function_is_executed(functions, "TTS-SEC-REST-03")


@pytest.mark.clause("TTS-SEC-REST-04")
def test_credits_and_provider_fields_cannot_be_written(tampering):
    """Credits, tier, trials, provider fields and object keys stay as they are, whatever is sent (TTS-SEC-REST-04)."""
    check_nothing_protected_is_written(tampering, "TTS-SEC-REST-04")
