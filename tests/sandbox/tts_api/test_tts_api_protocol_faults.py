"""The system's own client of the provider breaks the protocol: P-29 to P-32 on the WebSocket, P-40 on REST."""

from __future__ import annotations

import pytest

from sandbox.tts.providers.audio import speech_seconds
from tests.sandbox.tts_api.deployed import VOICE, Deployed
from tests.sandbox.tts_api.streaming import PATH, TEXT, listen, seconds

TWO = "One sentence. And the rest of it"


@pytest.fixture
def user(realtime: Deployed):
    return realtime.user()


@pytest.fixture
def voice_id(user) -> str:
    return user.voice()


def test_p_29_loses_its_model_in_a_second_query(realtime: Deployed, user, voice_id):
    with realtime.fault("P-29"):
        reply = user.post(PATH, {"voice_id": voice_id, "text": TEXT})
    (entry,) = realtime.heard("dashscope", "realtime")

    assert (reply.status_code, entry["status"]) == (502, 400)
    assert "model" not in entry["query"]


def test_p_30_sends_events_without_an_id(realtime: Deployed, user, voice_id):
    with realtime.fault("P-30"):
        heard = listen(user, voice_id)
    entry = realtime.heard("dashscope", "realtime")[-1]

    assert seconds(heard.body) > 1
    assert entry["violations"] == [f"P-30: {event['type']} without event_id" for event in entry["events"]]


def test_p_31_cuts_speech_of_several_responses(realtime: Deployed, user, voice_id):
    with realtime.fault("P-31"):
        cut = listen(user, voice_id, TWO)
    whole = listen(user, voice_id, TWO)

    assert seconds(cut.body) == pytest.approx(speech_seconds("One sentence. "), abs=0.3)
    assert seconds(whole.body) == pytest.approx(speech_seconds(TWO), abs=0.4)


def test_p_32_waits_for_an_end_that_it_never_asked_for(realtime: Deployed, user, voice_id):
    realtime.variables(PROVIDER_TIMEOUT_SECONDS="0.5")
    with realtime.fault("P-32"):
        heard = listen(user, voice_id)
    entry = realtime.heard("dashscope", "realtime")[-1]

    assert heard.broken
    assert "session.finish" not in [event["type"] for event in entry["events"]]


@pytest.mark.parametrize(("fault", "creates"), [(None, 1), ("P-40", 2)])
def test_p_40_repeats_a_create_that_failed(qwen: Deployed, fault, creates):
    qwen.script("dashscope", "clone_create", status=500, body={"message": "it broke"})
    user = qwen.user()
    with qwen.fault(*([fault] if fault else [])):
        user.post("/clone/finalize", {**VOICE, "voice_id": user.uploaded()})

    assert len(qwen.heard("dashscope", "clone_create")) == creates
