"""The active mode and lane are advertised."""

import pytest

from fixtures.expectations.capabilities import check_capabilities
from fixtures.expectations.replies import check_member, check_status

CLAUSE = "TTS-SMOKE-02"


@pytest.mark.clause("TTS-SMOKE-02")
def test_languages_names_the_configured_provider(languages, deployment):
    """The languages answer names the provider that the deployment is configured to run (TTS-SMOKE-02)."""
    check_status(languages.answer, 200, CLAUSE)
    check_member(languages.answer, "provider", deployment.provider_mode, CLAUSE)


@pytest.mark.clause("TTS-SMOKE-02")
def test_languages_advertises_the_capabilities_of_mode_and_lane(languages, deployment):
    """The capabilities are those of the configured mode and lane (TTS-SMOKE-02)."""
    check_status(languages.answer, 200, CLAUSE)
    check_capabilities(languages.answer, deployment, CLAUSE)
