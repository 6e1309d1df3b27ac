"""What the deployment must hold before the switch is thrown: secrets, the way back, the old schema."""

import pytest

from fixtures.expectations.provider_preflight import check_key_is_valid
from fixtures.expectations.readiness import (
    check_modal_secrets,
    check_modal_works,
    check_nothing_old_is_gone,
    check_secrets_of_both_providers,
    check_voice_routes,
)


@pytest.mark.clause("TTS-CUT-02")
def test_secrets_of_both_providers_are_set(secret_names):
    """The secrets of both providers are set, by their names (TTS-CUT-02)."""
    check_secrets_of_both_providers(secret_names, "TTS-CUT-02")


@pytest.mark.clause("TTS-CUT-02")
def test_key_is_proven_against_its_region(provider_regions):
    """The provider's key works in the region that is meant (TTS-CUT-02)."""
    check_key_is_valid(provider_regions, "TTS-CUT-02")


@pytest.mark.clause("TTS-RESTORE-10")
def test_modal_secrets_are_set(secret_names):
    """The modal secrets are set, by their names (TTS-RESTORE-10)."""
    check_modal_secrets(secret_names, "TTS-RESTORE-10")


@pytest.mark.clause("TTS-RESTORE-10")
def test_modal_makes_what_is_asked_of_it(modal_works):
    """The modal provider makes what is asked of it, so its secrets are valid (TTS-RESTORE-10)."""
    check_modal_works(modal_works, "TTS-RESTORE-10")


@pytest.mark.clause("TTS-CUT-05")
def test_nothing_old_was_cleaned_away(old_schema):
    """No old column is gone or another before the stabilisation is over (TTS-CUT-05)."""
    check_nothing_old_is_gone(old_schema, "TTS-CUT-05")


@pytest.mark.clause("TTS-MIG-12")
def test_routes_that_name_new_columns_answer(voice_routes):
    """The routes that name new columns answer, so the schema was there first (TTS-MIG-12)."""
    check_voice_routes(voice_routes, "TTS-MIG-12")
