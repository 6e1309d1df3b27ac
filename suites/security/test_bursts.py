"""Too many calls are stopped, for whoever makes them and for nobody else; nothing that is too large gets through."""

import pytest

from fixtures.expectations.bursts import (
    check_addresses_buy_nothing,
    check_bounds,
    check_bounds_cost_nothing,
    check_costs_bounded,
    check_ends_in_refusal,
    check_limit_is_exact,
    check_old_counters_removed,
    check_others_served,
    check_outage,
    check_refusal_body,
    check_resumed,
    check_subjects_buy_nothing,
    check_victim_unharmed,
)


@pytest.mark.clause("TTS-SEC-ABUSE-01")
def test_tier_one_accepts_exactly_its_limit(burst):
    """All routes of tier 1 together accept exactly the limit of a user and window (TTS-SEC-ABUSE-01)."""
    check_limit_is_exact(burst, "TTS-SEC-ABUSE-01")


@pytest.mark.clause("TTS-SEC-ABUSE-02")
def test_a_refusal_has_its_exact_body(burst):
    """The 429 has exactly its two members, and a wait within the window (TTS-SEC-ABUSE-02)."""
    check_refusal_body(burst.last, burst.window_s, "TTS-SEC-ABUSE-02")


@pytest.mark.clause("TTS-SEC-ABUSE-02")
def test_service_resumes_when_the_refusal_says(burst_over):
    """When the wait that a 429 names is over, the caller is let in again (TTS-SEC-ABUSE-02)."""
    check_resumed(burst_over, "TTS-SEC-ABUSE-02")


@pytest.mark.clause("TTS-SEC-ABUSE-03")
def test_another_user_is_served_meanwhile(burst_beside):
    """While one user is blocked another one is served, from the same address (TTS-SEC-ABUSE-03)."""
    check_others_served(burst_beside, "TTS-SEC-ABUSE-03")


@pytest.mark.clause("TTS-SEC-ABUSE-04")
def test_tier_two_is_limited(burst_tier_2):
    """Of limit + 1 calls to tier 2 in one window the last is a 429 (TTS-SEC-ABUSE-04)."""
    check_ends_in_refusal(burst_tier_2, "TTS-SEC-ABUSE-04")
    check_limit_is_exact(burst_tier_2, "TTS-SEC-ABUSE-04")


@pytest.mark.clause("TTS-SEC-ABUSE-04")
def test_callers_without_a_login_are_limited_by_address(burst_tier_3):
    """Calls to tier 3 without a login end in a 429 at the limit of their address (TTS-SEC-ABUSE-04)."""
    check_ends_in_refusal(burst_tier_3.burst, "TTS-SEC-ABUSE-04")


@pytest.mark.clause("TTS-SEC-ABUSE-05")
def test_a_burst_costs_no_more_than_its_limit(burst_costs):
    """A burst of billable calls reaches the provider no more often than they were accepted (TTS-SEC-ABUSE-05)."""
    check_costs_bounded(burst_costs, "TTS-SEC-ABUSE-05")


@pytest.mark.clause("TTS-SEC-ABUSE-06")
def test_tier_one_is_closed_while_nobody_counts(limiter_outage):
    """With the limiter down tier 1 answers 503, and the other tiers are served (TTS-SEC-ABUSE-06)."""
    check_outage(limiter_outage, "TTS-SEC-ABUSE-06")


@pytest.mark.clause("TTS-SEC-ABUSE-07")
def test_forged_tokens_do_not_block_their_victim(burst_forged_victim):
    """Calls with an unsigned token in a user's name do not use up that user's calls (TTS-SEC-ABUSE-07)."""
    check_victim_unharmed(burst_forged_victim, "TTS-SEC-ABUSE-07")


@pytest.mark.clause("TTS-SEC-ABUSE-07")
def test_forged_subjects_buy_no_quota(burst_forged_subjects):
    """From an address that is refused, unsigned tokens with fresh subjects are refused too (TTS-SEC-ABUSE-07)."""
    check_subjects_buy_nothing(burst_forged_subjects, "TTS-SEC-ABUSE-07")


@pytest.mark.clause("TTS-SEC-ABUSE-08")
def test_forged_addresses_buy_no_quota(forged_addresses):
    """From an address that is refused, calls that claim to be from elsewhere are refused too (TTS-SEC-ABUSE-08)."""
    check_addresses_buy_nothing(forged_addresses, "TTS-SEC-ABUSE-08")


@pytest.mark.clause("TTS-SEC-ABUSE-09")
def test_what_is_too_large_is_refused(bounds):
    """Names, texts and files over their bounds are refused with 400 for that reason (TTS-SEC-ABUSE-09)."""
    check_bounds(bounds, "TTS-SEC-ABUSE-09")


@pytest.mark.clause("TTS-SEC-ABUSE-09")
def test_what_is_too_large_costs_nothing(bounds):
    """Names, texts and files over their bounds are neither charged nor sent to a provider (TTS-SEC-ABUSE-09)."""
    check_bounds_cost_nothing(bounds, "TTS-SEC-ABUSE-09")


@pytest.mark.clause("TTS-SEC-ABUSE-10")
def test_old_counters_are_removed(old_counters):
    """No counter of the limiter is kept for days after its window (TTS-SEC-ABUSE-10)."""
    check_old_counters_removed(old_counters, "TTS-SEC-ABUSE-10")
