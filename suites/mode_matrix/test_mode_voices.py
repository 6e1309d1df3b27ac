"""Voices and the mode: those of the other provider are shown and refused, and so are those that lack something."""

import pytest

from fixtures.expectations.modes import check_both_listed, check_refused_voice

NO_METADATA = "Voice is missing qwen provider metadata. Re-clone or redesign this voice."
ALIEN = "Voice target model is not supported by current qwen rollout configuration."
MISMATCH = "Voice/provider model mismatch ({kind})."


def of_the_other(settings):
    """Return the words of a refusal that names both providers."""
    other = "modal" if settings.is_qwen else "qwen"
    return f"Voice belongs to provider '{other}'. Switch provider mode or create a {settings.provider_mode} voice."


@pytest.mark.clause("TTS-MODE-03")
def test_voice_of_the_other_provider_is_refused(seeded_voices, deployment):
    """A voice of the other provider is refused with a 409 that names both (TTS-MODE-03)."""
    check_refused_voice(seeded_voices.voices["other provider"], of_the_other(deployment), "TTS-MODE-03")


@pytest.mark.clause("TTS-MODE-04")
@pytest.mark.parametrize("title", ["without a provider id", "without a model"])
def test_voice_without_metadata_is_refused(seeded_voices, title):
    """A voice without provider id or model is refused with 409 (TTS-MODE-04)."""
    check_refused_voice(seeded_voices.voices[title], NO_METADATA, "TTS-MODE-04")


@pytest.mark.clause("TTS-MODE-05")
def test_voice_of_an_unknown_model_is_refused(seeded_voices):
    """A voice whose model is not one of the configured pair is refused with 409 (TTS-MODE-05)."""
    check_refused_voice(seeded_voices.voices["of another model"], ALIEN, "TTS-MODE-05")


@pytest.mark.clause("TTS-MODE-05")
@pytest.mark.parametrize(
    ("title", "kind"),
    [("a clone with the model of designs", "vc"), ("a design with the model of clones", "vd")],
)
def test_voice_of_a_model_of_another_kind_is_refused(seeded_voices, title, kind):
    """A voice whose model is not its kind's is refused with 409 (TTS-MODE-05)."""
    check_refused_voice(seeded_voices.voices[title], MISMATCH.format(kind=kind), "TTS-MODE-05")


@pytest.mark.clause("TTS-MODE-09")
def test_list_shows_voices_of_both_providers(seeded_voices):
    """The list shows the voices of both providers, each with its own (TTS-MODE-09)."""
    check_both_listed(seeded_voices, "TTS-MODE-09")
