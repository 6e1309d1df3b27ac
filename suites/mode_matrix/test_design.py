"""A description becomes one voice, once, whatever is saved again, at once, or cancelled."""

import pytest

from fixtures.expectations.designing import (
    check_audio,
    check_designed_row,
    check_one_row,
    check_one_voice,
    check_preview_result,
    check_previews_failed,
    check_some_saved,
)
from fixtures.expectations.making import check_heard, check_task_status
from fixtures.expectations.replies import check_refused_for, check_status
from fixtures.expectations.spending import check_cost_nothing

NOT_FOUND = "Preview task not found."
INVALID = "Invalid preview task for qwen design save."
NOT_COMPLETED = "Preview task is not completed yet."
NO_METADATA = "Preview task is missing provider metadata. Generate preview again."


@pytest.mark.clause("TTS-DESIGN-02")
def test_preview_and_saves_make_one_create_call(saved):
    """A preview, its save and a second save ask the provider for one voice (TTS-DESIGN-02)."""
    made = len(saved.creates or ())
    assert made == 1, f"preview and saves made {made} create calls, expected one [TTS-DESIGN-02]"


@pytest.mark.clause("TTS-DESIGN-03")
def test_completed_preview_tells_what_the_provider_made(designed, deployment):
    """The result holds object key, provider id, model, kind vd and request id (TTS-DESIGN-03)."""
    check_preview_result(designed, deployment, "TTS-DESIGN-03")


@pytest.mark.clause("TTS-DESIGN-04")
@pytest.mark.parametrize(
    ("title", "status", "detail"),
    [
        ("unknown", 404, NOT_FOUND),
        ("foreign", 404, NOT_FOUND),
        ("of another type", 409, INVALID),
        ("pending", 409, NOT_COMPLETED),
        ("failed", 409, NOT_COMPLETED),
        ("cancelled", 409, NOT_COMPLETED),
        ("without an object key", 409, NO_METADATA),
        ("without a provider id", 409, NO_METADATA),
        ("without a model", 409, NO_METADATA),
    ],
)
def test_unfit_preview_is_not_saved(refused_saves, title, status, detail):
    """A preview that is not the caller's own, completed and complete is refused (TTS-DESIGN-04)."""
    check_refused_for(refused_saves.saves[title], status, (detail,), "TTS-DESIGN-04")


@pytest.mark.clause("TTS-DESIGN-04")
def test_refused_saves_leave_no_voice(refused_saves):
    """No voice comes of a refused save, with neither user (TTS-DESIGN-04)."""
    left = len(refused_saves.voices) + len(refused_saves.foreign_voices)
    assert left == 0, f"{left} voices came of saves that had to be refused [TTS-DESIGN-04]"


@pytest.mark.clause("TTS-MODE-12")
def test_preview_of_the_other_provider_is_not_saved(refused_saves):
    """A preview that was made under mode modal is refused with 409 (TTS-MODE-12)."""
    check_refused_for(refused_saves.saves["of the other provider"], 409, (INVALID,), "TTS-MODE-12")


@pytest.mark.clause("TTS-DESIGN-05")
def test_saved_design_is_stored_whole(saved, deployment):
    """The stored voice is the one that was previewed, with all that belongs to it (TTS-DESIGN-05)."""
    check_designed_row(saved, deployment, "TTS-DESIGN-05")


@pytest.mark.clause("TTS-DESIGN-05")
def test_preview_plays_before_it_is_saved(designed):
    """A completed preview leads to audio, also when its service had to be asked twice (TTS-DESIGN-05)."""
    check_audio(designed.samples, "TTS-DESIGN-05")


@pytest.mark.clause("TTS-DESIGN-05")
def test_preview_plays_after_it_was_saved(saved):
    """The saved voice's preview route leads to audio that is not empty (TTS-DESIGN-05)."""
    check_heard(saved.heard, "the saved voice", "TTS-DESIGN-05")


@pytest.mark.clause("TTS-DESIGN-06")
def test_second_save_returns_the_same_voice(saved):
    """Saving the same preview again returns the voice that there is (TTS-DESIGN-06)."""
    check_one_voice((saved.save, saved.again), saved.voices, "TTS-DESIGN-06")


@pytest.mark.clause("TTS-DESIGN-07")
def test_parallel_saves_leave_one_voice(saved_in_parallel):
    """Saving the same preview several times at once leaves one active voice (TTS-DESIGN-07)."""
    check_some_saved(saved_in_parallel.answers, "TTS-DESIGN-07")
    check_one_row(saved_in_parallel.voices, "TTS-DESIGN-07")


@pytest.mark.clause("TTS-DESIGN-08")
def test_failed_preview_fails_its_task(failed_previews):
    """However the provider fails, the preview's task ends as failed and says why (TTS-DESIGN-08)."""
    check_previews_failed(failed_previews, "TTS-DESIGN-08")


@pytest.mark.clause("TTS-DESIGN-08")
def test_failed_preview_gives_the_charge_back_once(failed_previews):
    """Trial or credits come back once, also when the task is read and cancelled again (TTS-DESIGN-08)."""
    seen = failed_previews
    at_once = [(f"{each.failure}, by {each.paid_by}", each.watch.last, each.before, each.after) for each in seen]
    at_last = [(f"{each.failure}, at last", each.watch.last, each.before, each.at_last) for each in seen]
    check_cost_nothing([*at_once, *at_last], "TTS-DESIGN-08")


@pytest.mark.clause("TTS-DESIGN-09")
def test_cancelled_preview_stays_cancelled(cancelled_preview):
    """A preview cancelled while the provider works stays cancelled when its answer comes (TTS-DESIGN-09)."""
    check_status(cancelled_preview.cancel, 200, "TTS-DESIGN-09")
    check_task_status(cancelled_preview.late, "cancelled", "TTS-DESIGN-09")


@pytest.mark.clause("TTS-DESIGN-09")
def test_cancelled_preview_costs_nothing(cancelled_preview):
    """The charge of a cancelled preview comes back once (TTS-DESIGN-09)."""
    seen = cancelled_preview
    check_cost_nothing([("a cancelled preview", seen.cancel, seen.before, seen.after)], "TTS-DESIGN-09")


@pytest.mark.clause("TTS-DESIGN-09")
def test_cancelled_preview_cannot_be_saved(cancelled_preview):
    """No voice can be made of a cancelled preview (TTS-DESIGN-09)."""
    refused = [reply.status for reply in [cancelled_preview.save] if reply is not None]
    assert 200 not in refused, "a cancelled preview was saved as a voice [TTS-DESIGN-09]"
    assert cancelled_preview.voices == (), "a voice came of a cancelled preview [TTS-DESIGN-09]"
