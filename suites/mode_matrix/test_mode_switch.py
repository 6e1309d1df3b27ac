"""One switch for everything: what it advertises, where calls go, and what becomes of work across a flip."""

import pytest

from fixtures.expectations.cloning import check_no_calls
from fixtures.expectations.making import check_ended
from fixtures.expectations.modes import check_provider, check_survived, check_traffic
from fixtures.expectations.replies import check_step


@pytest.mark.clause("TTS-MODE-01")
def test_deployment_says_what_it_is_meant_to_run(languages, deployment):
    """Languages names the configured provider, whether anybody may flip it or not (TTS-MODE-01)."""
    check_provider(languages.answer, deployment.provider_mode, "TTS-MODE-01")


@pytest.mark.clause("TTS-MODE-01")
def test_flip_changes_the_mode(flipped):
    """After the variable was changed and deployed, languages names the other provider (TTS-MODE-01)."""
    check_provider(flipped.before, flipped.mode, "TTS-MODE-01")
    check_provider(flipped.after, flipped.other, "TTS-MODE-01")


@pytest.mark.clause("TTS-MODE-01")
def test_flip_back_restores_the_mode(flipped):
    """After the variable was changed back, languages names the first provider again (TTS-MODE-01)."""
    check_provider(flipped.back, flipped.mode, "TTS-MODE-01")


@pytest.mark.clause("TTS-MODE-02")
def test_flip_moves_all_calls_at_once(traffic_after_flip):
    """After a flip clone, design and generate call the new provider, and nothing calls the old one (TTS-MODE-02)."""
    check_traffic(traffic_after_flip, "TTS-MODE-02")


@pytest.mark.clause("TTS-MODE-10")
def test_generate_survives_a_flip(speech_across_flip, flipped):
    """A generate that was begun before a flip completes under its own provider (TTS-MODE-10)."""
    check_survived(speech_across_flip, flipped.mode, "TTS-MODE-10")


@pytest.mark.clause("TTS-MODE-10")
def test_preview_survives_a_flip(preview_across_flip, flipped):
    """A preview that was begun before a flip completes under its own provider (TTS-MODE-10)."""
    check_survived(preview_across_flip, flipped.mode, "TTS-MODE-10")


@pytest.mark.clause("TTS-MODE-11")
def test_old_flows_go_on_in_mode_modal(regression):
    """Clone, preview, generate and cancel work as before with the adapter deployed (TTS-MODE-11)."""
    check_step(regression.clone, "the clone", "TTS-MODE-11")
    check_ended(regression.preview, "completed", "TTS-MODE-11")
    check_ended(regression.speech, "completed", "TTS-MODE-11")
    check_step(regression.cancel, "the cancel", "TTS-MODE-11")


@pytest.mark.clause("TTS-MODE-11")
def test_old_flows_call_the_job_service_alone(regression):
    """In mode modal all calls go to the job service, as far as they can be seen (TTS-MODE-11)."""
    strays = [call for call in regression.calls or () if not call.startswith("modal:")]
    check_no_calls(strays, "a round of clone, preview and generate in mode modal", "TTS-MODE-11")
