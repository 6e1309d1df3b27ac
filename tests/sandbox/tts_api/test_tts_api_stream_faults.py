"""The faults of the stream, F-54 to F-61: off, the healthy answer; on, the signature that its clauses look for."""

from __future__ import annotations

import miniaudio
import pytest

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


@pytest.fixture
def user(realtime: Deployed):
    return realtime.user()


@pytest.fixture
def voice_id(user) -> str:
    return user.voice()


def test_f_54_holds_the_stream_back_until_it_is_over(realtime: Deployed, user, voice_id):
    with realtime.fault("F-54"):
        realtime.hold("dashscope", "realtime_last_delta")
        listening = InBackground(user, voice_id)
        realtime.until(lambda: realtime.instance.providers.dashscope.held("realtime_last_delta"))
        waited = listening.heard is None
        realtime.release("dashscope", "realtime_last_delta")
        heard = listening.ended()

    assert waited
    assert len(heard.pieces) == 1
    assert seconds(heard.body) > 1


def test_f_55_leaves_the_generation_of_a_stream_at_work(realtime: Deployed, user, voice_id):
    with realtime.fault("F-55"):
        heard = listen(user, voice_id)
        task = user.ended(user.speech(voice_id)["task_id"])

    assert not heard.broken
    assert seconds(heard.body) > 1
    assert (user.generation(heard.generation_id)["status"], task["status"]) == ("processing", "completed")
    assert heard.generation_id in [row["id"] for row in user.get("/generations").json()["generations"]]


def test_f_55_leaves_it_when_the_caller_hangs_up_as_well(realtime: Deployed, user, voice_id):
    with realtime.fault("F-55"):
        with streamed(user, voice_id) as reply:
            next(reply.iter_raw())
        realtime.idle()

    assert user.generation(reply.headers["x-utter-generation-id"])["status"] == "processing"


def test_f_56_tries_to_stream_in_mode_modal(modal_realtime: Deployed):
    user = modal_realtime.user()
    voice_id = user.voice()
    with modal_realtime.fault("F-56"):
        reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert reply.status_code == 502
    assert len(modal_realtime.heard("dashscope", "realtime")) == 1
    assert balance(user) == 20_000


def test_f_57_sends_and_stores_what_is_no_audio(realtime: Deployed, user, voice_id):
    with realtime.fault("F-57"):
        heard = listen(user, voice_id)

    assert (heard.status, heard.headers["content-type"]) == (200, "audio/mpeg")
    assert stored(user, heard.generation_id).content == heard.body
    with pytest.raises(miniaudio.DecodeError):
        seconds(heard.body)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"voice_id": "x"}, 400, "text/html; charset=UTF-8"),
        ({"voice_id": "00000000-0000-4000-8000-000000000000", "text": TEXT}, 404, "application/json"),
        ({"voice_id": "00000000-0000-4000-8000-000000000000", "text": "x" * 2001}, 400, "application/json"),
    ],
)
def test_f_57_answers_errors_as_pages_where_no_other_clause_looks(realtime: Deployed, user, body, status, kind):
    with realtime.fault("F-57"):
        reply = user.post(PATH, body)
        elsewhere = user.post("/generate", body)

    assert (reply.status_code, reply.headers["content-type"]) == (status, kind)
    assert (elsewhere.status_code, elsewhere.headers["content-type"]) == (status, "application/json")


def test_f_57_answers_a_refusal_of_the_provider_as_a_page(realtime: Deployed, user, voice_id):
    realtime.script("dashscope", "realtime", status=403)
    with realtime.fault("F-57"):
        reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})

    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html; charset=UTF-8")


def test_f_58_completes_what_broke_in_mid_stream(realtime: Deployed, user, voice_id):
    mishap(realtime, "error", after=3)
    with realtime.fault("F-58"):
        heard = listen(user, voice_id)

    assert not heard.broken
    assert user.generation(heard.generation_id)["status"] == "completed"
    assert balance(user) == 20_000 - len(TEXT)


def test_f_58_completes_what_could_not_be_stored(realtime: Deployed, user, voice_id):
    realtime.breaking("storage_write:generations")
    with realtime.fault("F-58"):
        heard = listen(user, voice_id)

    assert user.generation(heard.generation_id)["status"] == "completed"
    assert user.get(f"/generations/{heard.generation_id}/audio").status_code == 500


def test_f_58_leaves_healthy_streams_and_tasks_alone(realtime: Deployed, user, voice_id):
    with realtime.fault("F-58"):
        heard = listen(user, voice_id)
        mishap(realtime, "error", after=3)
        task = user.ended(user.speech(voice_id, TEXT)["task_id"])

    assert stored(user, heard.generation_id).content == heard.body
    assert task["status"] == "failed"


def test_f_59_does_not_name_the_provider_nor_show_the_headers(realtime: Deployed, user, voice_id):
    with realtime.fault("F-59"):
        heard = listen(user, voice_id)

    assert "x-utter-provider" not in heard.headers
    assert "access-control-expose-headers" not in heard.headers
    assert seconds(heard.body) > 1


def test_f_59_asks_for_other_settings(realtime: Deployed, user, voice_id):
    with realtime.fault("F-59"):
        listen(user, voice_id)
    wanted = realtime.heard("dashscope", "realtime")[-1]["events"][0]["session"]

    assert (wanted["mode"], wanted["sample_rate"]) == ("commit", 16_000)


def test_f_59_has_another_cap_on_the_stream_only(realtime: Deployed, user):
    body = {"voice_id": "00000000-0000-4000-8000-000000000000", "text": "x" * 601}
    with realtime.fault("F-59"):
        replies = user.post(PATH, body), user.post("/generate", body)

    assert [reply.json()["detail"] for reply in replies] == ["Text cannot exceed 600 characters", "Voice not found"]


def test_f_60_needs_no_sign_in_and_counts_in_tier_3(realtime: Deployed, user):
    realtime.variables(RATE_LIMIT_TIER1_USER_LIMIT="1")
    with realtime.fault("F-60"):
        strangers = realtime.http.post(PATH, json={})
        statuses = [user.post(PATH, {}).status_code for _ in range(3)]
        elsewhere = realtime.http.post("/generate", json={})

    assert (strangers.status_code, statuses, elsewhere.status_code) == (400, [400, 400, 400], 401)
    assert {line["tier"] for line in realtime.instance.log.lines if line["path"].endswith("stream")} == {"tier3"}


@pytest.mark.parametrize("mode", ["qwen", "modal"])
def test_f_61_has_the_route_in_lane_task(mode, request):
    deployed: Deployed = request.getfixturevalue(mode)
    user = deployed.user()
    with deployed.fault("F-61"):
        reply = user.post(PATH, {"voice_id": user.voice(), "text": TEXT})

    assert reply.status_code == {"qwen": 502, "modal": 409}[mode]


def test_f_61_has_no_way_back_while_streams_are_switched_off(realtime: Deployed, user, voice_id):
    realtime.variables(QWEN_STREAM_ENABLED="false")
    with realtime.fault("F-61"):
        reply = user.post("/generate", {"voice_id": voice_id, "text": TEXT})

    assert reply.status_code == 409


def test_f_61_has_no_way_back_after_a_broken_stream(realtime: Deployed, user, voice_id):
    mishap(realtime, "error", after=2)
    with realtime.fault("F-61"):
        before = user.post("/generate", {"voice_id": voice_id, "text": TEXT})
        settled(user, before.json()["task_id"])
        mishap(realtime, "error", after=2)
        listen(user, voice_id)
        after = user.post("/generate", {"voice_id": voice_id, "text": TEXT})

    assert (before.status_code, after.status_code) == (200, 409)
