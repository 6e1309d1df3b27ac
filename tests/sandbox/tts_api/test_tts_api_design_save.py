"""Saving a designed voice, from the task of its preview (qwen) or from uploaded audio (modal)."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import DESIGN, REFERENCE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

BAD_SAVES = [
    ({}, "Name must be 1-100 characters."),
    ({"name": "x" * 101}, "Name must be 1-100 characters."),
    ({"name": "x"}, "Preview text is required."),
    ({"name": "x", "text": "y"}, "Language is required."),
    ({"name": "x", "text": "y", "language": "English"}, "Voice description is required."),
]
FIELDS = {"name": "Calm", **DESIGN}


def save(user: User, task_id: str | None = None, audio: tuple[str, bytes, str] | None = None, **fields: str):
    named = {} if task_id is None else {"task_id": task_id}
    return user.form("/voices/design", {**FIELDS, **named, **fields}, audio)


@pytest.mark.parametrize(("fields", "text"), BAD_SAVES)
def test_what_a_save_lacks_is_named_in_order(api: Deployed, user: User, fields, text):
    reply = user.form("/voices/design", {"x": "y", **fields})
    assert (reply.status_code, detail(reply)) == (400, text)


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "multipart/form-data; boundary=z"])
def test_what_is_no_form_is_refused(api: Deployed, user: User, content_type):
    reply = user.send("POST", "/voices/design", content=b"{}", headers={"Content-Type": content_type})
    assert (reply.status_code, detail(reply)) == (400, "Invalid form data.")


def test_the_mode_is_checked_before_the_form(qwen: Deployed):
    qwen.variables(TTS_PROVIDER_MODE="both")
    assert qwen.user().send("POST", "/voices/design", content=b"{").status_code == 500


def test_a_preview_is_saved_without_another_create(qwen: Deployed):
    user = qwen.user()
    task = user.ended(user.design())
    reply = save(user, task["id"])
    answer = reply.json()
    assert list(answer) == ["id", "name", "description", "language", "source", "preview_url"]
    assert (answer["name"], answer["description"], answer["source"]) == ("Calm", DESIGN["instruct"], "designed")
    assert qwen.http.get(answer["preview_url"]).content[:4] == b"RIFF"
    row = qwen.row("select * from public.voices where id = %s", answer["id"])
    assert row["reference_transcript"] == DESIGN["text"]
    assert row["provider_voice_kind"] == "vd"
    assert row["provider_target_model"] == "qwen3-tts-vd-2026-01-26"
    assert row["provider_voice_id"] == task["result"]["provider_voice_id"]
    assert row["provider_metadata"] == {"design_preview_task_id": task["id"]}
    assert len(qwen.heard("dashscope")) == 1


def test_saving_again_returns_the_same_voice_unless_it_was_deleted(qwen: Deployed):
    user = qwen.user()
    task = user.ended(user.design())
    first, again = save(user, task["id"]).json(), save(user, task["id"], name="Other").json()
    assert (again["id"], again["name"]) == (first["id"], "Calm")
    assert again["reference_object_key"] == task["result"]["object_key"]
    user.delete(f"/voices/{first['id']}")
    assert save(user, task["id"]).json()["id"] != first["id"]


def test_concurrent_saves_make_one_voice(qwen: Deployed):
    user = qwen.user()
    task_id = user.ended(user.design())["id"]
    with ThreadPoolExecutor(5) as pool:
        ids = {reply.json()["id"] for reply in pool.map(lambda _: save(user, task_id), range(5))}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ("type = 'generate'", 409, "Invalid preview task for qwen design save."),
        ("provider = 'modal'", 409, "Invalid preview task for qwen design save."),
        ("status = 'processing'", 409, "Preview task is not completed yet."),
        ("status = 'cancelled'", 409, "Preview task is not completed yet."),
        ("result = null", 409, "Preview task is missing provider metadata. Generate preview again."),
        (
            "result = result - 'provider_target_model'",
            409,
            "Preview task is missing provider metadata. Generate preview again.",
        ),
        ("user_id = user_id", 200, None),
    ],
)
def test_only_a_complete_preview_can_be_saved(qwen: Deployed, change, status, text):
    user = qwen.user()
    task_id = user.ended(user.design())["id"]
    qwen.sql(f"update public.tasks set {change} where id = %s", task_id)
    reply = save(user, task_id)
    assert reply.status_code == status
    assert text is None or detail(reply) == text
    qwen.sql("update public.tasks set status = 'completed' where id = %s", task_id)


@pytest.mark.parametrize(
    ("task_id", "status", "text"),
    [
        (None, 400, "task_id is required when provider mode is qwen."),
        (str(uuid.uuid4()), 404, "Preview task not found."),
        ("nonsense", 500, "Failed to load preview task."),
    ],
)
def test_a_save_needs_a_task_of_ones_own(qwen: Deployed, task_id, status, text):
    reply = save(qwen.user(), task_id)
    assert (reply.status_code, detail(reply)) == (status, text)


def test_the_preview_of_another_user_cannot_be_saved(qwen: Deployed):
    user = qwen.user()
    reply = save(qwen.user(), user.ended(user.design())["id"])
    assert (reply.status_code, detail(reply)) == (404, "Preview task not found.")


@pytest.mark.parametrize(
    ("audio", "status", "text"),
    [
        (None, 400, "Audio file is required."),
        (("a.wav", b"", "audio/wav"), 400, "Audio file is empty."),
        (("a.wav", b"x" * 1_000_001, "audio/wav"), 400, "Audio file must be under 1MB."),
        (("a.wav", b"x", "text/plain"), 500, "Failed to upload reference audio."),
    ],
)
def test_modal_checks_the_uploaded_audio(modal: Deployed, audio, status, text):
    reply = save(modal.user(), audio=audio)
    assert (reply.status_code, detail(reply)) == (status, text)


def test_modal_saves_the_uploaded_audio(modal: Deployed):
    user = modal.user()
    answer = save(user, "ignored", ("a.wav", REFERENCE, "audio/wav")).json()
    assert modal.http.get(answer["preview_url"]).content == REFERENCE
    row = modal.row("select * from public.voices where id = %s", answer["id"])
    assert (row["tts_provider"], row["provider_voice_kind"], row["source"]) == ("modal", None, "designed")


def test_modal_leaves_no_audio_of_a_voice_that_failed(modal: Deployed):
    user = modal.user()
    reply = save(user, audio=("a.wav", b"x", "audio/wav"), name="a\x00b")
    assert (reply.status_code, detail(reply)) == (500, "Failed to create voice.")
    assert modal.objects("references", user.id) == []
