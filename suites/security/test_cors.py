"""Browsers are told which pages may call, and nobody else's."""

import pytest

from fixtures.expectations.origins import check_of_a_product, check_preflights, check_reflected


@pytest.mark.clause("TTS-SEC-CORS-01")
def test_only_listed_origins_are_reflected(origins):
    """A listed origin is named, any other one gets the first of the list, errors included (TTS-SEC-CORS-01)."""
    check_reflected(origins, "TTS-SEC-CORS-01")


@pytest.mark.clause("TTS-SEC-CORS-01")
def test_a_preflight_is_answered_as_agreed(origins):
    """A preflight gets 204 with exactly the agreed methods, headers and age (TTS-SEC-CORS-01)."""
    check_preflights(origins, "TTS-SEC-CORS-01")


@pytest.mark.clause("TTS-SEC-CORS-02")
def test_production_answers_its_own_origin_first(origins_of_a_product):
    """No wildcard and no developer's machine is allowed, and strangers hear the first origin (TTS-SEC-CORS-02)."""
    check_of_a_product(origins_of_a_product, "TTS-SEC-CORS-02")
