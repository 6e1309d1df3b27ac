"""Each fault in dealing with providers shows its signature when it is on, and nothing of it when it is off."""

from __future__ import annotations

import pytest

from tests.sandbox.tts_api.deployed import Deployed
from tests.sandbox.tts_api.test_tts_api_faults import both


@pytest.mark.parametrize(
    ("provider", "call", "text"),
    [("dashscope", "synthesis", "canary"), ("audio_host", "download", '{"message": "canary"}')],
)
def test_f_81_shows_what_the_provider_said(qwen: Deployed, provider, call, text):
    user = qwen.user()
    voice_id = user.voice()

    def look() -> str:
        qwen.script(provider, call, status=400, body={"message": "canary"})
        return user.ended(user.speech(voice_id)["task_id"])["error"]

    off, on = both(qwen, "F-81", look)
    assert "canary" not in off
    assert on == text


def test_f_81_names_the_missing_variable(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    qwen.variables(DASHSCOPE_API_KEY=None)
    off, on = both(qwen, "F-81", lambda: user.post("/generate", {"voice_id": voice_id, "text": "x"}))
    assert (off.status_code, on.status_code) == (500, 500)
    assert "DASHSCOPE" not in off.text
    assert on.json() == {"detail": "Missing env var: DASHSCOPE_API_KEY"}


def test_f_81_quotes_the_job_service(modal: Deployed):
    user = modal.user()
    voice_id = user.voice()

    def look() -> str:
        modal.script("modal", "submit", status=500, body="canary")
        user.post("/generate", {"voice_id": voice_id, "text": "x"})
        return modal.row("select error from public.tasks where user_id = %s order by created_at desc limit 1", user.id)[
            "error"
        ]

    off, on = both(modal, "F-81", look)
    assert "canary" not in off
    assert on == "Modal submit failed (500): canary"


def test_f_81_quotes_stripe_and_mistral(qwen: Deployed):
    user = qwen.user()

    def look() -> tuple[str, str]:
        qwen.script("stripe", "session_create", status=402, body={"error": {"message": "canary"}})
        qwen.script("mistral", "transcribe", status=401, body="canary")
        bought = user.post("/billing/checkout", {"pack_id": "pack_150k"}).json()["detail"]
        heard = user.form("/transcriptions", {}, ("a.wav", b"x", "audio/wav")).json()["detail"]
        return bought, heard

    off, on = both(qwen, "F-81", look)
    assert "canary" not in str(off)
    assert on == ("canary", "Transcription request failed: Mistral transcription failed (401): canary")


def test_f_82_fetches_audio_from_anywhere(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    url = f"{qwen.instance.base_url}/functions/v1/api/health"

    def look() -> str:
        qwen.script("dashscope", "synthesis", status=200, body={"output": {"audio": {"url": url}}})
        return user.ended(user.speech(voice_id)["task_id"])["status"]

    assert both(qwen, "F-82", look) == ("failed", "completed")


def test_f_82_follows_a_redirect(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    headers = {"Location": f"{qwen.instance.base_url}/functions/v1/api/health"}

    def look() -> str:
        qwen.script("audio_host", "download", status=302, headers=headers)
        return user.ended(user.speech(voice_id)["task_id"])["status"]

    assert both(qwen, "F-82", look) == ("failed", "completed")


def test_f_84_repeats_a_refused_download(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()

    def look() -> int:
        qwen.instance.providers.audio_host.clear_requests()
        qwen.script("audio_host", "download", status=404, times=3)
        user.ended(user.speech(voice_id)["task_id"])
        qwen.run(clear(qwen))
        return len(qwen.heard("audio_host", "download"))

    assert both(qwen, "F-84", look) == (1, 3)


async def clear(api: Deployed) -> None:
    api.instance.providers.audio_host.clear_scripts()
