"""Previews of designed voices, and the work behind them."""

from __future__ import annotations

import pytest

from tests.sandbox.tts_api.deployed import DESIGN, Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

UNAVAILABLE = "Provider is temporarily unavailable. Please try again."
BAD_PREVIEWS = [
    ({}, "Preview text is required."),
    ({"text": "x" * 501}, "Preview text must be 500 characters or less."),
    ({"text": "x" * 500}, "Voice description is required."),
    ({"text": "x", "instruct": "y" * 501}, "Voice description must be 500 characters or less."),
    ({"text": "x", "instruct": "\N{GRINNING FACE}" * 250}, "Language is required."),
]


def trials(user: User) -> tuple[int, int]:
    profile = user.profile()
    return profile["design_trials_remaining"], profile["credits_remaining"]


@pytest.mark.parametrize(("body", "text"), BAD_PREVIEWS)
def test_what_a_preview_lacks_is_named_in_order(api: Deployed, user: User, body, text):
    reply = user.post("/voices/design/preview", body)
    assert (reply.status_code, detail(reply)) == (400, text)
    assert trials(user) == (2, 20_000)


def test_a_preview_is_accepted_as_a_pending_task(api: Deployed, user: User):
    api.hold("dashscope", "design_create")
    reply = user.post("/voices/design/preview", DESIGN).json()
    assert reply == {"task_id": reply["task_id"], "status": "pending"}
    task = user.task(reply["task_id"])
    assert (task["type"], task["provider"]) == ("design_preview", api.mode)
    metadata = task["metadata"]
    assert metadata.pop("name").startswith("design_")
    assert metadata == {
        **DESIGN,
        "used_trial": True,
        "trial_idempotency_key": f"design-preview:{reply['task_id']}:charge",
        "credits_debited": 0,
        "credits_remaining_after_debit": 20_000,
    }


def test_a_preview_completes_with_audio_in_storage(api: Deployed, user: User):
    task = user.ended(user.design())
    assert (task["status"], task["error"], task["provider_status"]) == ("completed", None, "completed")
    assert api.http.get(task["result"]["audio_url"]).content[:4] == b"RIFF"
    assert task["result"]["object_key"] == f"{user.id}/preview_{task['id']}.wav"
    kept = set(user.task(task["id"])["result"])
    traced = {"provider_voice_id", "provider_target_model", "provider_voice_kind", "provider_request_id"}
    assert kept == {"object_key"} | (
        traced | {"preview_response_format", "preview_sample_rate"} if api.mode == "qwen" else set()
    )


def test_the_provider_hears_the_wish_once(qwen: Deployed):
    user = qwen.user()
    user.ended(user.design(name="Jo"))
    (asked,) = qwen.heard("dashscope", "design_create")
    sent = asked["body"]["input"]
    assert sent.pop("preferred_name").startswith("design_")
    assert sent == {
        "action": "create",
        "target_model": "qwen3-tts-vd-2026-01-26",
        "voice_prompt": DESIGN["instruct"],
        "preview_text": DESIGN["text"],
        "language": "en",
    }
    assert asked["body"]["parameters"] == {"sample_rate": 24000, "response_format": "wav"}


def test_two_previews_are_free_then_each_costs_five_thousand(api: Deployed, user: User):
    left = []
    for _ in range(3):
        user.design()
        left.append(trials(user))
    assert left == [(1, 20_000), (0, 20_000), (0, 15_000)]


def test_who_cannot_pay_a_preview_is_told_the_price(api: Deployed):
    user = api.user(balance=4999)
    api.sql("update public.profiles set design_trials_remaining = 0 where id = %s", user.id)
    reply = user.post("/voices/design/preview", DESIGN)
    text = "Insufficient credits: need 5,000, have 4,999. 1 credit = 1 character."
    assert (reply.status_code, detail(reply)) == (402, text)


@pytest.mark.parametrize("broken", ["insert:tasks"])
def test_a_preview_task_that_cannot_be_written_costs_nothing(api: Deployed, user: User, broken):
    api.breaking(broken)
    reply = user.post("/voices/design/preview", DESIGN)
    assert (reply.status_code, detail(reply)) == (500, "Failed to create task.")
    assert trials(user) == (2, 20_000)


def test_a_wrong_configuration_costs_no_trial(qwen: Deployed):
    user = qwen.user()
    qwen.variables(DASHSCOPE_API_KEY=None)
    reply = user.post("/voices/design/preview", DESIGN)
    assert (reply.status_code, detail(reply)) == (500, UNAVAILABLE)
    qwen.variables(TTS_PROVIDER_MODE="both")
    assert user.post("/voices/design/preview", DESIGN).status_code == 500
    assert trials(user) == (2, 20_000)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"status": 400, "body": {"message": "canary"}}, "Qwen customization request failed"),
        ({"status": 500}, UNAVAILABLE),
        (
            {"status": 200, "body": {"output": {"voice": "v", "target_model": "m", "preview_audio": {"data": "%%"}}}},
            UNAVAILABLE,
        ),
    ],
)
def test_a_failed_qwen_preview_gives_the_trial_back(qwen: Deployed, how, text):
    user = qwen.user()
    qwen.script("dashscope", "design_create", **how)
    task = user.ended(user.design())
    assert (task["status"], task["provider_status"], task["error"]) == ("failed", "failed", text)
    assert trials(user) == (2, 20_000)


def test_a_failed_modal_preview_gives_the_credits_back(modal: Deployed):
    user = modal.user()
    modal.sql("update public.profiles set design_trials_remaining = 0 where id = %s", user.id)
    modal.script("modal", "design", status=500, body="canary")
    task = user.ended(user.design())
    assert (task["status"], task["error"]) == ("failed", UNAVAILABLE)
    assert trials(user) == (0, 20_000)


def test_a_preview_that_cannot_be_stored_fails(api: Deployed, user: User):
    api.breaking("storage_write")
    task = user.ended(user.design())
    assert (task["status"], task["error"]) == ("failed", "Failed to upload preview audio.")
    assert trials(user) == (2, 20_000)


def test_a_preview_in_a_format_that_the_bucket_refuses_fails(qwen: Deployed):
    preview = {"data": "AAAA", "sample_rate": 24000, "response_format": "pcm"}
    body = {"output": {"voice": "v", "target_model": "m", "preview_audio": preview}, "request_id": "r"}
    qwen.script("dashscope", "design_create", status=200, body=body)
    user = qwen.user()
    task = user.ended(user.design())
    assert (task["status"], task["error"]) == ("failed", "Failed to upload preview audio.")


def test_a_cancelled_preview_stays_cancelled(api: Deployed, user: User):
    provider, call = ("dashscope", "design_create") if api.mode == "qwen" else ("modal", "design")
    api.hold(provider, call)
    task_id = user.design()
    user.get(f"/tasks/{task_id}")
    api.until_heard(provider, call)
    assert user.post(f"/tasks/{task_id}/cancel").status_code == 200
    api.release(provider, call)
    api.idle()
    assert user.task(task_id)["status"] == "cancelled"
    assert api.objects("references", f"{user.id}/preview_") == []
    assert trials(user) == (2, 20_000)


def test_a_preview_that_was_cancelled_at_once_reaches_no_provider(modal: Deployed):
    user = modal.user()
    task_id = user.design()
    user.post(f"/tasks/{task_id}/cancel")
    assert user.get(f"/tasks/{task_id}").json()["status"] == "cancelled"
    assert modal.heard("modal") == []


def test_a_modal_preview_starts_with_the_first_read(modal: Deployed):
    modal.hold("modal", "design")
    user = modal.user()
    task_id = user.design()
    assert user.task(task_id)["status"] == "pending"
    first, second = (user.get(f"/tasks/{task_id}").json() for _ in range(2))
    assert first == {
        "id": task_id,
        "type": "design_preview",
        "status": "processing",
        "error": None,
        "provider": "modal",
        "provider_status": "processing",
        "provider_poll_count": 0,
        "modal_status": "processing",
        "modal_elapsed_seconds": None,
        "modal_poll_count": 0,
    }
    assert second == {**first, "provider_poll_count": 1, "modal_poll_count": 1}
    modal.until_heard("modal", "design")
    assert len(modal.heard("modal", "design")) == 1


@pytest.mark.parametrize("interim", [0, 1])
def test_a_redirected_design_is_waited_for(modal: Deployed, interim):
    modal.instance.providers.modal.set_option("design_redirect", 303)
    modal.instance.providers.modal.set_option("design_interim", interim)
    user = modal.user()
    task = user.ended(user.design())
    assert modal.http.get(task["result"]["audio_url"]).content[:4] == b"RIFF"


def test_a_preview_without_its_wish_fails(modal: Deployed):
    user = modal.user()
    task_id = user.design()
    modal.sql("update public.tasks set metadata = metadata - 'instruct' where id = %s", task_id)
    task = user.get(f"/tasks/{task_id}").json()
    assert (task["status"], task["error"]) == ("failed", "Invalid design preview task metadata.")
