"""The stream route: what is sent, what is kept, what it costs, and what each failure leaves behind."""

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
    seconds,
    stored,
    streamed,
)

COST = len(TEXT)
EXPOSED = "X-Utter-Provider, X-Utter-Generation-Id, X-Utter-Task-Id"


@pytest.fixture
def user(realtime: Deployed):
    return realtime.user()


@pytest.fixture
def voice_id(user) -> str:
    return user.voice()


# A healthy stream


def test_a_stream_is_mpeg_in_chunks_that_decodes(user, voice_id):
    heard = listen(user, voice_id)

    assert (heard.status, heard.headers["content-type"]) == (200, "audio/mpeg")
    assert heard.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in heard.headers
    assert seconds(heard.body) == pytest.approx(speech_seconds(TEXT), abs=0.3)
    assert not heard.broken


def test_a_stream_names_provider_generation_and_task(user, voice_id):
    heard = listen(user, voice_id)

    assert heard.headers["x-utter-provider"] == "qwen"
    assert user.generation(heard.generation_id)["text"] == TEXT
    assert str(user.task(heard.task_id)["generation_id"]) == heard.generation_id
    assert heard.headers["x-request-id"]


def test_its_headers_are_shown_to_browsers(realtime: Deployed, user, voice_id):
    realtime.variables(CORS_ALLOWED_ORIGIN="https://app.example,https://b.example")
    preflight = realtime.http.options(PATH, headers={"Origin": "https://b.example"})
    heard = listen(user, voice_id)

    assert heard.headers["access-control-expose-headers"] == EXPOSED
    assert heard.headers["access-control-allow-origin"] == "https://app.example"
    assert (preflight.status_code, preflight.headers["access-control-expose-headers"]) == (204, EXPOSED)


def test_lane_task_exposes_no_headers(qwen: Deployed):
    assert "access-control-expose-headers" not in qwen.user().get("/voices").headers


def test_what_was_streamed_is_stored_and_in_the_history(user, voice_id):
    heard = listen(user, voice_id)
    generation = user.generation(heard.generation_id)
    audio = stored(user, heard.generation_id)
    listed = user.get("/generations").json()["generations"]

    assert (audio.content, audio.headers["content-type"]) == (heard.body, "audio/mpeg")
    assert generation["audio_object_key"] == f"{user.id}/{heard.generation_id}.mp3"
    assert (generation["status"], generation["output_format"], generation["tts_provider"]) == (
        "completed",
        "mp3",
        "qwen",
    )
    assert [(row["id"], row["status"]) for row in listed] == [(heard.generation_id, "completed")]
    assert user.task(heard.task_id)["status"] == "completed"


def test_the_provider_is_traced(realtime: Deployed, user, voice_id):
    heard = listen(user, voice_id)
    metadata = user.generation(heard.generation_id)["provider_metadata"]
    entry = realtime.heard("dashscope", "realtime")[-1]

    assert metadata["session_id"] == metadata["request_id"] == entry["session"]
    assert (len(metadata["response_ids"]), metadata["usage"]) == (1, {"characters": COST})
    assert metadata["event_id"].startswith("event_")


def test_the_dialogue_is_the_agreed_one(realtime: Deployed, user, voice_id):
    listen(user, voice_id, language="german")
    voice = realtime.row("select * from public.voices where id = %s", voice_id)
    entry = realtime.heard("dashscope", "realtime")[-1]
    update, append, finish = entry["events"]

    assert entry["query"] == {"model": voice["provider_target_model"]}
    assert update["session"] == {
        "voice": voice["provider_voice_id"],
        "mode": "server_commit",
        "language_type": "German",
        "response_format": "mp3",
        "sample_rate": 24_000,
    }
    assert (append["type"], append["text"]) == ("input_text_buffer.append", TEXT)
    assert finish["type"] == "session.finish"
    assert (entry["violations"], entry["closed"]["code"]) == ([], 1000)


def test_it_costs_its_length_once(user, voice_id):
    before = balance(user)
    heard = listen(user, voice_id)

    assert balance(user) == before - COST
    assert user.ledger()[-1]["idempotency_key"] == f"generate:{heard.generation_id}:debit"


def test_first_bytes_arrive_while_the_last_delta_is_held(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    with streamed(user, voice_id) as reply:
        pieces = reply.iter_raw()
        first = next(pieces)
        active = user.task(reply.headers["x-utter-task-id"])
        realtime.release("dashscope", "realtime_last_delta")
        rest = b"".join(pieces)

    assert first
    assert rest
    assert (active["status"], active["provider_status"]) == ("processing", "streaming")


def test_a_text_of_several_responses_is_one_file(realtime: Deployed, user, voice_id):
    text = "One sentence. Another one! And a rest"
    heard = listen(user, voice_id, text)

    assert realtime.heard("dashscope", "realtime")[-1]["sent"]["response.done"] == 2
    assert seconds(heard.body) == pytest.approx(speech_seconds(text), abs=0.4)


def test_words_of_the_way_can_be_seen(realtime: Deployed, user, voice_id):
    for call in ("realtime_created", "realtime_response", "realtime_last_delta"):
        realtime.hold("dashscope", call)
    listening = InBackground(user, voice_id)
    task = realtime.until(lambda: realtime.rows("select id from public.tasks where user_id = %s", user.id))[0]["id"]
    seen = []
    for call in ("realtime_created", "realtime_response", "realtime_last_delta"):
        realtime.until(lambda call=call: realtime.instance.providers.dashscope.held(call))
        seen.append(user.get(f"/tasks/{task}").json()["provider_status"])
        realtime.release("dashscope", call)

    assert listening.ended().status == 200
    assert seen == ["ws_connecting", "session_updated", "streaming"]


def test_another_format_can_be_configured(realtime: Deployed, user, voice_id):
    realtime.variables(QWEN_DEFAULT_RESPONSE_FORMAT="wav")
    heard = listen(user, voice_id)

    assert (heard.headers["content-type"], heard.body[:4]) == ("audio/wav", b"RIFF")
    assert user.generation(heard.generation_id)["output_format"] == "wav"


# Who may, and when


def test_mode_modal_answers_409_right_after_the_sign_in(modal_realtime: Deployed):
    reply = modal_realtime.user().post(PATH, {"voice_id": "nonsense"})

    assert (reply.status_code, reply.json()) == (
        409,
        {"detail": "Streaming is not available in modal mode. Use POST /api/generate."},
    )
    assert modal_realtime.heard("modal") == modal_realtime.heard("dashscope") == []


@pytest.mark.parametrize("header", [None, "Bearer nonsense"])
def test_a_stranger_is_refused_before_the_mode_is_told(modal_realtime: Deployed, header):
    reply = modal_realtime.http.post(PATH, json={}, headers={"Authorization": header} if header else {})

    assert reply.status_code == 401


def test_lane_task_has_no_stream(qwen: Deployed):
    user = qwen.user()
    reply = user.post(PATH, {"voice_id": user.voice(), "text": TEXT})

    assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})
    assert qwen.rows("select 1 from public.generations where user_id = %s", user.id) == []


def test_it_can_be_switched_off_and_tasks_go_on(realtime: Deployed, user, voice_id):
    realtime.variables(QWEN_STREAM_ENABLED="false")
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})
    capabilities = user.get("/languages").json()["capabilities"]

    assert (reply.status_code, reply.json()) == (409, {"detail": "Streaming is disabled. Use POST /api/generate."})
    assert (capabilities["supports_generate_stream"], capabilities["default_generate_mode"]) == (False, "task")
    assert user.ended(user.speech(voice_id)["task_id"])["status"] == "completed"


def test_capabilities_of_lane_realtime(realtime: Deployed, modal_realtime: Deployed):
    qwen, modal = (one.http.get("/languages").json()["capabilities"] for one in (realtime, modal_realtime))

    assert qwen == {
        "supports_generate": True,
        "supports_generate_stream": True,
        "default_generate_mode": "stream",
        "allow_generate_mode_toggle": False,
        "max_text_chars": 2000,
    }
    assert (modal["supports_generate_stream"], modal["default_generate_mode"]) == (False, "task")


def test_invalid_mode_comes_first(realtime: Deployed, user):
    realtime.variables(TTS_PROVIDER_MODE="qwem")
    reply = user.post(PATH, {})

    assert (reply.status_code, reply.json()["detail"][:25]) == (500, "Invalid TTS_PROVIDER_MODE")


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({}, 400, "Please select a voice"),
        ({"voice_id": "x"}, 400, "Invalid voice_id"),
        ({"voice_id": "00000000-0000-4000-8000-000000000000"}, 400, "Please enter text to speak"),
        (
            {"voice_id": "00000000-0000-4000-8000-000000000000", "text": "x" * 2001},
            400,
            "Text cannot exceed 2000 characters",
        ),
        ({"voice_id": "00000000-0000-4000-8000-000000000000", "text": "x" * 2000}, 404, "Voice not found"),
    ],
)
def test_a_request_is_checked_as_for_generate(user, body, status, detail):
    reply = user.post(PATH, body)

    assert (reply.status_code, reply.json()) == (status, {"detail": detail})


def test_a_voice_of_lane_task_is_refused(realtime: Deployed, user, voice_id):
    model = "qwen3-tts-vc-2026-01-22"
    realtime.sql("update public.voices set provider_target_model = %s where id = %s", model, voice_id)
    reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert (reply.status_code, reply.json()) == (
        409,
        {"detail": "Voice target model is not supported by current qwen rollout configuration."},
    )


def test_a_user_has_one_stream_at_a_time(realtime: Deployed, user, voice_id):
    realtime.hold("dashscope", "realtime_last_delta")
    with streamed(user, voice_id) as reply:
        next(reply.iter_raw())
        second = user.post(PATH, {"voice_id": voice_id, "text": TEXT})
        realtime.release("dashscope", "realtime_last_delta")

    assert second.status_code == 409
    assert len(realtime.heard("dashscope", "realtime")) == 1


def test_who_is_too_poor_gets_no_stream(realtime: Deployed):
    poor = realtime.user(balance=5)
    reply = poor.post(PATH, {"voice_id": poor.voice(), "text": TEXT})

    assert (reply.status_code, reply.json()["detail"][:20]) == (402, "Insufficient credits")
    assert realtime.heard("dashscope", "realtime") == []


def test_it_counts_in_tier_1(realtime: Deployed, user):
    realtime.variables(RATE_LIMIT_TIER1_USER_LIMIT="2")
    statuses = [user.post(PATH, {}).status_code for _ in range(3)]

    assert statuses == [400, 400, 429]
    assert [line["tier"] for line in realtime.instance.log.lines][-1] == "tier1"


# The task route of the same lane


def test_the_task_route_makes_mp3_too(realtime: Deployed, user, voice_id):
    answer = user.speech(voice_id, TEXT)
    task = user.ended(answer["task_id"])
    audio = stored(user, answer["generation_id"])
    generation = user.generation(answer["generation_id"])

    assert (task["status"], task["provider_status"], sorted(answer)) == (
        "completed",
        "completed",
        ["estimated_duration_minutes", "generation_id", "is_long_running", "status", "task_id"],
    )
    assert (generation["output_format"], generation["audio_object_key"]) == (
        "mp3",
        f"{user.id}/{answer['generation_id']}.mp3",
    )
    assert audio.headers["content-type"] == "audio/mpeg"
    assert seconds(audio.content) == pytest.approx(speech_seconds(TEXT), abs=0.3)
    assert realtime.heard("dashscope", "synthesis") == []


def test_voices_of_this_lane_carry_its_models(realtime: Deployed, user, voice_id):
    voice = realtime.row("select * from public.voices where id = %s", voice_id)
    preview = user.ended(user.design())

    assert voice["provider_target_model"] == "qwen3-tts-vc-realtime-2026-01-15"
    assert preview["result"]["provider_target_model"] == "qwen3-tts-vd-realtime-2026-01-15"
    assert preview["result"]["object_key"].endswith(".wav")
