"""What fails in a stream, before and after its first byte, and in the tasks of its lane; and what is left of it."""

from __future__ import annotations

import pytest

from sandbox.tts.providers.audio import speech_seconds
from tests.sandbox.tts_api.deployed import Deployed
from tests.sandbox.tts_api.streaming import (
    PATH,
    TEXT,
    InBackground,
    balance,
    listen,
    mishap,
    seconds,
    settled,
    stored,
    streamed,
)

UNAVAILABLE = "Provider is temporarily unavailable. Please try again."
TIMED_OUT = "Provider request timed out. Please try again."
REFUSED = "Qwen synthesis request failed"


@pytest.fixture
def user(realtime: Deployed):
    return realtime.user()


@pytest.fixture
def voice_id(user) -> str:
    return user.voice()


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"status": 403, "body": {"message": "canary"}}, (502, REFUSED)),
        ({"status": 429, "body": {"message": "canary"}}, (503, UNAVAILABLE)),
        ({"status": 504, "body": {"message": "canary"}}, (504, TIMED_OUT)),
        ({"drop": True}, (502, UNAVAILABLE)),
    ],
)
def test_a_refused_handshake_is_a_json_error(realtime: Deployed, user, voice_id, how, expected):
    realtime.script("dashscope", "realtime", **how)
    before = balance(user)
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})
    (task,) = realtime.rows("select * from public.tasks where user_id = %s", user.id)

    assert (reply.status_code, reply.json()["detail"]) == expected
    assert reply.headers["content-type"] == "application/json"
    assert (task["status"], task["error"]) == ("failed", expected[1])
    assert balance(user) == before


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        ({"do": "error", "code": "InvalidParameter"}, (502, REFUSED)),
        ({"do": "error", "code": "AccessDenied.Unpurchased"}, (502, REFUSED)),
        ({"do": "error", "code": "Throttling.RateQuota"}, (503, UNAVAILABLE)),
        ({"do": "error", "code": "InternalError.Timeout"}, (504, TIMED_OUT)),
        ({"do": "close"}, (503, UNAVAILABLE)),
        ({"do": "drop"}, (503, UNAVAILABLE)),
        ({"do": "binary"}, (503, UNAVAILABLE)),
        ({"do": "text"}, (503, UNAVAILABLE)),
        ({"do": "text", "data": "[1]"}, (503, UNAVAILABLE)),
        ({"do": "huge", "bytes": 13_000_000}, (503, UNAVAILABLE)),
        ({"do": "event", "event": {"type": "response.audio.delta", "delta": "###"}}, (503, UNAVAILABLE)),
        ({"do": "event", "event": {"type": "response.audio.delta"}}, (503, UNAVAILABLE)),
        ({"do": "event", "event": {"type": "response.done", "response": {"status": "failed"}}}, (503, UNAVAILABLE)),
    ],
)
def test_what_fails_before_the_first_byte_is_a_json_error(realtime: Deployed, user, voice_id, planned, expected):
    mishap(realtime, **planned, after=0)
    before = balance(user)
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert (reply.status_code, reply.json()["detail"]) == expected
    assert balance(user) == before


@pytest.mark.parametrize("at", ["session.created", "session.updated", "response.audio.delta"])
def test_a_silent_provider_times_out(realtime: Deployed, user, voice_id, at):
    realtime.variables(PROVIDER_TIMEOUT_SECONDS="0.3")
    mishap(realtime, "silence", at=at, after=0)
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert (reply.status_code, reply.json()) == (504, {"detail": TIMED_OUT})


def test_a_session_without_audio_is_a_failure(realtime: Deployed, user, voice_id):
    mishap(realtime, "event", at="session.updated", after=0, event={"type": "session.finished"})
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert (reply.status_code, reply.json()) == (503, {"detail": UNAVAILABLE})


def test_an_event_that_nobody_knows_does_no_harm(realtime: Deployed, user, voice_id):
    mishap(realtime, "event", event={"type": "response.mood", "event_id": "event_x"})

    assert seconds(listen(user, voice_id).body) > 1


@pytest.mark.parametrize("planned", [{"do": "error"}, {"do": "close"}, {"do": "drop"}, {"do": "text"}])
def test_what_fails_in_mid_stream_ends_the_connection_and_costs_nothing(realtime: Deployed, user, voice_id, planned):
    mishap(realtime, **planned, after=3)
    before = balance(user)
    heard = listen(user, voice_id)
    task, generation = user.task(heard.task_id), user.generation(heard.generation_id)

    assert (heard.status, heard.broken) == (200, True)
    assert heard.body
    assert (task["status"], generation["status"], generation["audio_object_key"]) == ("failed", "failed", None)
    assert balance(user) == before
    assert realtime.objects("generations", user.id) == []
    metadata = generation["provider_metadata"]
    assert metadata["session_id"] == realtime.heard("dashscope", "realtime")[-1]["session"]
    assert metadata["event_id"]
    assert metadata["error_category"] == "provider_unavailable"


def test_a_provider_that_never_ends_is_cut_off(realtime: Deployed, user, voice_id):
    mishap(realtime, "many", after=0, count=60, bytes=1_000_000)
    before = balance(user)
    heard = listen(user, voice_id)

    assert heard.broken
    assert 50_000_000 < len(heard.body) < 54_000_000
    assert user.task(heard.task_id)["status"] == "failed"
    assert balance(user) == before


def test_what_cannot_be_stored_is_not_completed(realtime: Deployed, user, voice_id):
    realtime.breaking("storage_write:generations")
    before = balance(user)
    heard = listen(user, voice_id)

    assert (heard.status, heard.broken) == (200, True)
    assert user.generation(heard.generation_id)["status"] == "failed"
    assert user.task(heard.task_id)["error"] == "Failed to upload generation audio."
    assert balance(user) == before


def test_what_cannot_be_written_down_leaves_no_object(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    with streamed(user, voice_id) as reply:
        next(reply.iter_raw())
        realtime.breaking("update:generations")
        realtime.release("dashscope", "realtime_last_delta")
        task = settled(user, reply.headers["x-utter-task-id"])

    assert task["status"] == "failed"
    assert realtime.objects("generations", user.id) == []


def test_who_hangs_up_finds_the_audio_in_the_history(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    with streamed(user, voice_id) as reply:
        next(reply.iter_raw())
    realtime.release("dashscope", "realtime_last_delta")
    task = settled(user, reply.headers["x-utter-task-id"])
    audio = stored(user, reply.headers["x-utter-generation-id"])

    assert task["status"] == "completed"
    assert seconds(audio.content) == pytest.approx(speech_seconds(TEXT), abs=0.3)


def test_a_stream_can_be_cancelled(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    before = balance(user)
    listening = InBackground(user, voice_id)
    realtime.until(lambda: realtime.instance.providers.dashscope.held("realtime_last_delta"))
    task = realtime.row("select id from public.tasks where user_id = %s", user.id)["id"]
    cancelled = user.post(f"/tasks/{task}/cancel")
    realtime.release("dashscope", "realtime_last_delta")
    heard = listening.ended()
    realtime.idle()

    assert (cancelled.status_code, heard.broken) == (200, True)
    assert user.generation(heard.generation_id)["status"] == "cancelled"
    assert realtime.objects("generations", user.id) == []
    assert balance(user) == before


def test_a_dead_worker_breaks_the_stream(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    with streamed(user, voice_id) as reply:
        pieces = reply.iter_raw()
        next(pieces)
        realtime.run(realtime.instance.kill_workers())
        with pytest.raises(Exception, match="peer closed connection"):
            list(pieces)


def test_the_task_route_fails_and_refunds(realtime: Deployed, user, voice_id):
    mishap(realtime, "error", code="Throttling.RateQuota", message="canary")
    before = balance(user)
    task = user.ended(user.speech(voice_id, TEXT)["task_id"])

    assert (task["status"], task["error"]) == ("failed", UNAVAILABLE)
    assert balance(user) == before


def test_a_task_cancelled_before_it_is_finished_leaves_nothing(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_finished")
    answer = user.speech(voice_id, TEXT)
    realtime.until(lambda: realtime.instance.providers.dashscope.held("realtime_finished"))
    user.post(f"/tasks/{answer['task_id']}/cancel")
    realtime.release("dashscope", "realtime_finished")
    realtime.idle()

    assert user.generation(answer["generation_id"])["status"] == "cancelled"
    assert realtime.objects("generations", user.id) == []
