"""Expectations of what is left of a generate: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import aftermath as expected
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Stored
from rollout_gates.systems.tts.flows.matrix.races import Race
from rollout_gates.systems.tts.replies import Playback
from tests.suites.replies import UUID, refusal, reply

C = "TTS-CANCEL-05"
DEBIT = {"event_kind": "debit", "signed_amount": -24, "reference_id": UUID}
REFUND = {"event_kind": "refund", "signed_amount": 24, "reference_id": UUID}
SOUND = Playback(reply(302), reply(200, b"RIFF", content_type="audio/wav"))
SILENCE = Playback(refusal(404, "Generation audio not available."))
OBJECT = Stored(f"{UUID}/{UUID}.wav", {"name": f"{UUID}.wav"}, reply(200, b"RIFF", content_type="audio/wav"))


def left(status, *, generation=None, ledger=(DEBIT,), route=SILENCE, objects=()) -> Aftermath:
    return Aftermath({"status": status}, {"status": generation or status}, ledger, route, objects)


KEPT = left("completed", route=SOUND, objects=(OBJECT,))
FAILED = left("failed", ledger=(DEBIT, REFUND))
CANCELLED = left("cancelled", ledger=(DEBIT, REFUND))


def race(after, *, status=200, before=None, late=None) -> Race:
    return Race("last", reply(status, {"cancelled": True}), before or after, after, late)


def fails(check, *arguments, match=None):
    with pytest.raises(AssertionError, match=match) as caught:
        check(*arguments)
    assert C in str(caught.value)


def test_money_is_counted_from_the_ledger():
    assert (KEPT.debits, KEPT.refunds, KEPT.cost) == (1, 0, 24)
    assert (FAILED.debits, FAILED.refunds, FAILED.cost) == (1, 1, 0)


def test_audio_by_route_or_from_storage_is_obtainable():
    assert KEPT.obtainable
    assert left("cancelled", objects=(OBJECT,)).obtainable
    assert not CANCELLED.obtainable


def test_a_failed_generate_is_refunded_and_silent():
    expected.check_failed_and_refunded(FAILED, "it", C)

    fails(expected.check_failed_and_refunded, left("failed"), "it", C, match="one debit, refunded")
    fails(expected.check_failed_and_refunded, KEPT, "it", C, match="a failed task")
    fails(expected.check_failed_and_refunded, replace(FAILED, objects=(OBJECT,)), "it", C, match="no audio")


def test_a_kept_generate_is_complete_and_paid_for():
    expected.check_kept_and_charged(KEPT, "it", C)

    fails(expected.check_kept_and_charged, replace(KEPT, ledger=(DEBIT, REFUND)), "it", C, match="no refund")
    fails(expected.check_kept_and_charged, left("completed"), "it", C, match="audio after it")
    fails(expected.check_completed_and_charged, left("completed", generation="processing"), "it", C)


def test_nothing_is_completed_that_was_not_kept():
    expected.check_never_completed(left("processing"), "it was broken", C)

    fails(expected.check_never_completed, left("completed", generation="processing"), "it was broken", C)
    fails(expected.check_never_completed, left("processing", generation="completed"), "it was broken", C)


def test_who_pays_has_audio():
    expected.check_costs_nothing_lost(KEPT, "it", C)
    expected.check_costs_nothing_lost(FAILED, "it", C)

    fails(expected.check_costs_nothing_lost, left("processing"), "it", C, match="no cost without audio")


def test_audio_and_refund_are_never_together():
    expected.check_not_both([race(CANCELLED), race(KEPT, status=409)], C)

    fails(expected.check_not_both, [race(replace(CANCELLED, objects=(OBJECT,)))], C, match="never both")
    fails(expected.check_not_both, [race(replace(KEPT, ledger=(DEBIT, REFUND)), status=409)], C, match="never both")


def test_a_refused_cancel_leaves_a_whole_generate():
    expected.check_losers_are_charged([race(KEPT, status=409), race(FAILED, status=409)], C)

    fails(expected.check_losers_are_charged, [race(left("processing"), status=409)], C)
    fails(expected.check_losers_are_charged, [race(replace(KEPT, ledger=(DEBIT, REFUND)), status=409)], C)
    fails(expected.check_losers_are_charged, [race(left("failed"), status=409)], C)


def test_a_cancelled_task_stays_cancelled():
    expected.check_stays_cancelled([race(CANCELLED)], C)

    fails(expected.check_stays_cancelled, [race(KEPT, before=CANCELLED)], C, match="stays cancelled")
    revived = replace(CANCELLED, generation={"status": "completed"})
    fails(expected.check_stays_cancelled, [race(revived, before=CANCELLED)], C, match="a generation that stays")
    fails(expected.check_stays_cancelled, [race(KEPT, status=409)], C, match="200, for a task at work")


def test_a_late_read_shows_the_cancel():
    expected.check_late_answer([race(CANCELLED, late=reply(200, {"status": "cancelled"})), race(CANCELLED)], C)

    fails(expected.check_late_answer, [race(CANCELLED, late=reply(200, {"status": "processing"}))], C)


def test_an_ended_task_is_left_alone():
    expected.check_unchanged(CANCELLED, CANCELLED, "another cancel", C)

    again = replace(CANCELLED, ledger=(DEBIT, REFUND, REFUND))
    fails(expected.check_unchanged, CANCELLED, again, "another cancel", C, match="2 refunds")


def test_a_late_cancel_is_refused_with_the_status():
    expected.check_refused_cancel(refusal(400, "Cannot cancel task with status: failed"), "failed", C)
    expected.check_refused_cancel(reply(400, "<p>no</p>", content_type="text/html"), "failed", C)

    fails(expected.check_refused_cancel, reply(200, {"cancelled": True}), "failed", C)
    fails(expected.check_refused_cancel, refusal(400, "Cannot cancel task with status: completed"), "failed", C)


def test_one_debit_has_one_refund():
    expected.check_one_refund([DEBIT, REFUND], reply(), C)

    fails(expected.check_one_refund, [DEBIT], reply(), C)
    fails(expected.check_one_refund, [DEBIT, REFUND, REFUND], reply(), C)
    fails(expected.check_one_refund, [DEBIT, {**REFUND, "signed_amount": 20}], reply(), C)
