"""A user gets at nothing that is another's through the API, whoever of the two it is."""

import pytest

from fixtures.expectations.isolating import check_lists_apart, check_not_signed, check_out_of_reach


@pytest.mark.clause("TTS-SEC-ISO-01")
def test_tasks_of_others_are_out_of_reach(foreign_reach):
    """Another's task, at work or ended, is 404 for get, cancel and delete, and stays as it is (TTS-SEC-ISO-01)."""
    check_out_of_reach(foreign_reach, ["task"], "TTS-SEC-ISO-01")


@pytest.mark.clause("TTS-SEC-ISO-02")
def test_voices_of_others_are_out_of_reach(foreign_reach):
    """Another's voice is 404 for preview, delete and generate, and stays as it is (TTS-SEC-ISO-02)."""
    check_out_of_reach(foreign_reach, ["voice"], "TTS-SEC-ISO-02")


@pytest.mark.clause("TTS-SEC-ISO-02")
def test_lists_hold_nothing_of_others(foreign_reach):
    """No voice and no generation of another is in a user's lists (TTS-SEC-ISO-02)."""
    check_lists_apart(foreign_reach, "TTS-SEC-ISO-02")


@pytest.mark.clause("TTS-SEC-ISO-03")
def test_generations_of_others_are_out_of_reach(foreign_reach):
    """Another's generation is 404 for audio, delete and regenerate, and stays as it is (TTS-SEC-ISO-03)."""
    check_out_of_reach(foreign_reach, ["generation"], "TTS-SEC-ISO-03")


@pytest.mark.clause("TTS-SEC-ISO-04")
def test_clips_and_previews_of_others_become_no_voice(foreign_reach):
    """Another's clip cannot be finalized and another's preview not saved; both stay as they are (TTS-SEC-ISO-04)."""
    check_out_of_reach(foreign_reach, ["clip", "preview"], "TTS-SEC-ISO-04")


@pytest.mark.clause("TTS-SEC-ISO-05")
def test_keys_of_others_are_not_signed(foreign_keys):
    """A row that points at another's object is a 403; one that points at an own object is not (TTS-SEC-ISO-05)."""
    check_not_signed(foreign_keys, "TTS-SEC-ISO-05")
