"""Generates: what is refused, what stands in the rows, how far they are, and what the provider is asked."""

import pytest

from fixtures.expectations.aftermath import check_failed_and_refunded
from fixtures.expectations.making import check_ended
from fixtures.expectations.replies import check_refused, check_says, check_step
from fixtures.expectations.speaking import (
    answered,
    check_forward,
    check_generation_row,
    check_one_accepted,
    check_payloads,
    check_task_row,
    rows_seen,
)
from fixtures.expectations.wording import told
from rollout_gates.systems.tts.flows.matrix.synthesis import LANGUAGES


@pytest.mark.clause("TTS-GEN-01")
def test_mode_is_judged_before_the_body(speech_refusals):
    """In a mode that does not exist generate says so, whatever the body is (TTS-GEN-01)."""
    found = speech_refusals.refusals["a mode that does not exist, before the body"]

    check_says(found.reply, found.status, found.detail, "TTS-GEN-01")


@pytest.mark.clause("TTS-GEN-01")
def test_text_with_a_nul_is_refused(speech_refusals):
    """A text that no database takes is refused with the text of the step that fails (TTS-GEN-01)."""
    found = speech_refusals.refusals["NUL in the text"]

    check_says(found.reply, found.status, found.detail, "TTS-GEN-01")


@pytest.mark.clause("TTS-GEN-01")
def test_refused_generates_leave_nothing_behind(speech_refusals):
    """A refused generate leaves no task, no generation and no ledger row (TTS-GEN-01)."""
    reply = speech_refusals.refusals["NUL in the text"].reply

    assert not speech_refusals.left, told(reply, "no rows", "TTS-GEN-01", got=f"rows {speech_refusals.left}")


@pytest.mark.clause("TTS-GEN-02")
def test_generation_row_names_provider_and_model(belongings, speech, clone_or_design_row, deployment):
    """A finished generation names its provider and its voice's target model (TTS-GEN-02)."""
    check_ended(speech.watch, "completed", "TTS-GEN-02")
    row = next(found for found in belongings.generations if found["id"] == speech.started.generation_id)

    check_generation_row(row, clone_or_design_row, speech.submit, deployment, "TTS-GEN-02")


@pytest.mark.clause("TTS-GEN-02")
def test_task_row_names_provider_and_what_was_asked(belongings, speech, deployment):
    """A finished task names its provider and keeps what was asked and charged (TTS-GEN-02)."""
    check_step(speech.submit, "the generate", "TTS-GEN-02")
    row = next((found for found in belongings.tasks if found["id"] == speech.started.task_id), {})

    check_task_row(row, speech.submit, deployment, "TTS-GEN-02")


@pytest.mark.clause("TTS-GEN-02")
def test_rows_at_work_say_processing(progress, deployment):
    """While it is made, a generation is processing, under its provider and model (TTS-GEN-02)."""
    first = progress.looks[0]
    check_step(progress.started.reply, "the generate", "TTS-GEN-02")

    check_generation_row(first.generation, progress.voice, progress.started.reply, deployment, "TTS-GEN-02")
    check_task_row(first.task, progress.started.reply, deployment, "TTS-GEN-02")
    assert first.generation.get("status") == "processing", told(
        progress.started.reply, "a generation that is processing", "TTS-GEN-02", got=str(first.generation.get("status"))
    )


@pytest.mark.clause("TTS-GEN-02")
def test_each_kind_of_voice_is_recorded_with_its_own_model(designed_speech, deployment):
    """A generation in a designed voice carries that voice's model (TTS-GEN-02)."""
    check_step(designed_speech.started.reply, "the generate", "TTS-GEN-02")

    check_generation_row(
        designed_speech.generation, designed_speech.voice, designed_speech.started.reply, deployment, "TTS-GEN-02"
    )


@pytest.mark.clause("TTS-GEN-03")
def test_one_of_parallel_generates_is_accepted(overlapping_crowd):
    """Of generates that one user sends together, one is accepted and the others answer 409 (TTS-GEN-03)."""
    check_one_accepted(overlapping_crowd.starts, "TTS-GEN-03")


@pytest.mark.clause("TTS-GEN-03")
def test_one_of_parallel_generates_is_charged(overlapping_crowd, belongings):
    """Generates that were refused because of another one take no credits (TTS-GEN-03)."""
    texts = [start.said for start in overlapping_crowd.starts]
    mine = [row["id"] for row in belongings.generations if row["text"] in texts]
    debits = [row for row in belongings.ledger if row["event_kind"] == "debit" and row["reference_id"] in mine]

    assert len(debits) == 1, told(overlapping_crowd.starts[0].reply, "one debit", "TTS-GEN-03", got=f"debits {debits}")


@pytest.mark.clause("TTS-GEN-04")
def test_reading_a_task_asks_no_provider(progress):
    """Ten reads of a task at work make no call to the provider (TTS-GEN-04)."""
    check_step(progress.started.reply, "the generate", "TTS-GEN-04")
    before, after = progress.asked

    assert len(progress.polls) == 10, "the task was never seen at work, so nothing was read [TTS-GEN-04]"
    assert after == before, told(
        progress.polls[0], f"{before} calls to providers as before", "TTS-GEN-04", got=str(after)
    )


@pytest.mark.clause("TTS-GEN-05")
def test_states_seen_by_the_user_only_move_forward(speech, deployment):
    """The answers about one task never show it further back than before (TTS-GEN-05)."""
    check_step(speech.submit, "the generate", "TTS-GEN-05")

    check_forward(answered(speech.watch.samples), speech.watch.last, deployment.lane, "TTS-GEN-05")


@pytest.mark.clause("TTS-GEN-05")
def test_states_in_the_row_only_move_forward(progress, deployment):
    """The rows of one task, looked at in each of its steps, never go back (TTS-GEN-05)."""
    check_step(progress.started.reply, "the generate", "TTS-GEN-05")

    check_forward(rows_seen(progress.looks), progress.started.reply, deployment.lane, "TTS-GEN-05")


@pytest.mark.clause("TTS-GEN-05")
def test_answers_in_each_step_only_move_forward(progress, deployment):
    """The answers about one task, read in each of its steps, never go back (TTS-GEN-05)."""
    check_step(progress.started.reply, "the generate", "TTS-GEN-05")
    read = [look.answer for look in progress.looks if look.answer is not None]

    check_forward(answered(read), read[-1], deployment.lane, "TTS-GEN-05")


@pytest.mark.clause("TTS-GEN-06")
def test_synthesis_is_asked_for_in_the_agreed_form(synthesis):
    """The provider is asked once a text, for the voice's own model and a language that it knows (TTS-GEN-06)."""
    check_payloads(synthesis.spoken, LANGUAGES, "TTS-GEN-06")


@pytest.mark.clause("TTS-GEN-07")
def test_deleted_voice_does_not_speak(voice_removal):
    """A generate with a deleted voice answers 404 (TTS-GEN-07)."""
    check_refused(voice_removal.generate.reply, 404, "Voice not found", "TTS-GEN-07")


@pytest.mark.clause("TTS-GEN-07")
def test_generate_with_a_deleted_voice_is_free(voice_removal):
    """A generate with a deleted voice takes no credits (TTS-GEN-07)."""
    assert not voice_removal.charged, told(
        voice_removal.generate.reply, "no ledger row", "TTS-GEN-07", got=f"rows {voice_removal.charged}"
    )


@pytest.mark.clause("TTS-GEN-08")
@pytest.mark.parametrize("which", [0, 1], ids=["first", "second"])
def test_voice_can_be_deleted_again(voice_removal, which):
    """A voice is deleted with 200, and so it is when it is deleted again (TTS-GEN-08)."""
    check_step(voice_removal.deletes[which], "the delete", "TTS-GEN-08")


@pytest.mark.clause("TTS-GEN-08")
def test_deleted_voice_keeps_its_row(voice_removal):
    """The row of a deleted voice stays, and says when it was deleted (TTS-GEN-08)."""
    row = voice_removal.row

    assert row is not None, told(voice_removal.deletes[0], "a row that stays", "TTS-GEN-08", got="no row")
    assert row["deleted_at"], told(voice_removal.deletes[0], "deleted_at on the row", "TTS-GEN-08", got="none")


@pytest.mark.clause("TTS-GEN-08")
def test_deleted_voice_is_not_listed(voice_removal):
    """A deleted voice is on no list (TTS-GEN-08)."""
    check_step(voice_removal.listing, "the list of voices", "TTS-GEN-08")

    assert voice_removal.listed is None, told(voice_removal.listing, "a list without it", "TTS-GEN-08", got="it")


@pytest.mark.clause("TTS-GEN-08")
def test_deleted_voice_has_no_preview(voice_removal):
    """The preview of a deleted voice answers 404 (TTS-GEN-08)."""
    check_refused(voice_removal.preview, 404, "Voice not found.", "TTS-GEN-08")


@pytest.mark.clause("TTS-GEN-08")
def test_delete_spares_the_copy_of_the_provider(voice_removal_in_sight):
    """Deleting a voice makes no delete call to the provider (TTS-GEN-08)."""
    calls = voice_removal_in_sight.deletions

    assert not calls, told(voice_removal_in_sight.deletes[0], "no call", "TTS-GEN-08", got=f"calls {calls}")


@pytest.mark.clause("TTS-GEN-09")
def test_refused_job_answers_502(refused_job):
    """A job that the service refuses answers 502 (TTS-GEN-09)."""
    check_refused(refused_job.started.reply, 502, "Failed to submit generation job.", "TTS-GEN-09")


@pytest.mark.clause("TTS-GEN-09")
def test_refused_job_fails_and_is_refunded(refused_job):
    """A job that the service refuses leaves failed rows and costs nothing (TTS-GEN-09)."""
    check_failed_and_refunded(refused_job.left, "a refused submission", "TTS-GEN-09")


@pytest.mark.clause("TTS-GEN-10")
def test_task_of_a_dead_worker_ends(worker_death):
    """A task whose worker died ends within its maximum lifetime, and costs nothing (TTS-GEN-10)."""
    what = f"{worker_death.waited_s} s without a worker"

    check_failed_and_refunded(worker_death.left, what, "TTS-GEN-10")


@pytest.mark.clause("TTS-GEN-10")
def test_dead_worker_does_not_block_its_user(worker_death):
    """After the maximum lifetime of a task its user may speak again (TTS-GEN-10)."""
    check_step(worker_death.next.reply, "the next generate", "TTS-GEN-10")
