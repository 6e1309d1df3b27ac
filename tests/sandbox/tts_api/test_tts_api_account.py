"""Health, capabilities, profile and usage."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.tts_api.deployed import Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

INVALID = "Invalid TTS_PROVIDER_MODE: both. Expected one of: modal, qwen"


def test_capabilities_follow_mode_and_configuration(api: Deployed):
    answer = api.http.get("/languages").json()
    assert list(answer) == ["languages", "default", "provider", "capabilities", "transcription"]
    assert len(answer["languages"]) == 15
    assert (answer["default"], answer["provider"]) == ("Auto", api.mode)
    assert answer["capabilities"] == {
        "supports_generate": True,
        "supports_generate_stream": False,
        "default_generate_mode": "task",
        "allow_generate_mode_toggle": False,
        "max_text_chars": 600 if api.mode == "qwen" else 10_000,
    }
    assert answer["transcription"] == {"enabled": True, "provider": "mistral", "model": "voxtral-mini-2602"}


def test_an_invalid_mode_is_a_plain_sentence(api: Deployed):
    api.variables(TTS_PROVIDER_MODE="both")
    reply = api.http.get("/languages")
    assert (reply.status_code, detail(reply)) == (500, INVALID)


def test_a_redeploy_flips_the_mode(qwen: Deployed):
    qwen.variables(TTS_PROVIDER_MODE=" MODAL ")
    assert qwen.http.get("/languages").json()["provider"] == "modal"
    qwen.variables(TTS_PROVIDER_MODE=None)
    assert qwen.http.get("/languages").json()["provider"] == "modal"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}])
def test_me_is_signed_out_without_a_good_token(qwen: Deployed, headers):
    reply = qwen.http.get("/me", headers=headers)
    assert (reply.status_code, reply.json()) == (200, {"signed_in": False, "user": None, "profile": None})


def test_me_shows_the_profile(qwen: Deployed):
    user = qwen.user(balance=100)
    answer = user.get("/me").json()
    assert (answer["signed_in"], answer["user"]) == (True, {"id": user.id})
    assert list(answer["profile"]) == [
        "id", "handle", "display_name", "avatar_url", "subscription_tier", "credits_remaining", "created_at", "updated_at"
    ]  # fmt: skip
    assert (answer["profile"]["subscription_tier"], answer["profile"]["credits_remaining"]) == ("free", 100)


def test_a_missing_profile_is_made(qwen: Deployed):
    user = qwen.user()
    qwen.sql("delete from public.profiles where id = %s", user.id)
    assert user.get("/me").json()["profile"]["id"] == user.id
    assert user.profile()["clone_trials_remaining"] == 2


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"handle": "ab"}, "Handle must be 3-30 chars and use only letters, numbers, and underscores."),
        ({"handle": "a b c"}, "Handle must be 3-30 chars and use only letters, numbers, and underscores."),
        ({"display_name": "x" * 101}, "Display name must be 1-100 characters."),
        ({"avatar_url": "nonsense"}, "Avatar URL must be a valid URL or null."),
        ({}, "No valid fields to update."),
        ({"handle": 7, "credits_remaining": 9}, "No valid fields to update."),
    ],
)
def test_a_bad_profile_is_refused(qwen: Deployed, body, text):
    reply = qwen.user().send("PATCH", "/profile", json=body)
    assert (reply.status_code, detail(reply)) == (400, text)


def test_a_profile_is_changed_and_cleared(qwen: Deployed):
    user = qwen.user(balance=100)
    changed = user.send("PATCH", "/profile", json={"display_name": " Nora ", "credits_remaining": 9, "id": "x"}).json()
    assert changed["profile"]["display_name"] == "Nora"
    assert changed["profile"]["credits_remaining"] == 100
    cleared = user.send("PATCH", "/profile", json={"display_name": " "}).json()
    assert cleared["profile"]["display_name"] is None


def test_a_handle_is_taken_once(qwen: Deployed):
    one, two = qwen.user(), qwen.user()
    handle = f"h_{one.id[:8]}"
    assert one.send("PATCH", "/profile", json={"handle": handle}).status_code == 200
    reply = two.send("PATCH", "/profile", json={"handle": handle})
    assert (reply.status_code, detail(reply)) == (400, "Handle is already taken.")
    assert two.send("PATCH", "/profile", json={"handle": handle.upper()}).status_code == 200


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_name_that_the_database_refuses_is_a_plain_failure(qwen: Deployed, name):
    reply = qwen.user().send("PATCH", "/profile", content=json.dumps({"display_name": name}))
    assert (reply.status_code, detail(reply)) == (500, "Failed to update profile.")


@pytest.mark.parametrize(
    ("query", "days"),
    [("", 30), ("?window_days=", 30), ("?window_days=7", 7), ("?window_days=0", 1), ("?window_days=999", 365),
     ("?window_days=x", 30), ("?window_days=-5", 1), ("?window_days=7.9", 7)],
)  # fmt: skip
def test_the_usage_window_is_clamped(qwen: Deployed, query, days):
    assert qwen.user().get(f"/credits/usage{query}").json()["window_days"] == days


def test_usage_agrees_with_the_ledger(api: Deployed, user: User):
    user.voice()
    user.voice()
    user.voice()
    answer = user.get("/credits/usage").json()
    assert list(answer) == [
        "credit_unit", "window_days", "plan", "balance", "trials", "usage", "rate_card", "events"
    ]  # fmt: skip
    assert answer["trials"] == {"design_remaining": 2, "clone_remaining": 0}
    assert answer["usage"] == {"debited": 1000, "credited": 0, "net": -1000}
    assert answer["balance"] == 19_000
    assert [row["action"] for row in answer["rate_card"]] == ["Generate speech", "Voice design preview", "Voice clone"]
    event = answer["events"][0]
    assert list(event) == [
        "id", "event_kind", "operation", "amount", "signed_amount", "balance_after", "reference_type", "reference_id",
        "metadata", "created_at",
    ]  # fmt: skip
    assert (event["operation"], event["signed_amount"], event["reference_type"]) == ("clone", -1000, "voice")


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("select:profiles", "Failed to load profile credits."),
        ("rpc:credit_usage_window_totals", "Failed to load credit usage totals."),
        ("select:credit_ledger", "Failed to load credit events."),
    ],
)
def test_usage_says_what_it_could_not_load(qwen: Deployed, broken, text):
    user = qwen.user()
    qwen.breaking(broken)
    reply = user.get("/credits/usage")
    assert (reply.status_code, detail(reply)) == (500, text)
