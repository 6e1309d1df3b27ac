"""The provider before the switch is thrown: key, regions, models, pairs."""

import pytest

from fixtures.expectations.provider_preflight import (
    check_key_is_refused,
    check_key_is_valid,
    check_models_are_offered,
    check_notices,
    check_pairs_are_refused,
)


@pytest.mark.clause("DS-PRE-01")
def test_key_is_valid_in_its_region(provider_regions):
    """The provider's key is valid in the region that is meant (DS-PRE-01)."""
    check_key_is_valid(provider_regions, "DS-PRE-01")


@pytest.mark.clause("DS-PRE-02")
def test_key_is_refused_by_the_other_region(other_region):
    """The provider's key is refused by the other region (DS-PRE-02)."""
    check_key_is_refused(other_region, "DS-PRE-02")


@pytest.mark.clause("DS-PRE-03")
def test_pinned_models_are_offered(telling_models):
    """The pinned models are still offered (DS-PRE-03)."""
    check_models_are_offered(telling_models, "DS-PRE-03")


@pytest.mark.clause("DS-PRE-04")
def test_no_pinned_model_went_off_line_as_announced(provider_models):
    """No pinned model is off line as the vendor announced (DS-PRE-04)."""
    check_notices(provider_models, "DS-PRE-04")


@pytest.mark.clause("DS-PRE-05")
def test_voice_of_another_kind_is_refused(provider_wrong_pairs):
    """A voice that was not made for a pinned model is refused by it (DS-PRE-05)."""
    check_pairs_are_refused(provider_wrong_pairs, "DS-PRE-05")
