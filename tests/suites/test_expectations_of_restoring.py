"""What must be there after a restoration: each expectation passes, and fails for each thing that is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations.restoring import (
    check_apart,
    check_errors_are_told,
    check_flights_ended,
    check_kept,
    check_legacy_kept,
    check_modal_makes_voices,
    check_modal_speaks,
    check_old_build_reads,
    check_old_build_writes,
    check_qwen_voice_is_refused,
    check_stays_hidden,
    check_turned,
    check_usable_again,
)
from rollout_gates.systems.tts.flows.errors import Probe, Probes
from rollout_gates.systems.tts.flows.isolation import TASK, Reach
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath
from rollout_gates.systems.tts.flows.restoration.drill import Turned
from rollout_gates.systems.tts.flows.restoration.legacy import Legacy
from rollout_gates.systems.tts.flows.restoration.rehearsal import AfterModal, Flight, Restored, Spoken
from rollout_gates.systems.tts.flows.restoration.rollback import RolledBack
from rollout_gates.systems.tts.flows.speaking import Start
from rollout_gates.systems.tts.replies import Playback
from rollout_gates.systems.tts.watching import Watch
from tests.suites.replies import page, refusal, reply

CLAUSE = "TTS-X-01"
SOUND = reply(200, b"RIFF0000", content_type="audio/wav")
HEARD = Playback(SOUND, SOUND)
SAMPLE = SOUND
SILENT = Playback(refusal(404, "Generation not found."))


def failure(check, *given):
    with pytest.raises(AssertionError) as failed:
        check(*given, CLAUSE)
    assert f"[{CLAUSE}]" in str(failed.value)
    return str(failed.value)


def watched(status="completed", provider="modal"):
    seen = reply(200, {"status": status, "provider": provider})
    return Watch("t", (seen,), ended=status in ("completed", "failed", "cancelled"), waited_s=3.0)


def spoke(status="completed", provider="modal", audio=HEARD):
    return Spoken("v", Start("x", reply(200, {}), "t", "g"), watched(status, provider), audio)


def turned(to="modal", shown=0.5, says=None):
    return Turned(to, 1.0, shown, 3.0, reply(200, {"provider": says or to}, path="/languages"))


AFTER = AfterModal(
    reply(200, {"id": "v"}), reply(200, {"task_id": "p"}), watched(), SAMPLE, spoke(), Start("y", reply(200, {}), "c", "h"),
    reply(200, {"success": True}), reply(200, {"status": "cancelled"}),
)  # fmt: skip


def left(status="completed", *, refunds=0, audio=HEARD):
    ledger = [{"event_kind": "debit", "signed_amount": -5}, *[{"event_kind": "refund", "signed_amount": 5}] * refunds]
    return Aftermath({"status": status}, {"status": status}, tuple(ledger), audio, ())


def flight(status="completed", **options):
    return Flight(
        "that went on", Start("z", reply(200, {}), "t", "g"), watched(status, "qwen"), left(status, **options)
    )


def restored(**changes):
    plain = Restored(
        period=spoke(provider="qwen"),
        flights=(flight(),),
        back=turned(),
        modal=AFTER,
        to_restore_s=4.0,
        listing=page("generations", [{"id": "g"}]),
        replay=HEARD,
        refused=refusal(409, "Voice belongs to provider 'qwen'."),
        reaches=(Reach("read the task", TASK, reply(200, {}), refusal(404, TASK)),),
        errors=Probes((Probe("no text", refusal(400, "Text is required.")),), reply(200, {"voices": []})),
        again=turned("qwen"),
        reused=spoke(provider="qwen"),
    )
    return replace(plain, **changes)


def test_the_flip_back_is_seen():
    check_turned(turned(), CLAUSE)
    assert "returned another provider, expected provider = 'modal' within 3 s" in failure(
        check_turned, turned(shown=None)
    )
    assert "returned it after 9 s" in failure(check_turned, turned(shown=9))
    assert "returned provider = 'qwen'" in failure(check_turned, turned(says="qwen"))


def test_modal_speaks():
    check_modal_speaks(AFTER, CLAUSE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clone": refusal(500, "x"), "speech": None}, "returned 500, expected 200, so that there is a voice"),
        ({"speech": Spoken("v", Start("x", refusal(409, "x")))}, "returned 409, expected 200 for a generate by modal"),
        ({"speech": spoke("failed")}, "returned failed, expected a completed task"),
        ({"speech": spoke(provider="qwen")}, "returned provider = 'qwen', expected provider = 'modal'"),
        ({"speech": spoke(audio=SILENT)}, "returned none, expected audio at its end"),
        ({"cancel": None, "cancelled": None}, "expected 200 for a generate to cancel"),
        ({"cancel": refusal(500, "x")}, "returned 500, expected 200 for a cancel"),
        (
            {"cancelled": reply(200, {"status": "processing"})},
            "returned status = 'processing', expected a cancelled task",
        ),
    ],
)
def test_modal_does_not_speak(changes, says):
    assert says in failure(check_modal_speaks, replace(AFTER, **changes))


def test_modal_makes_voices():
    check_modal_makes_voices(AFTER, CLAUSE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clone": refusal(502, "x")}, "returned 502, expected 200 for a clone"),
        ({"preview": refusal(502, "x")}, "returned 502, expected 200 for a design preview"),
        ({"preview_watch": None}, "expected a task to wait for"),
        ({"preview_watch": watched("failed")}, "returned failed, expected a completed task"),
        ({"preview_watch": watched(provider="qwen")}, "returned provider = 'qwen'"),
        ({"sample": None}, "the completed preview has no audio"),
        (
            {"sample": reply(200, b"wait", content_type="audio/wav")},
            "returned 4 bytes of something else, expected audio",
        ),
    ],
)
def test_modal_makes_no_voices(changes, says):
    assert says in failure(check_modal_makes_voices, replace(AFTER, **changes))


def test_what_was_made_is_kept():
    check_kept(restored(), CLAUSE)
    assert "returned no such row" in failure(check_kept, restored(listing=page("generations", [])))
    assert "expected its audio" in failure(check_kept, restored(replay=SILENT))
    other = reply(200, b"RIFF9999", content_type="audio/wav")
    assert "returned other bytes" in failure(check_kept, restored(replay=Playback(other, other)))


OLD = {"id": "v", "name": "Nora", "language": "English"}
LEGACY = Legacy(
    "v", "g", OLD, page("voices", [{**OLD, "tts_provider": "modal"}]), page("generations", [{"id": "g"}]), HEARD, HEARD
)


def test_what_was_there_before_the_migration_is_kept():
    check_legacy_kept(LEGACY, CLAUSE)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"voices": page("voices", [])}, "returned no such row, expected the voice from before the migration"),
        ({"voices": page("voices", [{**OLD, "language": "English (old)"}])}, "returned language = 'English (old)'"),
        (
            {"voices": page("voices", [{**OLD, "tts_provider": "qwen"}])},
            "returned one of 'qwen', expected a voice of modal",
        ),
        ({"generations": page("generations", [])}, "expected the generation from before"),
        ({"heard": SILENT}, "expected the audio that was there before"),
    ],
)
def test_what_was_there_before_the_migration_is_lost(changes, says):
    assert says in failure(check_legacy_kept, replace(LEGACY, **changes))


@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_a_qwen_voice_that_is_not_refused_with_409(status):
    check_qwen_voice_is_refused(restored(), CLAUSE)
    assert f"returned {status}, expected 409" in failure(
        check_qwen_voice_is_refused, restored(refused=refusal(status, "x"))
    )


@pytest.mark.parametrize("ended", [flight(), flight("failed", refunds=1, audio=SILENT), flight("cancelled", refunds=1)])
def test_flights_that_ended(ended):
    check_flights_ended([ended], CLAUSE)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (flight("processing"), "returned processing for 3 s, expected an end of the generate that went on"),
        (flight("failed", audio=SILENT), "expected a refund of the generate that went on"),
        (flight("completed", audio=SILENT), "expected audio of the generate that went on"),
        (flight("completed", refunds=1), "expected audio of the generate that went on"),
    ],
)
def test_flights_that_did_not(ended, says):
    assert says in failure(check_flights_ended, [flight(), ended])
    assert "no generate was under way" in failure(check_flights_ended, [])


def test_the_next_cutover():
    check_usable_again(restored(), CLAUSE)
    by_modal = restored(reused=spoke())
    assert "returned provider = 'modal', expected provider = 'qwen'" in failure(check_usable_again, by_modal)
    refused = Spoken("v", Start("x", refusal(409, "Voice target model is not supported")))
    assert "returned 409, expected 200 for a generate by qwen" in failure(check_usable_again, restored(reused=refused))


def test_users_stay_apart_and_errors_are_json():
    check_apart(restored(), CLAUSE)
    check_errors_are_told(restored(), CLAUSE)
    leak = (Reach("read the task", TASK, reply(200, {}), reply(200, {"status": "completed"})),)
    assert "returned 200" in failure(check_apart, restored(reaches=leak))
    html = Probes((Probe("no text", reply(400, "<p>no</p>", content_type="text/html")),), reply(200, {"voices": []}))
    assert "text/html" in failure(check_errors_are_told, restored(errors=html))


ROLLED = RolledBack(
    kept="k", deleted="d", generation_id="g", before=page("voices", [{"id": "k"}]), voices=page("voices", [{"id": "k"}]),
    generations=page("generations", [{"id": "g"}]), replay=HEARD, made=reply(200, {}), started=Start("x", reply(200, {})),
    watch=watched(),
)  # fmt: skip


def test_the_old_build_works():
    for check in (check_old_build_reads, check_old_build_writes, check_stays_hidden):
        check(ROLLED, CLAUSE)


@pytest.mark.parametrize(
    ("check", "changes", "says"),
    [
        (
            check_old_build_reads,
            {"voices": refusal(500, "x")},
            "returned 500, expected 200 with the voices from before",
        ),
        (check_old_build_reads, {"voices": page("voices", [])}, "returned 0 others, expected the voices from before"),
        (check_old_build_reads, {"generations": refusal(500, "x")}, "200 with the generations from before"),
        (check_old_build_reads, {"replay": SILENT}, "expected the audio from before"),
        (check_old_build_writes, {"made": refusal(500, "x")}, "returned 500, expected 200 for a clone"),
        (check_old_build_writes, {"watch": None}, "expected 200 for a generate"),
        (check_old_build_writes, {"watch": watched("failed")}, "returned failed, expected a completed task"),
        (
            check_stays_hidden,
            {"voices": page("voices", [{"id": "k"}, {"id": "d"}])},
            "expected a list without the deleted",
        ),
        (check_stays_hidden, {"voices": page("voices", [])}, "returned a list without it"),
    ],
)
def test_the_old_build_does_not_work(check, changes, says):
    assert says in failure(check, replace(ROLLED, **changes))
