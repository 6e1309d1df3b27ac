"""Durability: completed means kept, kept means whole, and what was lost is neither completed nor paid for."""

from urllib.parse import urlsplit

import pytest

from fixtures.expectations.aftermath import (
    check_completed_and_charged,
    check_costs_nothing_lost,
    check_failed_and_refunded,
    check_kept_and_charged,
    check_never_completed,
)
from fixtures.expectations.making import check_ended, check_heard
from fixtures.expectations.replies import check_step
from fixtures.expectations.speaking import (
    check_media_type,
    check_nothing_left,
    check_objects_there,
    check_plays,
    check_races_left_nothing,
)
from fixtures.expectations.tracing import check_failure_trace, check_success_trace, check_version_kept
from fixtures.expectations.wording import listed, told
from rollout_gates.systems.tts.flows.matrix import downloads as scripted


@pytest.mark.clause("TTS-DUR-01")
def test_every_completed_generation_lies_in_storage(belongings, completed_generations):
    """Each completed generation has its key, and its object can be fetched (TTS-DUR-01)."""
    check_objects_there(completed_generations, belongings, "TTS-DUR-01")


@pytest.mark.clause("TTS-DUR-01")
def test_finished_generate_is_kept(speech):
    """A generate whose task completed left audio that can be heard (TTS-DUR-01)."""
    check_ended(speech.watch, "completed", "TTS-DUR-01")
    check_heard(speech.first, "the generation's audio", "TTS-DUR-01")


@pytest.mark.clause("TTS-DUR-02")
def test_audio_comes_from_own_storage(heard_speech, deployment):
    """Playback ends at the deployment's own storage (TTS-DUR-02)."""
    reply = heard_speech.first.media
    own = urlsplit(deployment.storage_url).netloc
    host = urlsplit(heard_speech.first.route.header("location") or reply.request.url).netloc

    assert host == own, told(reply, f"audio from {own}", "TTS-DUR-02", got=f"audio from {host}")


@pytest.mark.clause("TTS-DUR-02")
def test_audio_outlives_the_temporary_url(kept_whole):
    """Audio still plays when the provider does not have it any more (TTS-DUR-02)."""
    check_heard(kept_whole.late.route, "the audio, after the provider dropped it", "TTS-DUR-02")


@pytest.mark.clause("TTS-DUR-03")
@pytest.mark.parametrize("answered", list(scripted.LOST))
def test_lost_url_fails_and_is_refunded(downloads, answered):
    """A temporary URL that does not come back ends as failed and refunded (TTS-DUR-03)."""
    found = next(each for each in downloads.lost if each.answered == answered)

    check_failed_and_refunded(found.left, f"a download that was {answered}", "TTS-DUR-03")


@pytest.mark.clause("TTS-DUR-04")
@pytest.mark.parametrize("answered", list(scripted.PASSING))
def test_passing_trouble_is_survived(downloads, answered):
    """One or two errors that pass do not fail a download (TTS-DUR-04)."""
    found = next(each for each in downloads.passing if each.answered == answered)

    check_completed_and_charged(found.left, f"a download with {answered}", "TTS-DUR-04")


@pytest.mark.clause("TTS-DUR-04")
@pytest.mark.parametrize("answered", list(scripted.LASTING))
def test_lasting_trouble_fails_in_the_end(downloads, answered):
    """Errors that do not pass fail the task after at most three tries (TTS-DUR-04)."""
    found = next(each for each in downloads.lasting if each.answered == answered)

    check_failed_and_refunded(found.left, f"a download with {answered}", "TTS-DUR-04")
    assert found.tries <= 3, told(found.watch.last, "at most 3 tries", "TTS-DUR-04", got=f"{found.tries} tries")


@pytest.mark.clause("TTS-DUR-05")
def test_unstored_audio_is_never_completed(storage_broken):
    """While storage refuses writes, nothing is completed (TTS-DUR-05)."""
    check_never_completed(storage_broken.left, "storage refused writes", "TTS-DUR-05")


@pytest.mark.clause("TTS-DUR-05")
def test_storage_failure_ends_as_the_mode_demands(storage_broken, deployment):
    """After a storage failure qwen has failed and refunded, and modal completes once storage works (TTS-DUR-05)."""
    check_after_mending = {True: check_failed_and_refunded, False: check_kept_and_charged}[deployment.is_qwen]

    check_after_mending(storage_broken.mended, "a storage failure that was mended", "TTS-DUR-05")


@pytest.mark.clause("TTS-DUR-05")
def test_storage_failure_is_told_to_who_reads(storage_broken, deployment):
    """With modal a read that could not store answers 500; with qwen reads go on (TTS-DUR-05)."""
    expected = {True: 200, False: 500}[deployment.is_qwen]

    check_step(storage_broken.reads[-1], "the read", "TTS-DUR-05", expected=(expected,))


@pytest.mark.clause("TTS-DUR-06")
def test_unwritten_row_is_never_completed(row_broken):
    """While a generation's row cannot be written, its task is not completed (TTS-DUR-06)."""
    check_never_completed(row_broken.left, "the generation could not be written", "TTS-DUR-06")


@pytest.mark.clause("TTS-DUR-06")
def test_unwritten_row_costs_nothing_in_the_end(row_broken):
    """A generate whose row could not be written is played or refunded in the end (TTS-DUR-06)."""
    check_costs_nothing_lost(row_broken.mended, "a row that could not be written", "TTS-DUR-06")


@pytest.mark.clause("TTS-DUR-07")
def test_parallel_reads_fetch_the_audio_once(kept_once):
    """Reads at the same moment bring a finished generate home once (TTS-DUR-07)."""
    check_completed_and_charged(kept_once.left, "reads at the same moment", "TTS-DUR-07")

    assert kept_once.fetches == 1, told(
        kept_once.polls[0], "one fetch of the audio", "TTS-DUR-07", got=f"{kept_once.fetches} fetches"
    )


@pytest.mark.clause("TTS-DUR-07")
def test_replayed_reads_leave_the_object_alone(kept_once):
    """Reads after the end do not store the audio again (TTS-DUR-07)."""
    check_version_kept(
        [found.entry for found in (*kept_once.first.objects, *kept_once.left.objects)], kept_once.again[0], "TTS-DUR-07"
    )


@pytest.mark.clause("TTS-DUR-07")
def test_reads_of_a_finished_speech_leave_its_object_alone(belongings, replayed_speech):
    """A finished speech that is read several times at once keeps the object that it had (TTS-DUR-07)."""
    check_version_kept(belongings.versions, replayed_speech, "TTS-DUR-07")


@pytest.mark.clause("TTS-DUR-08")
def test_success_keeps_the_trace_of_the_provider(belongings, completed_generations, deployment):
    """A completed generation keeps request id, audio id, expiry and usage (TTS-DUR-08)."""
    check_success_trace(completed_generations, belongings.listing, deployment.lane, "TTS-DUR-08")


@pytest.mark.clause("TTS-DUR-09")
def test_failure_keeps_the_trace_of_the_provider(kept_trace):
    """A failed generate keeps the provider's request id and a category, in a row or in the log (TTS-DUR-09)."""
    check_failure_trace(kept_trace, "TTS-DUR-09")


@pytest.mark.clause("TTS-DUR-10")
def test_stored_bytes_are_those_of_the_provider(kept_whole):
    """What lies in storage is byte for byte what the provider gave (TTS-DUR-10)."""
    stored = kept_whole.left.objects[0].fetched
    expected = f"the provider's {len(kept_whole.given)} bytes"

    assert stored.body == kept_whole.given, told(stored, expected, "TTS-DUR-10", got=f"{len(stored.body)} others")


@pytest.mark.clause("TTS-DUR-10")
def test_stored_bytes_decode_and_are_rightly_labelled(kept_whole, deployment):
    """What lies in storage is audio that plays to its end, under its own media type (TTS-DUR-10)."""
    stored = kept_whole.left.objects[0].fetched

    check_plays(stored.body, stored, "TTS-DUR-10")
    check_media_type(stored, deployment.lane, deployment.provider_mode, "TTS-DUR-10")


@pytest.mark.clause("TTS-DUR-10")
def test_played_audio_decodes_and_is_rightly_labelled(heard_speech, deployment):
    """What is played back is audio that plays to its end, under its own media type (TTS-DUR-10)."""
    media = heard_speech.first.media

    check_plays(media.body, media, "TTS-DUR-10")
    check_media_type(media, deployment.lane, deployment.provider_mode, "TTS-DUR-10")


@pytest.mark.clause("TTS-DUR-10")
def test_empty_audio_never_completes(kept):
    """A provider's answer without a byte never completes a generate (TTS-DUR-10)."""
    check_never_completed(kept.empty, "the provider gave no bytes", "TTS-DUR-10")


@pytest.mark.clause("TTS-DUR-11")
def test_completed_generations_match_their_tasks(belongings, completed_generations):
    """Each completed generation has a completed task (TTS-DUR-11)."""
    wrong = [
        told(belongings.listing, "a completed task", "TTS-DUR-11", got=f"{row['id']} with tasks {statuses}")
        for row in completed_generations
        for statuses in [[task["status"] for task in belongings.tasks_of(row)]]
        if statuses != ["completed"]
    ]

    assert not wrong, listed(wrong)


@pytest.mark.clause("TTS-DUR-11")
def test_storage_holds_what_is_completed_and_no_more(belongings, completed_generations):
    """The user's folder holds the objects of completed generations and nothing else (TTS-DUR-11)."""
    keys = {row["audio_object_key"] for row in completed_generations}
    left_over = sorted({f"{belongings.owner}/{entry['name']}" for entry in belongings.entries} - keys)

    assert not left_over, told(belongings.listing, "no other objects", "TTS-DUR-11", got=f"{left_over} left over")


@pytest.mark.clause("TTS-DUR-11")
def test_cancelled_generation_leaves_no_object(cancelled_while_made):
    """A generate that is cancelled while its audio comes in leaves nothing in storage (TTS-DUR-11)."""
    check_nothing_left(cancelled_while_made.after, "a cancel while the audio came in", "TTS-DUR-11")


@pytest.mark.clause("TTS-DUR-11")
def test_generates_cancelled_in_close_races_leave_no_object(won_races):
    """A generate that is cancelled as it is about to end leaves nothing in storage (TTS-DUR-11)."""
    check_races_left_nothing(won_races, "TTS-DUR-11")
