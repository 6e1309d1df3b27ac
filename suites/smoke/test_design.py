"""A description becomes a voice."""

import pytest

from fixtures.expectations.making import check_bytes, check_ended, check_heard
from fixtures.expectations.replies import check_gives, check_step

CLAUSE = "TTS-SMOKE-04"


@pytest.mark.clause("TTS-SMOKE-04")
def test_design_preview_completes(design):
    """A design preview is accepted and completes (TTS-SMOKE-04)."""
    check_step(design.preview_task, "the preview", CLAUSE)
    check_gives(design.preview_task, "task_id", CLAUSE)
    check_ended(design.watch, "completed", CLAUSE)


@pytest.mark.clause("TTS-SMOKE-04")
def test_completed_preview_can_be_heard_before_it_is_saved(design):
    """The completed preview leads to audio that is not empty (TTS-SMOKE-04)."""
    check_step(design.preview_task, "the preview", CLAUSE)
    check_ended(design.watch, "completed", CLAUSE)
    check_bytes(design.sample, "the preview", CLAUSE)


@pytest.mark.clause("TTS-SMOKE-04")
def test_previewed_design_is_saved_as_a_voice(design):
    """A completed preview is saved as a voice (TTS-SMOKE-04)."""
    check_step(design.preview_task, "the preview", CLAUSE)
    check_ended(design.watch, "completed", CLAUSE)
    check_step(design.save, "the save", CLAUSE)


@pytest.mark.clause("TTS-SMOKE-04")
def test_designed_voice_can_be_heard(design):
    """The preview route of the designed voice leads to audio that is not empty (TTS-SMOKE-04)."""
    check_step(design.preview_task, "the preview", CLAUSE)
    check_step(design.save, "the save", CLAUSE)
    check_heard(design.preview, "the designed voice", CLAUSE)
