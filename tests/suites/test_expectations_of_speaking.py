"""Expectations of generates on their way: where each passes, and where it fails."""

from __future__ import annotations

import io
import wave
from dataclasses import replace

import pytest

from fixtures.expectations import speaking, tracing
from rollout_gates.systems.tts.flows.matrix.aftermath import Aftermath, Stored
from rollout_gates.systems.tts.flows.matrix.belongings import Belongings
from rollout_gates.systems.tts.flows.matrix.keeping import KeptTrace, silence, tone
from rollout_gates.systems.tts.flows.matrix.progress import Look
from rollout_gates.systems.tts.flows.matrix.races import Race
from rollout_gates.systems.tts.flows.matrix.synthesis import Spoken
from rollout_gates.systems.tts.flows.speaking import Start
from rollout_gates.systems.tts.replies import Playback
from tests.suites.replies import UUID, refusal, reply
from tests.suites.test_expectations_of_shapes import settings

C = "TTS-GEN-02"
METADATA = dict.fromkeys(
    (
        "voice_id",
        "voice_name",
        "text_length",
        "text_preview",
        "language",
        "estimated_duration_minutes",
        "credits_debited",
        "credits_remaining_after_debit",
    ),
    1,
)
VOICE = {"provider_target_model": "vd", "provider_voice_id": "p-1"}
FORWARD = [
    ("pending", "provider_submitting"),
    ("processing", "provider_synthesizing"),
    ("processing", "provider_persisting"),
    ("completed", "completed"),
]


def test_a_generation_names_its_provider_and_model():
    row = {"tts_provider": "qwen", "provider_model": "vd"}
    speaking.check_generation_row(row, VOICE, reply(), settings(provider_mode="qwen"), C)
    speaking.check_generation_row({"tts_provider": "modal"}, {}, reply(), settings(provider_mode="modal"), C)

    with pytest.raises(AssertionError, match="its voice's target model"):
        speaking.check_generation_row(
            {**row, "provider_model": "vc"}, VOICE, reply(), settings(provider_mode="qwen"), C
        )
    with pytest.raises(AssertionError, match="tts_provider = 'modal'"):
        speaking.check_generation_row({"tts_provider": "modal"}, {}, reply(), settings(provider_mode="qwen"), C)


def test_a_task_names_its_provider_and_what_was_asked():
    row = {"provider": "modal", "metadata": METADATA, "status": "processing", "modal_job_id": "j"}
    speaking.check_task_row(row, reply(), settings(provider_mode="modal"), C)

    with pytest.raises(AssertionError, match="without modal_job_id"):
        speaking.check_task_row({**row, "modal_job_id": None}, reply(), settings(provider_mode="modal"), C)
    with pytest.raises(AssertionError, match="metadata without voice_id"):
        speaking.check_task_row({"provider": "qwen", "metadata": {}}, reply(), settings(provider_mode="qwen"), C)


def test_states_that_move_forward_pass():
    speaking.check_forward(FORWARD, reply(), "task", C)
    speaking.check_forward([("processing", None), ("processing", "running"), ("completed", None)], reply(), "task", C)


@pytest.mark.parametrize(
    ("samples", "lane"),
    [
        ([("processing", None), ("pending", None)], "task"),
        ([("failed", None), ("completed", None)], "task"),
        ([("processing", "provider_downloading"), ("processing", "provider_synthesizing")], "task"),
        ([("processing", "streaming"), ("processing", "ws_connecting")], "realtime"),
        ([("processing", "running"), ("processing", "submitted"), ("processing", "running")], "task"),
        ([("completed", "completed"), ("completed", "provider_persisting")], "task"),
    ],
)
def test_states_that_go_back_fail(samples, lane):
    with pytest.raises(AssertionError, match="only move forward"):
        speaking.check_forward(samples, reply(), lane, C)


def test_states_are_read_from_answers_and_rows():
    seen = [reply(200, {"status": "processing", "provider_status": "status_error"}), reply(500, {"detail": "no"})]

    assert speaking.answered(seen) == [("processing", None)]
    assert speaking.rows_seen([Look("a", None, {"status": "pending"}, {}), Look("b", None, {}, {})]) == [
        ("pending", None)
    ]


def test_one_of_parallel_generates_is_let_in():
    good = [Start("a", reply(200)), Start("b", refusal(409, "busy"))]
    speaking.check_one_accepted(good, C)

    with pytest.raises(AssertionError, match=r"statuses \[200, 200\]"):
        speaking.check_one_accepted([good[0], good[0]], C)


def test_a_payload_is_what_was_agreed():
    body = {"model": "vd", "input": {"text": "Hello", "voice": "p-1", "language_type": "Auto"}}
    seen = Spoken("Hello", "Arabic", VOICE, Start("Hello", reply(200)), {}, ({"body": body},))
    speaking.check_payloads([seen], {"Arabic": "Auto"}, C)

    for bodies in ((), ({"body": body},) * 2, ({"body": {**body, "model": "vc"}},)):
        with pytest.raises(AssertionError, match="being asked for"):
            speaking.check_payloads([Spoken("Hello", "Arabic", VOICE, seen.started, {}, bodies)], {"Arabic": "Auto"}, C)


@pytest.mark.parametrize("data", [tone(), silence()])
def test_audio_that_is_whole_plays(data):
    speaking.check_plays(data, reply(), C)


def hollow() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
    return written.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"<xml>", tone()[:-200], hollow(), tone()[:30], silence()[:-9], silence() + bytes(96), b"ID3\x04"]
)
def test_audio_that_is_not_whole_does_not_play(data):
    with pytest.raises(AssertionError, match="audio that decodes from beginning to end"):
        speaking.check_plays(data, reply(), C)


def test_audio_is_labelled_as_what_it_is():
    speaking.check_media_type(reply(content_type="audio/wav"), "task", "qwen", C)
    speaking.check_media_type(reply(content_type="audio/mpeg"), "realtime", "qwen", C)

    with pytest.raises(AssertionError, match="content type audio/wav"):
        speaking.check_media_type(reply(content_type="audio/mpeg"), "realtime", "modal", C)


def belongings(**objects) -> Belongings:
    return Belongings((), (), (), (), (), (), (), reply(), objects)


def test_completed_generations_lie_in_storage():
    there = Stored("k", {}, reply(200, b"RIFF"))
    speaking.check_objects_there([{"id": UUID, "audio_object_key": "k"}], belongings(k=there), C)

    for row, found in (
        ({"id": UUID, "audio_object_key": None}, belongings()),
        ({"id": UUID, "audio_object_key": "k"}, belongings()),
        ({"id": UUID, "audio_object_key": "k"}, belongings(k=Stored("k", {}, reply(200)))),
    ):
        with pytest.raises(AssertionError, match=C):
            speaking.check_objects_there([row], found, C)


def test_nothing_is_left_of_what_was_not_finished():
    left = Aftermath({}, {}, (), Playback(reply(404)), ())
    speaking.check_nothing_left(left, "a cancel", C)

    with pytest.raises(AssertionError, match="nothing in storage"):
        speaking.check_nothing_left(
            Aftermath({}, {}, (), left.route, (Stored("k", {}, reply(200, b"x")),)), "a cancel", C
        )


def test_nothing_is_left_of_what_was_cancelled_in_a_race():
    there = (Stored("k", {}, reply(200, b"x")),)

    def race(status, objects=()) -> Race:
        left = Aftermath({"status": "cancelled"}, {"status": status}, (), Playback(reply(404)), objects)
        return Race("try 1", reply(200), left, left)

    speaking.check_races_left_nothing([race("cancelled"), race("completed", there)], C)

    with pytest.raises(AssertionError, match=r"nothing in storage[\s\S]*try 1"):
        speaking.check_races_left_nothing([race("cancelled"), race("cancelled", there)], C)


def test_success_is_traced():
    kept = {"request_id": "r", "audio_id": "a", "audio_expires_at": 1, "usage": {"characters": 2}}
    tracing.check_success_trace([{"id": UUID, "provider_metadata": kept}], reply(), "task", C)
    live = {"session_id": "s", "usage": {"characters": 2}}
    tracing.check_success_trace([{"id": UUID, "provider_metadata": live}], reply(), "realtime", C)

    with pytest.raises(AssertionError, match="audio_id"):
        tracing.check_success_trace([{"id": UUID, "provider_metadata": live}], reply(), "task", C)


def traced(log=(), metadata=None, request_id="r-1") -> KeptTrace:
    left = Aftermath({}, {"provider_metadata": metadata or {}}, (), Playback(reply(404)), ())
    return KeptTrace(request_id, reply(), left, log)


def test_failure_is_traced_in_a_row_or_in_the_log():
    tracing.check_failure_trace(traced(metadata={"request_id": "r-1", "error_category": "validation"}), C)
    tracing.check_failure_trace(traced(({"provider_request_id": "r-1", "error_category": "timeout"},)), C)
    tracing.check_failure_trace(traced(({"error_category": "unknown"},), request_id=None), C)

    with pytest.raises(AssertionError, match="request id r-1"):
        tracing.check_failure_trace(traced(({"error_category": "timeout"},)), C)
    with pytest.raises(AssertionError, match="the category of the error"):
        tracing.check_failure_trace(traced(({"provider_request_id": "r-1", "error_category": "odd"},)), C)


def test_a_request_id_that_nobody_knows_is_still_missed():
    def anonymous(log=(), metadata=None) -> KeptTrace:
        return replace(traced(log, metadata, request_id=None), anonymous=True, ours=frozenset({"ours"}))

    category = {"error_category": "validation"}
    tracing.check_failure_trace(anonymous(metadata={"request_id": "r-1", **category}), C)
    tracing.check_failure_trace(anonymous(({"provider_request_id": "r-1", **category},)), C)
    tracing.check_failure_trace(anonymous(({"upstream": {"requestId": "r-1"}, **category},)), C)

    for line in ({"request_id": "r-1", **category}, {"caused_by": {"request_id": "ours"}, **category}):
        with pytest.raises(AssertionError, match="the provider's request id"):
            tracing.check_failure_trace(anonymous((line,)), C)


def test_an_object_keeps_its_version():
    entry = {"id": UUID, "version": "1", "updated_at": "then"}
    tracing.check_version_kept([entry, entry], reply(), C)

    with pytest.raises(AssertionError, match="the object as it was"):
        tracing.check_version_kept([entry, {**entry, "version": "2"}], reply(), C)
    with pytest.raises(AssertionError, match="seen twice"):
        tracing.check_version_kept([entry], reply(), C)
