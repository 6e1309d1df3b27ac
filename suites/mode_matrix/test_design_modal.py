"""Designs in mode modal: audio that comes late, audio that is none."""

import pytest

from fixtures.expectations.replies import check_refused_for

UNWRITABLE = ("Failed to create voice.",)


@pytest.mark.clause("TTS-DESIGN-10")
def test_empty_audio_is_refused(refused_audio):
    """An audio of no bytes is refused with 400 (TTS-DESIGN-10)."""
    check_refused_for(refused_audio.empty, 400, ("Audio file is empty.",), "TTS-DESIGN-10")


@pytest.mark.clause("TTS-DESIGN-10")
def test_audio_of_a_byte_too_many_is_refused(refused_audio):
    """An audio of 1000001 bytes is refused with 400 (TTS-DESIGN-10)."""
    check_refused_for(refused_audio.too_large, 400, ("Audio file must be under 1MB.",), "TTS-DESIGN-10")


@pytest.mark.clause("TTS-DESIGN-10")
def test_name_with_a_nul_is_not_saved(refused_audio):
    """A voice whose name the database refuses is answered 500 with the contract's text (TTS-DESIGN-10)."""
    check_refused_for(refused_audio.unwritable, 500, UNWRITABLE, "TTS-DESIGN-10")


@pytest.mark.clause("TTS-DESIGN-10")
def test_failed_save_leaves_nothing_behind(refused_audio):
    """Refused saves, and one that the database refuses, leave neither object nor voice (TTS-DESIGN-10)."""
    assert refused_audio.objects == (), f"objects were left: {', '.join(refused_audio.objects)} [TTS-DESIGN-10]"
    assert refused_audio.voices == (), f"voices were left: {', '.join(refused_audio.voices)} [TTS-DESIGN-10]"
