"""A clip becomes a voice once, whatever is sent again, at once, or to no avail."""

import pytest

from fixtures.expectations.cloning import (
    check_clone_call,
    check_cloned_row,
    check_no_calls,
    check_parallel_answers,
    check_preferred_name,
    check_reference_opens,
    check_replayed,
)
from fixtures.expectations.making import check_heard
from fixtures.expectations.replies import check_refused_for, check_statuses
from fixtures.expectations.spending import check_cost_nothing, check_one_clone_charged

NOT_UPLOADED = "Audio file not uploaded."
TOO_LARGE = "Reference audio must be under 10MB."
DUPLICATE = "Duplicate finalize request detected. Please start a new clone upload."


@pytest.mark.clause("TTS-CLONE-02")
def test_finalize_without_an_upload_is_refused(refused_uploads):
    """A clone whose clip was never uploaded is refused with 400 (TTS-CLONE-02)."""
    check_refused_for(refused_uploads.missing, 400, (NOT_UPLOADED,), "TTS-CLONE-02")


@pytest.mark.clause("TTS-CLONE-02")
def test_finalize_of_an_oversized_upload_is_refused(refused_uploads):
    """A clone whose clip is over 10 MiB is refused with 400, stored or not (TTS-CLONE-02)."""
    check_refused_for(refused_uploads.too_large, 400, (NOT_UPLOADED, TOO_LARGE), "TTS-CLONE-02")


@pytest.mark.clause("TTS-CLONE-02")
def test_refused_uploads_cost_nothing(refused_uploads):
    """Neither trial, credits nor a voice come of a refused upload (TTS-CLONE-02)."""
    seen = refused_uploads
    check_cost_nothing([("two refused clones", seen.too_large, seen.before, seen.after)], "TTS-CLONE-02")
    assert seen.rows == (), "a refused clone left a voice behind [TTS-CLONE-02]"


@pytest.mark.clause("TTS-CLONE-02")
def test_refused_uploads_reach_no_provider(refused_uploads):
    """No provider is called for a refused upload, as far as its log can be seen (TTS-CLONE-02)."""
    check_no_calls(refused_uploads.calls or (), "a refused clone", "TTS-CLONE-02")


@pytest.mark.clause("TTS-CLONE-03")
def test_cloned_voice_is_stored_whole(cloned_twice, deployment):
    """The stored voice holds provider id, target model, kind vc, region and request id (TTS-CLONE-03)."""
    check_cloned_row(cloned_twice.row, cloned_twice.prepared, deployment, "TTS-CLONE-03")


@pytest.mark.clause("TTS-CLONE-04")
def test_provider_is_asked_for_the_clone_in_the_agreed_form(created_twice, deployment):
    """The provider's create call has the agreed form and a key (TTS-CLONE-04)."""
    check_clone_call(created_twice.creates[0], created_twice.prepared, deployment.vc_model, "TTS-CLONE-04")


@pytest.mark.clause("TTS-CLONE-04")
def test_name_for_the_provider_is_plain_and_short(created_twice):
    """The name that the provider gets is plain and of at most 16 characters (TTS-CLONE-04)."""
    check_preferred_name(created_twice.creates[0], created_twice.prepared.said["name"], "TTS-CLONE-04")


@pytest.mark.clause("TTS-CLONE-04")
def test_reference_url_opens_without_headers(created_twice):
    """The reference URL that the provider gets leads to the clip without any header (TTS-CLONE-04)."""
    check_reference_opens(created_twice.heard, created_twice.prepared.clip, "TTS-CLONE-04")


@pytest.mark.clause("TTS-CLONE-05")
def test_repeated_finalize_returns_the_same_voice(cloned_twice):
    """A repeated finalize answers 200 with the same id (TTS-CLONE-05)."""
    check_replayed(cloned_twice.again, cloned_twice.prepared.voice_id, "TTS-CLONE-05")


@pytest.mark.clause("TTS-CLONE-05")
def test_repeated_finalize_returns_even_a_deleted_voice(cloned_twice):
    """A finalize repeated after the voice was deleted answers 200 with the same id (TTS-CLONE-05)."""
    check_replayed(cloned_twice.after_delete, cloned_twice.prepared.voice_id, "TTS-CLONE-05")


@pytest.mark.clause("TTS-CLONE-05")
def test_repeated_finalize_costs_nothing(cloned_twice):
    """Repeated finalizes neither charge nor refund (TTS-CLONE-05)."""
    once, again, at_last = cloned_twice.purses
    costs = [("again", cloned_twice.again, once, again), ("after delete", cloned_twice.after_delete, once, at_last)]
    check_cost_nothing(costs, "TTS-CLONE-05")


@pytest.mark.clause("TTS-CLONE-05")
def test_repeated_finalize_reaches_no_provider(cloned_twice):
    """Repeated finalizes make no further create call, as far as the log can be seen (TTS-CLONE-05)."""
    more = [len(asked or ()) - len(cloned_twice.creates[0] or ()) for asked in cloned_twice.creates]
    assert more == [0, 0, 0], f"create calls beyond the first, after each finalize: {more} [TTS-CLONE-05]"


@pytest.mark.clause("TTS-CLONE-06")
def test_parallel_finalizes_are_answered_as_one(cloned_in_parallel):
    """Of parallel finalizes one makes the voice; the others get it, or 409 (TTS-CLONE-06)."""
    check_parallel_answers(cloned_in_parallel, "TTS-CLONE-06")


@pytest.mark.clause("TTS-CLONE-06")
def test_parallel_finalizes_are_charged_once(cloned_in_parallel):
    """Parallel finalizes cost one trial, or the credits of one clone (TTS-CLONE-06)."""
    seen = cloned_in_parallel
    check_one_clone_charged(seen.before, seen.after, seen.answers[0], "TTS-CLONE-06")


@pytest.mark.clause("TTS-CLONE-06")
def test_parallel_finalizes_make_one_voice(cloned_in_parallel):
    """Parallel finalizes leave one row, and one voice at the provider (TTS-CLONE-06)."""
    seen = cloned_in_parallel
    assert len(seen.rows) == 1, f"{len(seen.rows)} voices came of parallel finalizes, expected one [TTS-CLONE-06]"
    assert seen.creates in (None, 0, 1), f"parallel finalizes made {seen.creates} create calls [TTS-CLONE-06]"


@pytest.mark.clause("TTS-CLONE-07")
def test_provider_failure_answers_502(failed_clones):
    """However the provider fails, finalize answers 502 (TTS-CLONE-07)."""
    check_statuses([(f"{seen.failure}", seen.finalize) for seen in failed_clones], 502, "TTS-CLONE-07")


@pytest.mark.clause("TTS-CLONE-07")
def test_provider_failure_leaves_no_voice(failed_clones):
    """No voice is left of a clone that failed at the provider (TTS-CLONE-07)."""
    left = [seen.failure for seen in failed_clones if seen.rows]
    assert left == [], f"a voice was left after {', '.join(left)} [TTS-CLONE-07]"


@pytest.mark.clause("TTS-CLONE-07")
def test_provider_failure_gives_the_charge_back_once(failed_clones):
    """Trial or credits come back once, also when the finalize is repeated (TTS-CLONE-07)."""
    at_once = [(f"{seen.failure}, by {seen.paid_by}", seen.finalize, seen.before, seen.after) for seen in failed_clones]
    at_last = [(f"{seen.failure}, again", seen.again, seen.before, seen.at_last) for seen in failed_clones]
    check_cost_nothing([*at_once, *at_last], "TTS-CLONE-07")


@pytest.mark.clause("TTS-CLONE-07")
def test_failed_clone_cannot_be_finalized_again(failed_clones):
    """A finalize repeated after a failure answers 409 (TTS-CLONE-07)."""
    check_refused_for(failed_clones[0].again, 409, (DUPLICATE,), "TTS-CLONE-07")
    check_statuses([(seen.failure, seen.again) for seen in failed_clones], 409, "TTS-CLONE-07")


@pytest.mark.clause("TTS-CLONE-08")
def test_failed_insert_gives_the_charge_back(clone_conflict):
    """A voice that cannot be written is answered 500, and costs nothing (TTS-CLONE-08)."""
    seen = clone_conflict
    check_refused_for(seen.finalize, 500, ("Failed to create voice.",), "TTS-CLONE-08")
    check_cost_nothing([("a clone with a taken id", seen.finalize, seen.before, seen.after)], "TTS-CLONE-08")


@pytest.mark.clause("TTS-CLONE-08")
def test_failed_insert_spares_the_clip_of_the_voice_that_was_there(clone_conflict):
    """The clip of the voice that has the id already can be heard as before (TTS-CLONE-08)."""
    check_heard(clone_conflict.heard_before, "the clip, before", "TTS-CLONE-08")
    check_heard(clone_conflict.heard_after, "the clip, after", "TTS-CLONE-08")


@pytest.mark.clause("TTS-CLONE-08")
def test_voice_that_the_provider_made_in_vain_is_logged(logged_clone_conflict):
    """Each voice that the provider made for a row that failed is named in a log line (TTS-CLONE-08)."""
    made, logged = logged_clone_conflict.provider_asked, logged_clone_conflict.logged or ()
    assert len(logged) >= made, f"the provider made {made} voices in vain, {len(logged)} are logged [TTS-CLONE-08]"


@pytest.mark.clause("TTS-CLONE-09")
def test_cloning_calls_no_provider(created_twice):
    """A clone in mode modal calls no provider (TTS-CLONE-09)."""
    check_no_calls(created_twice.calls, "a clone in mode modal", "TTS-CLONE-09")
