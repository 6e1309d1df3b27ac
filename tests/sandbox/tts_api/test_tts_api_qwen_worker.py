"""The qwen worker: its steps, its checkpoints, and what each failure leaves behind."""

from __future__ import annotations

import pytest

from sandbox.tts.providers.audio import speech_wav
from tests.sandbox.tts_api.deployed import Deployed, User

TIMED_OUT = "Provider request timed out. Please try again."
UNAVAILABLE = "Provider is temporarily unavailable. Please try again."
DOWNLOAD = "Failed to download provider audio"


def balance(user: User) -> int:
    return user.profile()["credits_remaining"]


def begun(qwen: Deployed) -> tuple[User, dict]:
    """A user and an accepted generate."""
    user = qwen.user()
    return user, user.speech(user.voice())


def test_a_completed_task_has_its_audio_in_storage(qwen: Deployed):
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    assert task == {
        "id": answer["task_id"],
        "type": "generate",
        "status": "completed",
        "result": {"audio_url": f"/api/generations/{answer['generation_id']}/audio"},
        "error": None,
        "provider": "qwen",
        "provider_status": "completed",
        "provider_poll_count": 0,
        "modal_status": None,
        "modal_elapsed_seconds": None,
        "modal_poll_count": 0,
    }
    generation = user.generation(answer["generation_id"])
    assert generation["audio_object_key"] == f"{user.id}/{answer['generation_id']}.wav"
    assert (generation["status"], generation["output_format"]) == ("completed", "wav")
    assert generation["completed_at"] is not None
    assert generation["generation_time_seconds"] >= 0
    assert set(generation["provider_metadata"]) == {"request_id", "audio_id", "audio_expires_at", "usage"}
    assert balance(user) == 20_000 - 13


def test_the_stored_bytes_are_the_providers(qwen: Deployed):
    user, answer = begun(qwen)
    user.ended(answer["task_id"])
    redirect = user.get(f"/generations/{answer['generation_id']}/audio")
    played = qwen.http.get(redirect.headers["location"])
    assert played.content == speech_wav("Good morning.")
    assert played.headers["content-type"] == "audio/wav"


def test_the_voice_model_and_language_reach_the_provider(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    user.ended(user.post("/generate", {"voice_id": voice_id, "text": "Hi.", "language": "german"}).json()["task_id"])
    user.ended(user.post("/generate", {"voice_id": voice_id, "text": "Hi.", "language": "Dutch"}).json()["task_id"])
    sent = [entry["body"] for entry in qwen.heard("dashscope", "synthesis")]
    voice = qwen.row("select * from public.voices where id = %s", voice_id)
    assert sent[0] == {
        "model": voice["provider_target_model"],
        "input": {"text": "Hi.", "voice": voice["provider_voice_id"], "language_type": "German"},
    }
    assert sent[1]["input"]["language_type"] == "Auto"


def test_each_step_can_be_seen_and_polling_asks_nobody(qwen: Deployed):
    qwen.hold("dashscope", "synthesis")
    qwen.hold("audio_host", "download")
    user, answer = begun(qwen)
    seen = []

    def status() -> str:
        word = user.get(f"/tasks/{answer['task_id']}").json()["provider_status"]
        if word not in seen:
            seen.append(word)
        return word

    qwen.until(lambda: status() == "provider_synthesizing")
    qwen.until_heard("dashscope", "synthesis")
    qwen.release("dashscope", "synthesis")
    qwen.until(lambda: status() == "provider_downloading")
    qwen.release("audio_host", "download")
    qwen.until(lambda: status() == "completed")
    order = ["provider_submitting", "provider_synthesizing", "provider_downloading", "provider_persisting", "completed"]
    assert [word for word in order if word in seen] == seen
    assert len(qwen.heard("dashscope", "synthesis")) == 1
    assert user.task(answer["task_id"])["provider_poll_count"] == 0


@pytest.mark.parametrize(("provider", "call"), [("dashscope", "synthesis"), ("audio_host", "download")])
def test_a_cancel_stops_the_next_step(qwen: Deployed, provider, call):
    qwen.hold(provider, call)
    user, answer = begun(qwen)
    qwen.until_heard(provider, call)
    assert user.post(f"/tasks/{answer['task_id']}/cancel").status_code == 200
    qwen.release(provider, call)
    qwen.idle()
    assert user.task(answer["task_id"])["status"] == "cancelled"
    assert user.generation(answer["generation_id"])["status"] == "cancelled"
    assert qwen.objects("generations", user.id) == []
    assert balance(user) == 20_000
    if call == "synthesis":
        assert qwen.heard("audio_host") == []


@pytest.mark.parametrize(
    ("how", "text", "category"),
    [
        (
            {"status": 400, "body": {"message": "canary", "request_id": "r-1"}},
            "Qwen synthesis request failed",
            "validation",
        ),
        (
            {"status": 403, "body": {"message": "canary", "request_id": "r-1"}},
            "Qwen synthesis request failed",
            "provider_rejected",
        ),
        (
            {"status": 402, "body": {"message": "canary", "request_id": "r-1"}},
            "Qwen synthesis request failed",
            "unknown",
        ),
        ({"status": 408, "body": {"message": "canary", "request_id": "r-1"}}, TIMED_OUT, "timeout"),
        ({"status": 503, "body": {"message": "canary", "request_id": "r-1"}}, UNAVAILABLE, "provider_unavailable"),
        ({"status": 200, "body": {"request_id": "r-1", "output": {}}}, UNAVAILABLE, "provider_unavailable"),
    ],
)
def test_a_failure_is_refunded_traced_and_says_nothing_of_the_provider(qwen: Deployed, how, text, category):
    qwen.script("dashscope", "synthesis", **how)
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    generation = user.generation(answer["generation_id"])
    assert (task["status"], task["provider_status"], task["error"]) == ("failed", "failed", text)
    assert (generation["status"], generation["error_message"]) == ("failed", text)
    assert generation["provider_metadata"] == {"request_id": "r-1", "error_category": category}
    assert [row["signed_amount"] for row in user.ledger()] == [-13, 13]
    assert user.ledger()[1]["idempotency_key"] == f"generate:{answer['generation_id']}:refund"
    qwen.idle()
    (line,) = [one for one in qwen.instance.log.lines if one.get("outcome") == "failed"]
    assert (line["error_category"], line["provider_request_id"]) == (category, "r-1")
    assert len(qwen.heard("dashscope", "synthesis")) == 1


def test_a_null_answer_shows_no_error_of_ours(qwen: Deployed):
    qwen.script("dashscope", "synthesis", status=200, body="null")
    user, answer = begun(qwen)
    assert user.ended(answer["task_id"])["error"] == UNAVAILABLE


@pytest.mark.parametrize("how", [{"status": 500}, {"drop": True}])
@pytest.mark.parametrize("times", [1, 2])
def test_a_download_that_fails_for_a_moment_is_tried_again(qwen: Deployed, how, times):
    qwen.script("audio_host", "download", times=times, **how)
    user, answer = begun(qwen)
    assert user.ended(answer["task_id"])["status"] == "completed"
    assert len(qwen.heard("audio_host", "download")) == times + 1


@pytest.mark.parametrize("how", [{"status": 502}, {"drop": True}])
def test_a_download_that_keeps_failing_is_given_up(qwen: Deployed, how):
    qwen.script("audio_host", "download", times=None, **how)
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    assert (task["status"], task["error"]) == ("failed", UNAVAILABLE)
    assert len(qwen.heard("audio_host", "download")) == 3
    assert balance(user) == 20_000


@pytest.mark.parametrize("status", [403, 404, 302])
def test_a_refused_download_is_not_tried_again(qwen: Deployed, status):
    headers = {"Location": f"{qwen.instance.base_url}/functions/v1/api/health"}
    qwen.script("audio_host", "download", status=status, body="canary", headers=headers)
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    assert (task["status"], task["error"]) == ("failed", DOWNLOAD)
    assert len(qwen.heard("audio_host", "download")) == 1


def test_an_empty_download_is_no_audio(qwen: Deployed):
    qwen.script("audio_host", "download", status=200, body=b"")
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    assert (task["status"], task["error"]) == ("failed", UNAVAILABLE)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret", "file:///etc/passwd", "nonsense"])
def test_audio_from_elsewhere_is_not_fetched(qwen: Deployed, url):
    qwen.script("dashscope", "synthesis", status=200, body={"output": {"audio": {"url": url}}})
    user, answer = begun(qwen)
    task = user.ended(answer["task_id"])
    assert (task["status"], task["error"]) == ("failed", DOWNLOAD)


def test_audio_that_cannot_be_stored_is_refunded(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    qwen.breaking("storage_write:generations")
    answer = user.speech(voice_id)
    task = user.ended(answer["task_id"])
    assert (task["status"], task["error"]) == ("failed", "Failed to upload generation audio.")
    assert balance(user) == 20_000


def test_a_generation_that_cannot_be_updated_is_not_completed(qwen: Deployed):
    qwen.hold("audio_host", "download")
    user, answer = begun(qwen)
    qwen.until_heard("audio_host", "download")
    qwen.breaking("update:generations")
    qwen.release("audio_host", "download")
    assert user.ended(answer["task_id"])["status"] == "failed"
    assert balance(user) == 20_000
    assert qwen.objects("generations", user.id) == []


def test_a_task_whose_worker_died_is_ended_and_refunded(qwen: Deployed):
    qwen.hold("dashscope", "synthesis")
    user = qwen.user()
    voice_id = user.voice()
    answer = user.speech(voice_id)
    qwen.until_heard("dashscope", "synthesis")
    qwen.run(qwen.instance.kill_workers())
    assert user.get(f"/tasks/{answer['task_id']}").json()["status"] == "processing"
    qwen.clock.skip(650)
    task = user.get(f"/tasks/{answer['task_id']}").json()
    assert (task["status"], task["error"]) == ("failed", TIMED_OUT)
    assert user.generation(answer["generation_id"])["status"] == "failed"
    qwen.release("dashscope", "synthesis")
    assert user.speech(voice_id)


def test_a_dead_task_does_not_block_the_next_generate(qwen: Deployed):
    qwen.hold("dashscope", "synthesis")
    user = qwen.user()
    voice_id = user.voice()
    user.speech(voice_id)
    qwen.until_heard("dashscope", "synthesis")
    qwen.run(qwen.instance.kill_workers())
    qwen.clock.skip(650)
    assert user.speech(voice_id)


def test_work_that_was_begun_ends_with_the_variables_it_began_with(qwen: Deployed):
    qwen.hold("dashscope", "synthesis")
    user, answer = begun(qwen)
    qwen.until_heard("dashscope", "synthesis")
    qwen.variables(TTS_PROVIDER_MODE="modal", PROVIDER_AUDIO_HOST_ALLOWLIST=None, DASHSCOPE_API_KEY=None)
    qwen.release("dashscope", "synthesis")
    assert user.ended(answer["task_id"])["status"] == "completed"


def test_a_seeded_task_with_odd_metadata_is_ended_too(qwen: Deployed):
    user = qwen.user()
    qwen.sql(
        "insert into public.tasks (user_id, type, status, provider, metadata) values (%s, 'generate', 'pending', 'qwen', '[]')",
        user.id,
    )
    task = qwen.row("select id from public.tasks where user_id = %s", user.id)
    qwen.clock.skip(650)
    assert user.get(f"/tasks/{task['id']}").json()["status"] == "failed"
