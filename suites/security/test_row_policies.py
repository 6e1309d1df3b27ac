"""The database itself gives a client no more than the contract says; further evidence where one is configured."""

import pytest

from fixtures.expectations.row_policies import (
    check_buckets_are_private,
    check_functions_are_closed,
    check_no_function_opens,
    check_nothing_leaks,
    check_policies_ask,
    check_row_stands,
    check_rules_hold,
)
from rollout_gates.systems.tts.flows.security.declared import ANON, AUTHENTICATED, PROFILES, TABLES
from rollout_gates.systems.tts.flows.security.row_policies import OBJECTS

USERS = ("user_a", "user_b")


@pytest.mark.clause("TTS-SEC-REST-01")
def test_anon_gets_at_no_table_of_the_database(row_policies):
    """As role anon no row is read, written, deleted or truncated, through a view neither (TTS-SEC-REST-01)."""
    check_nothing_leaks(row_policies.report, ["anon"], TABLES, "TTS-SEC-REST-01")


@pytest.mark.clause("TTS-SEC-REST-01")
def test_no_rule_of_the_database_opens_a_table_to_anon(rulebook):
    """No grant of truncate, policy without a condition or view of its owner serves role anon (TTS-SEC-REST-01)."""
    check_rules_hold(rulebook.public, ANON, "TTS-SEC-REST-01")


@pytest.mark.clause("TTS-SEC-REST-02")
def test_user_gets_at_own_rows_of_the_database_only(row_policies):
    """As a signed-in user only what section 5.4 grants is read or deleted, all of it one's own (TTS-SEC-REST-02)."""
    check_nothing_leaks(row_policies.report, USERS, TABLES, "TTS-SEC-REST-02")


@pytest.mark.clause("TTS-SEC-REST-02")
def test_no_rule_of_the_database_opens_a_table_to_users(rulebook):
    """No grant of truncate, policy without a condition or view of its owner serves users (TTS-SEC-REST-02)."""
    check_rules_hold(rulebook.public, AUTHENTICATED, "TTS-SEC-REST-02")


@pytest.mark.clause("TTS-SEC-REST-03")
def test_no_function_of_the_database_can_be_executed(row_policies):
    """As anon or a user no function of the schema is executed, whatever the arguments (TTS-SEC-REST-03)."""
    check_no_function_opens(row_policies.report, ["anon", *USERS], "TTS-SEC-REST-03")


@pytest.mark.clause("TTS-SEC-REST-03")
def test_no_function_with_its_definers_rights_is_granted(rulebook):
    """No function with its definer's rights is granted to a client's role (TTS-SEC-REST-03)."""
    check_functions_are_closed(rulebook.public, "TTS-SEC-REST-03")


@pytest.mark.clause("TTS-SEC-REST-04")
def test_profile_in_the_database_cannot_be_written(row_policies):
    """As a user neither an own profile nor another's is inserted or changed (TTS-SEC-REST-04)."""
    check_row_stands(row_policies.report, USERS, PROFILES, "TTS-SEC-REST-04")


@pytest.mark.clause("TTS-SEC-REST-05")
def test_no_policy_of_stored_objects_is_without_a_condition(rulebook):
    """No policy lets users insert, change or delete any object whatever its bucket or name (TTS-SEC-REST-05)."""
    check_policies_ask(rulebook.storage, AUTHENTICATED, OBJECTS, "TTS-SEC-REST-05")


@pytest.mark.clause("TTS-SEC-ISO-06")
def test_buckets_of_the_database_are_private(rulebook):
    """Both buckets are private (TTS-SEC-ISO-06)."""
    check_buckets_are_private(rulebook.buckets, ["references", "generations"], "TTS-SEC-ISO-06")
