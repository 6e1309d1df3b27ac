"""The whole way of a user through a running sandbox, in both provider modes, over sockets only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.tts.providers.audio import speech_wav, wav_facts
from tests.sandbox.running import Running, running

TEXT = "Good morning, and welcome to the sandbox."
WANTED = {"name": "Nora", "language": "English", "transcript": "hello"}


@pytest.fixture(scope="module")
def sandbox():
    with running("--mode", "qwen,modal") as started:
        yield started


@dataclass
class Journey:
    """What a user saw on the way, by the name of the step."""

    mode: str
    token: str
    seen: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module", params=["qwen", "modal"])
def journey(sandbox: Running, request: pytest.FixtureRequest) -> Journey:
    instance = f"{request.param}-task"
    session = sandbox.sign_up(instance)
    trip = Journey(request.param, session["access_token"])
    uploaded = sandbox.upload(instance, session)
    finalize = {**WANTED, "voice_id": uploaded.request.headers["x-voice-id"]}
    voice = sandbox.post(instance, "/clone/finalize", finalize, token=trip.token)
    wanted = {"voice_id": voice.json()["id"], "text": TEXT, "language": "English"}
    started = sandbox.post(instance, "/generate", wanted, token=trip.token)
    ended = sandbox.poll(instance, started.json()["task_id"], trip.token)
    audio = sandbox.get(instance, f"/generations/{started.json()['generation_id']}/audio", token=trip.token)
    trip.seen = {
        "uploaded": uploaded,
        "voice": voice,
        "started": started,
        "ended": ended,
        "audio": audio,
        "played": sandbox.http.get(audio.headers["location"]),
        "listed": sandbox.get(instance, "/voices", token=trip.token),
        **cancelled(sandbox, instance, trip.token, wanted),
        **designed(sandbox, instance, trip),
    }
    return trip


def cancelled(sandbox: Running, instance: str, token: str, wanted: dict) -> dict[str, Any]:
    """Generate again and cancel at once."""
    task = sandbox.post(instance, "/generate", wanted, token=token).json()
    cancel = sandbox.post(instance, f"/tasks/{task['task_id']}/cancel", token=token)
    return {"cancel": cancel, "after_cancel": sandbox.get(instance, f"/tasks/{task['task_id']}", token=token).json()}


def designed(sandbox: Running, instance: str, trip: Journey) -> dict[str, Any]:
    """Design a voice: preview, then save."""
    preview = {"text": TEXT, "language": "English", "instruct": "a calm voice"}
    started = sandbox.post(instance, "/voices/design/preview", preview, token=trip.token).json()
    ended = sandbox.poll(instance, started["task_id"], trip.token)
    heard = sandbox.http.get(ended["result"]["audio_url"])
    form = {"name": (None, "Calm"), **{key: (None, value) for key, value in preview.items()}}
    form |= {"task_id": (None, started["task_id"]), "audio": ("a.wav", heard.content[:900_000], "audio/wav")}
    headers = {"Authorization": f"Bearer {trip.token}"}
    saved = sandbox.http.post(f"{sandbox.table(instance)['api_url']}/voices/design", files=form, headers=headers)
    return {"preview": ended, "heard": heard, "saved": saved}


def test_reference_audio_is_uploaded(journey):
    assert journey.seen["uploaded"].status_code == 200


def test_voice_is_cloned_and_listed_with_its_provider(journey):
    (voice,) = [one for one in journey.seen["listed"].json()["voices"] if one["name"] == "Nora"]

    assert journey.seen["voice"].status_code == 200
    assert (voice["id"], voice["tts_provider"]) == (journey.seen["voice"].json()["id"], journey.mode)


def test_speech_is_generated(journey):
    assert journey.seen["started"].status_code == 200
    assert journey.seen["ended"]["status"] == "completed"


def test_generated_speech_is_the_providers_speech(journey):
    assert journey.seen["audio"].status_code == 302
    assert journey.seen["played"].content == speech_wav(TEXT)


def test_a_generation_can_be_cancelled(journey):
    assert journey.seen["cancel"].status_code == 200
    assert journey.seen["after_cancel"]["status"] == "cancelled"


def test_a_design_preview_completes_and_can_be_heard(journey):
    assert journey.seen["preview"]["status"] == "completed"
    assert wav_facts(journey.seen["heard"].content).seconds > 1


def test_a_design_is_saved(journey):
    assert (journey.seen["saved"].status_code, journey.seen["saved"].json()["source"]) == (200, "designed")


@pytest.mark.parametrize(("mode", "contacted"), [("qwen", {"dashscope", "audio_host"}), ("modal", {"modal"})])
def test_only_the_provider_of_the_mode_was_contacted(sandbox, journey, mode, contacted):
    entries = sandbox.control("GET", f"tts/{mode}-task/requests").json()["requests"]

    assert {entry["provider"] for entry in entries if entry["call"]} <= contacted
