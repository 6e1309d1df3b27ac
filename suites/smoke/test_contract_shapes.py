"""Answers that other programs read keep their form."""

import pytest

from fixtures.expectations.shapes import GENERATE, VOICES, check_shapes, task_of


@pytest.mark.clause("TTS-CON-01")
def test_generate_answer_has_exactly_its_five_fields(generate_answers):
    """An accepted generate answers exactly five fields, of their types (TTS-CON-01)."""
    check_shapes(generate_answers, GENERATE, "TTS-CON-01")


@pytest.mark.clause("TTS-CON-02")
def test_task_at_work_keeps_its_fields(active_tasks, deployment):
    """A task at work has the old fields and the provider's; with qwen it says what it is doing (TTS-CON-02)."""
    check_shapes(active_tasks, task_of(deployment.provider_mode, active=True), "TTS-CON-02")


@pytest.mark.clause("TTS-CON-02")
def test_ended_task_keeps_its_fields(ended_tasks, deployment):
    """A task that has ended has the old fields and the provider's (TTS-CON-02)."""
    check_shapes(ended_tasks, task_of(deployment.provider_mode, active=False), "TTS-CON-02")


@pytest.mark.clause("TTS-CON-03")
def test_listed_voices_keep_their_fields(voice_pages):
    """A listed voice has the old fields and the provider's, and the list its paging (TTS-CON-03)."""
    check_shapes(voice_pages, VOICES, "TTS-CON-03")
