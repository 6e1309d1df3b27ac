"""Cloning: upload URL, finalize, charges, replays, failures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import REFERENCE, VOICE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

NAME = "Name must be 1-100 characters."
BAD = [
    ({}, NAME),
    ({"name": " "}, NAME),
    ({"name": 7}, NAME),
    ({"name": "x" * 101}, NAME),
    ({"name": "\N{GRINNING FACE}" * 51}, NAME),
    ({"name": "x" * 100}, "Language is required."),
    ({"name": "x", "language": ""}, "Language is required."),
    ({"name": "x", "language": "English"}, "Transcript is required."),
    ({"name": "x", "language": "English", "transcript": "  "}, "Transcript is required."),
]
POOR = "Insufficient credits: need 1,000, have 999. 1 credit = 1 character."
REPLAY = "Duplicate finalize request detected. Please start a new clone upload."
UNAVAILABLE = "Provider is temporarily unavailable. Please try again."


def finalize(user: User, voice_id: str, **fields: object):
    return user.post("/clone/finalize", {**VOICE, "voice_id": voice_id, **fields})


def spent(user: User) -> tuple[int, int]:
    """Clone trials and credits that are left."""
    profile = user.profile()
    return profile["clone_trials_remaining"], profile["credits_remaining"]


@pytest.mark.parametrize(("body", "text"), BAD)
def test_what_is_missing_is_named_in_order(qwen: Deployed, body, text):
    user = qwen.user()
    for path, extra in (("/clone/upload-url", {}), ("/clone/finalize", {"voice_id": "x"})):
        reply = user.post(path, {**body, **extra})
        assert (reply.status_code, detail(reply)) == (400, text)


def test_finalize_asks_for_the_voice_id_first(qwen: Deployed):
    reply = qwen.user().post("/clone/finalize", {})
    assert (reply.status_code, detail(reply)) == (400, "voice_id is required.")


def test_an_upload_url_is_fresh_and_names_its_key(api: Deployed, user: User):
    one, two = (user.post("/clone/upload-url", VOICE).json() for _ in range(2))
    assert list(one) == ["voice_id", "upload_url", "object_key"]
    assert one["object_key"] == f"{user.id}/{one['voice_id']}/reference.wav"
    assert one["voice_id"] != two["voice_id"]
    assert api.rows("select 1 from public.voices where user_id = %s", user.id) == []


@pytest.mark.parametrize("voice_id", ["nonsense", "../x", "7f8dd1f1-3c3a-4a57-9f0e-0f6b1c2d3e4f"])
def test_without_an_upload_there_is_no_voice_and_no_charge(api: Deployed, user: User, voice_id):
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (400, "Audio file not uploaded.")
    assert spent(user) == (2, 20_000)


def test_the_upload_of_another_user_is_no_upload(api: Deployed, user: User):
    reply = finalize(api.user(), user.uploaded())
    assert (reply.status_code, detail(reply)) == (400, "Audio file not uploaded.")


def test_an_upload_over_ten_megabytes_is_refused_before_the_charge(qwen: Deployed):
    user = qwen.user()
    voice_id = user.uploaded()
    qwen.sql(
        "update storage.objects set metadata = metadata || %s::jsonb where name = %s",
        '{"size": 10485761}',
        f"{user.id}/{voice_id}/reference.wav",
    )
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (400, "Reference audio must be under 10MB.")
    assert spent(user) == (2, 20_000)
    assert qwen.heard("dashscope") == []


def test_a_clone_becomes_a_complete_row(api: Deployed, user: User):
    voice_id = user.voice(name=" Nora ", description=" low ")
    row = api.row("select * from public.voices where id = %s", voice_id)
    made = api.mode == "qwen"
    expected = {
        "name": "Nora",
        "description": "low",
        "language": "English",
        "source": "uploaded",
        "reference_object_key": f"{user.id}/{voice_id}/reference.wav",
        "reference_transcript": "hello there",
        "tts_provider": api.mode,
        "provider_target_model": "qwen3-tts-vc-2026-01-22" if made else None,
        "provider_voice_kind": "vc" if made else None,
        "provider_region": "intl" if made else None,
        "provider_metadata": {"usage": {"count": 1}} if made else {},
        "deleted_at": None,
    }
    assert {name: row[name] for name in expected} == expected
    assert bool(row["provider_voice_id"]) == bool(row["provider_request_id"]) == made


def test_the_provider_is_asked_once_with_a_url_that_it_can_read(qwen: Deployed):
    user = qwen.user()
    user.voice(name="Ann-Marie O'Neil Junior", language="Auto")
    asked = qwen.heard("dashscope", "clone_create")
    assert len(asked) == 1
    body = asked[0]["body"]
    assert body["model"] == "qwen-voice-enrollment"
    assert {name: body["input"][name] for name in ("action", "target_model", "preferred_name", "text", "language")} == {
        "action": "create",
        "target_model": "qwen3-tts-vc-2026-01-22",
        "preferred_name": "Ann_Marie_O_Neil",
        "text": "hello there",
        "language": "en",
    }
    assert qwen.http.get(body["input"]["audio"]["data"]).content == REFERENCE
    qwen.clock.skip(601)
    assert qwen.http.get(body["input"]["audio"]["data"]).status_code == 400


def test_a_language_that_the_provider_lacks_is_left_out(qwen: Deployed):
    qwen.user().voice(language="Dutch")
    assert "language" not in qwen.heard("dashscope", "clone_create")[0]["body"]["input"]


def test_modal_contacts_nobody(modal: Deployed):
    modal.user().voice()
    assert modal.heard("modal") == modal.heard("dashscope") == []


def test_two_clones_are_free_then_each_costs_a_thousand(api: Deployed, user: User):
    left = []
    for _ in range(3):
        user.voice()
        left.append(spent(user))
    assert left == [(1, 20_000), (0, 20_000), (0, 19_000)]


def test_who_cannot_pay_may_try_the_same_id_again(api: Deployed):
    user = api.user(balance=999)
    api.sql("update public.profiles set clone_trials_remaining = 0 where id = %s", user.id)
    voice_id = user.uploaded()
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (402, POOR)
    api.sql("update public.profiles set credits_remaining = 1000 where id = %s", user.id)
    assert finalize(user, voice_id).status_code == 200


def test_a_replay_returns_the_voice_and_costs_nothing(api: Deployed, user: User):
    voice_id = user.voice()
    before = spent(user)
    reply = finalize(user, voice_id, name="Other")
    assert (reply.status_code, reply.json()) == (200, {"id": voice_id, "name": "Nora"})
    user.delete(f"/voices/{voice_id}")
    assert finalize(user, voice_id).status_code == 200
    assert spent(user) == before
    assert len(api.heard("dashscope")) == (1 if api.mode == "qwen" else 0)


def test_parallel_finalizes_make_one_voice(api: Deployed, user: User):
    voice_id = user.uploaded()
    with ThreadPoolExecutor(5) as pool:
        statuses = sorted(pool.map(lambda _: finalize(user, voice_id).status_code, range(5)))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert spent(user) == (1, 20_000)
    assert len(api.rows("select 1 from public.voices where id = %s", voice_id)) == 1
    assert len(api.heard("dashscope")) == (1 if api.mode == "qwen" else 0)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"status": 400, "body": {"code": "X", "message": "canary"}}, "Qwen customization request failed"),
        ({"status": 401, "body": {"message": "canary"}}, "Qwen customization request failed"),
        ({"status": 418, "body": "canary"}, "Qwen customization request failed"),
        ({"status": 429, "body": {"message": "canary"}}, UNAVAILABLE),
        ({"status": 500, "body": {"message": "canary"}}, UNAVAILABLE),
        ({"status": 504, "body": "canary"}, "Provider request timed out. Please try again."),
        ({"status": 200, "body": {"output": {}}}, UNAVAILABLE),
        ({"status": 200, "body": "null"}, UNAVAILABLE),
        ({"status": 200, "body": "canary"}, UNAVAILABLE),
        ({"drop": True}, UNAVAILABLE),
    ],
)
def test_a_provider_failure_gives_the_trial_back_once(qwen: Deployed, how, text):
    user = qwen.user()
    voice_id = user.uploaded()
    qwen.script("dashscope", "clone_create", **how)
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (502, text)
    assert spent(user) == (2, 20_000)
    assert qwen.rows("select 1 from public.voices where user_id = %s", user.id) == []
    assert qwen.objects("references", user.id) == [f"{user.id}/{voice_id}/reference.wav"]
    again = finalize(user, voice_id)
    assert (again.status_code, detail(again)) == (409, REPLAY)
    assert spent(user) == (2, 20_000)


def test_a_silent_provider_is_given_up_on(qwen: Deployed):
    qwen.variables(PROVIDER_TIMEOUT_SECONDS="0.1")
    qwen.hold("dashscope", "clone_create")
    user = qwen.user()
    reply = finalize(user, user.uploaded())
    assert (reply.status_code, detail(reply)) == (502, "Provider request timed out. Please try again.")


def test_a_paid_clone_that_fails_is_refunded(qwen: Deployed):
    user = qwen.user()
    qwen.sql("update public.profiles set clone_trials_remaining = 0 where id = %s", user.id)
    voice_id = user.uploaded()
    qwen.script("dashscope", "clone_create", status=500)
    finalize(user, voice_id)
    assert [(row["event_kind"], row["amount"], row["idempotency_key"]) for row in user.ledger()] == [
        ("debit", 1000, f"clone:{voice_id}:charge"),
        ("refund", 1000, f"clone:{voice_id}:refund"),
    ]


def test_a_voice_that_cannot_be_written_is_undone_and_noted(api: Deployed, user: User):
    voice_id = user.uploaded()
    reply = finalize(user, voice_id, name="a\x00b")
    assert (reply.status_code, detail(reply)) == (500, "Failed to create voice.")
    assert spent(user) == (2, 20_000)
    assert api.objects("references", user.id) == []
    noted = [line for line in api.instance.log.lines if line.get("event") == "orphaned_provider_voice"]
    assert len(noted) == (1 if api.mode == "qwen" else 0)
    again = finalize(user, voice_id)
    assert (again.status_code, detail(again)) == (400, "Audio file not uploaded.")


def test_an_id_that_is_taken_leaves_the_other_voice_its_audio(api: Deployed, user: User):
    voice_id = user.uploaded()
    api.sql(
        "insert into public.voices (id, user_id, name, source) values (%s, %s, 'first', 'uploaded')", voice_id, user.id
    )
    assert finalize(user, voice_id).status_code == 500
    assert api.objects("references", user.id) == [f"{user.id}/{voice_id}/reference.wav"]
    assert spent(user) == (2, 20_000)


def test_a_wrong_configuration_costs_nothing(qwen: Deployed):
    user = qwen.user()
    voice_id = user.uploaded()
    qwen.variables(DASHSCOPE_API_KEY=None)
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (502, UNAVAILABLE)
    qwen.variables(TTS_PROVIDER_MODE="both")
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)[:25]) == (500, "Invalid TTS_PROVIDER_MODE")
    assert spent(user) == (2, 20_000)


@pytest.mark.parametrize(("broken", "text"), [("rpc:trial_or_debit", "Failed to debit credits.")])
def test_a_charge_that_fails_is_said(qwen: Deployed, broken, text):
    user = qwen.user()
    voice_id = user.uploaded()
    qwen.breaking(broken)
    reply = finalize(user, voice_id)
    assert (reply.status_code, detail(reply)) == (500, text)
