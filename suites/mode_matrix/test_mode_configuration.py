"""What comes from configuration, and what a wrong one may do: say so, and cost nothing."""

import pytest

from fixtures.expectations.capabilities import check_capabilities
from fixtures.expectations.modes import check_cap_agrees, check_models, check_region, check_spelling, check_wrong_mode
from fixtures.expectations.replies import check_status
from fixtures.expectations.spending import check_cost_nothing


@pytest.mark.clause("TTS-MODE-06")
@pytest.mark.parametrize("route", ["languages", "generate", "design save"])
def test_mistyped_mode_is_told_as_one_fixed_error(misconfigured, route):
    """A mode that there is not answers a fixed 500 that names it (TTS-MODE-06)."""
    check_wrong_mode(misconfigured.answers[route], misconfigured.wrong, "TTS-MODE-06")


@pytest.mark.clause("TTS-MODE-07")
def test_misconfiguration_costs_the_user_nothing(expenses_of_misconfiguration):
    """Clone and preview under a wrong configuration cost neither trial nor credits (TTS-MODE-07)."""
    costs = [
        (f"{each.title} with a wrong {each.wrong}", each.reply, each.before, each.after)
        for each in expenses_of_misconfiguration
    ]
    check_cost_nothing(costs, "TTS-MODE-07")


@pytest.mark.clause("TTS-MODE-08")
def test_mode_is_read_in_any_case_and_modal_by_default(spellings_of_the_mode):
    """No variable means modal; letter case and white space do not matter (TTS-MODE-08)."""
    check_spelling(spellings_of_the_mode, "TTS-MODE-08")


@pytest.mark.clause("TTS-MODE-13")
def test_provider_is_called_at_the_configured_region(regions):
    """Calls go to the configured host, and voices tell the configured region (TTS-MODE-13)."""
    check_region(regions, "TTS-MODE-13")
    assert regions.elsewhere == 0, "a clone in mode qwen called the job service too [TTS-MODE-13]"


@pytest.mark.clause("TTS-MODE-13")
def test_key_of_another_region_fails_cleanly(regions):
    """A key that the host refuses is answered 502 and leaves no voice; its price is TTS-CLONE-07's (TTS-MODE-13)."""
    check_status(regions.refused, 502, "TTS-MODE-13")
    assert regions.refused_row is None, "a voice was stored that the provider had refused [TTS-MODE-13]"


@pytest.mark.clause("TTS-MODE-14")
def test_advertised_cap_is_configured_and_enforced(caps):
    """The configured cap is the one that is advertised and enforced (TTS-MODE-14)."""
    check_cap_agrees(caps, "TTS-MODE-14")


@pytest.mark.clause("TTS-MODE-14")
def test_capabilities_are_those_of_mode_and_lane(caps, deployment):
    """The advertised capabilities are those of the configured mode and lane (TTS-MODE-14)."""
    check_capabilities(caps[0].languages, deployment, "TTS-MODE-14")


@pytest.mark.clause("TTS-MODE-14")
def test_voices_are_made_with_the_configured_models(models):
    """Clones and designs are made with the models that are configured (TTS-MODE-14)."""
    check_models(models, "TTS-MODE-14")
