"""The provider's REST calls: voices made, listed, spoken with and deleted."""

import pytest

from fixtures.expectations.provider_rest import (
    check_count,
    check_deleted_is_silent,
    check_deleted_once,
    check_forms,
    check_listed_while_there,
    check_made_as_asked,
    check_no_preview,
    check_pages,
    check_preview,
    check_request_ids,
    check_sound,
    check_speech,
)


@pytest.mark.clause("DS-REST-33")
def test_every_answer_has_a_request_id_of_its_own(provider_customization):
    """Every answer has a request id of its own (DS-REST-33)."""
    check_request_ids(provider_customization.answers, "DS-REST-33")


@pytest.mark.clause("DS-REST-34")
def test_successes_and_failures_have_their_forms(provider_customization):
    """A success has its result and no code, a failure a status, a code and a message (DS-REST-34)."""
    check_forms(provider_customization.answers, "DS-REST-34")


@pytest.mark.clause("DS-REST-35")
def test_synthesis_tells_where_and_until_when(provider_speech):
    """A synthesis tells where its audio lies, for about a day (DS-REST-35)."""
    check_speech(provider_speech, "DS-REST-35")


@pytest.mark.clause("DS-REST-35")
def test_synthesised_audio_is_a_wav_file_for_anybody(provider_speech):
    """The audio is fetched without a key, and is a WAV file (DS-REST-35)."""
    check_sound(provider_speech, "DS-REST-35")


@pytest.mark.clause("DS-REST-36")
def test_deleted_voice_is_not_spoken(provider_customization):
    """A voice that was deleted is not spoken any more (DS-REST-36)."""
    check_deleted_is_silent(provider_customization.after_delete, "DS-REST-36")


@pytest.mark.clause("DS-REST-37")
def test_clone_is_made_as_asked(provider_customization):
    """A clone is of the model and the name that were asked for, without a preview (DS-REST-37)."""
    made = provider_customization
    check_made_as_asked(made.created, made.target_model, made.name, "DS-REST-37")
    check_no_preview(made.created, "DS-REST-37")


@pytest.mark.clause("DS-REST-37")
def test_design_is_made_as_asked(made_design):
    """A design is of the model and the name that were asked for, with a preview (DS-REST-37)."""
    check_made_as_asked(made_design.created, made_design.target_model, made_design.name, "DS-REST-37")
    check_preview(made_design.created, "DS-REST-37")


@pytest.mark.clause("DS-REST-38")
def test_create_counts_one_and_the_rest_nothing(provider_customization):
    """A create counts one; a list and a delete count nothing (DS-REST-38)."""
    check_count(provider_customization.created, 1, "DS-REST-38")
    check_count(provider_customization.before.replies[0], 0, "DS-REST-38")
    check_count(provider_customization.deleted, 0, "DS-REST-38")


@pytest.mark.clause("DS-REST-38")
def test_voice_is_deleted_only_once(provider_customization):
    """A voice that was deleted cannot be deleted again (DS-REST-38)."""
    check_deleted_once(provider_customization.deleted, provider_customization.deleted_again, "DS-REST-38")


@pytest.mark.clause("DS-REST-39")
def test_pages_neither_overlap_nor_miscount(provider_customization):
    """The pages of a list hold each voice once, and tell how many there are (DS-REST-39)."""
    check_pages(provider_customization.before, "DS-REST-39")
    check_pages(provider_customization.after, "DS-REST-39")


@pytest.mark.clause("DS-REST-39")
def test_list_forgets_what_was_deleted(provider_customization):
    """A voice is listed until it is deleted (DS-REST-39)."""
    made = provider_customization
    check_listed_while_there(made.before, made.after, made.voice, "DS-REST-39")
