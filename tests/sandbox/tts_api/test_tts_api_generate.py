"""Generate: order of validation, cap, rows, money, one at a time, and both ways of handing the text on."""

from __future__ import annotations

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import REFERENCE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

UNKNOWN = str(uuid.uuid4())
BUSY = "A generation is already in progress. Please wait for it to finish before starting another."
ORDER = [
    ({}, 400, "Please select a voice"),
    ({"voice_id": 7}, 400, "Please select a voice"),
    ({"voice_id": "x"}, 400, "Invalid voice_id"),
    ({"voice_id": UNKNOWN}, 400, "Please enter text to speak"),
    ({"voice_id": UNKNOWN, "text": " \n "}, 400, "Please enter text to speak"),
    ({"voice_id": UNKNOWN, "text": "x"}, 404, "Voice not found"),
]


def generate(user: User, voice_id: str, text: str = "Good morning.", **fields: object):
    return user.post("/generate", {"voice_id": voice_id, "text": text, **fields})


def nothing_left(user: User, balance: int = 20_000) -> bool:
    """Neither rows nor money are touched."""
    return (
        user.profile()["credits_remaining"] == balance
        and user.get("/generations").json()["generations"] == []
        and user.deployed.rows("select 1 from public.tasks where user_id = %s", user.id) == []
    )


@pytest.mark.parametrize(("body", "status", "text"), ORDER)
def test_what_is_wrong_is_named_in_order(api: Deployed, user: User, body, status, text):
    reply = user.post("/generate", body)
    assert (reply.status_code, detail(reply)) == (status, text)
    assert nothing_left(user)


def test_the_mode_is_checked_before_the_body(qwen: Deployed):
    qwen.variables(TTS_PROVIDER_MODE="both")
    reply = qwen.user().send("POST", "/generate", content=b"{")
    assert (reply.status_code, detail(reply)[:8]) == (500, "Invalid ")


@pytest.mark.parametrize("pad", ["", "  ", "\ufeff\n"])
@pytest.mark.parametrize("character", ["x", "\N{GRINNING FACE}"])
def test_the_cap_counts_trimmed_utf_16_units(api: Deployed, user: User, pad, character):
    cap = 600 if api.mode == "qwen" else 10_000
    fits = character * (cap // len(character.encode("utf-16-le")) * 2)
    reply = generate(user, UNKNOWN, pad + fits + pad)
    assert (reply.status_code, detail(reply)) == (404, "Voice not found")
    reply = generate(user, UNKNOWN, fits + "x")
    assert (reply.status_code, detail(reply)) == (400, f"Text cannot exceed {cap} characters")
    assert nothing_left(user)


@pytest.mark.parametrize(("raw", "cap"), [("100", 100), ("99.9", 99), ("0", 600), ("many", 600)])
def test_the_cap_comes_from_the_configuration(qwen: Deployed, raw, cap):
    qwen.variables(QWEN_MAX_TEXT_CHARS=raw)
    reply = generate(qwen.user(), UNKNOWN, "x" * (cap + 1))
    assert detail(reply) == f"Text cannot exceed {cap} characters"
    assert qwen.http.get("/languages").json()["capabilities"]["max_text_chars"] == cap


def test_a_voice_of_another_user_or_a_deleted_one_is_not_found(api: Deployed, user: User):
    voice_id = user.voice()
    assert detail(generate(api.user(), voice_id)) == "Voice not found"
    user.delete(f"/voices/{voice_id}")
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (404, "Voice not found")
    assert nothing_left(user)


def test_a_voice_of_the_other_provider_is_refused(api: Deployed, user: User):
    voice_id = user.voice()
    other = "modal" if api.mode == "qwen" else "qwen"
    api.variables(TTS_PROVIDER_MODE=other)
    reply = generate(user, voice_id)
    text = f"Voice belongs to provider '{api.mode}'. Switch provider mode or create a {other} voice."
    assert (reply.status_code, detail(reply)) == (409, text)


METADATA = "Voice is missing qwen provider metadata. Re-clone or redesign this voice."
UNSUPPORTED = "Voice target model is not supported by current qwen rollout configuration."


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("provider_voice_id = null", METADATA),
        ("provider_target_model = null", METADATA),
        ("provider_target_model = 'qwen3-tts-vc-2025-01-01'", UNSUPPORTED),
        ("provider_target_model = 'qwen3-tts-vd-2026-01-26'", "Voice/provider model mismatch (vc)."),
        ("provider_voice_kind = 'vd'", "Voice/provider model mismatch (vd)."),
        ("provider_voice_kind = null", None),
    ],
)
def test_a_qwen_voice_must_fit_the_configured_models(qwen: Deployed, change, text):
    user = qwen.user()
    voice_id = user.voice()
    qwen.sql(f"update public.voices set {change} where id = %s", voice_id)
    reply = generate(user, voice_id)
    assert reply.status_code == (200 if text is None else 409)
    assert text is None or detail(reply) == text
    qwen.idle()
    assert len(qwen.heard("dashscope", "synthesis")) == (1 if text is None else 0)


def test_a_missing_key_is_noticed_and_not_named(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    qwen.variables(DASHSCOPE_API_KEY=None)
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (500, "Provider is temporarily unavailable. Please try again.")
    assert nothing_left(user)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "reference_transcript = null",
            "This voice has no reference transcript. Re-clone with a transcript to use Qwen3-TTS.",
        ),
        ("reference_object_key = null", "Voice has no reference audio."),
        ("reference_object_key = 'gone'", "Voice has no reference audio."),
    ],
)
def test_a_modal_voice_must_have_its_reference(modal: Deployed, change, text):
    user = modal.user()
    voice_id = user.voice()
    modal.sql(f"update public.voices set {change} where id = %s", voice_id)
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (400, text)


def test_an_accepted_text_answers_five_fields(api: Deployed, user: User):
    answer = user.speech(user.voice(), "x" * 500)
    assert answer == {
        "task_id": answer["task_id"],
        "status": "processing",
        "is_long_running": True,
        "estimated_duration_minutes": 1.3,
        "generation_id": answer["generation_id"],
    }


@pytest.mark.parametrize(("length", "minutes"), [(1, 0.1), (56, 0.1), (57, 0.2), (375, 1)])
def test_the_estimate_is_at_least_a_tenth(api: Deployed, user: User, length, minutes):
    assert user.speech(user.voice(), "x" * length)["estimated_duration_minutes"] == minutes


def test_the_rows_say_what_was_asked(api: Deployed, user: User):
    api.hold("dashscope", "synthesis")
    voice_id = user.voice(name="Nora")
    text = "A long text that goes on beyond the fifty characters of a preview."
    answer = user.speech(voice_id, f"  {text} ")
    generation, task = user.generation(answer["generation_id"]), user.task(answer["task_id"])
    qwen = api.mode == "qwen"
    assert (generation["text"], generation["language"], generation["status"]) == (text, "Auto", "processing")
    assert generation["provider_model"] == ("qwen3-tts-vc-2026-01-22" if qwen else None)
    assert (generation["tts_provider"], task["provider"], task["type"]) == (api.mode, api.mode, "generate")
    assert task["metadata"] == {
        "voice_id": voice_id,
        "voice_name": "Nora",
        "text_length": len(text),
        "text_preview": text[:50] + "...",
        "language": "Auto",
        "estimated_duration_minutes": 0.2,
        "credits_debited": len(text),
        "credits_remaining_after_debit": 20_000 - len(text),
    }
    (debit,) = user.ledger()
    assert (debit["operation"], debit["amount"], debit["reference_type"]) == ("generate", len(text), "generation")
    assert debit["idempotency_key"] == f"generate:{answer['generation_id']}:debit"
    if not qwen:
        assert (task["status"], task["provider_status"]) == ("processing", None)
        assert task["modal_job_id"] == task["provider_job_id"] == "mock-job-" + task["modal_job_id"].split("-")[-1]


def test_a_poor_user_is_told_what_is_missing(api: Deployed):
    user = api.user(balance=5)
    reply = generate(user, user.voice(), "123456")
    text = "Insufficient credits: need 6, have 5. 1 credit = 1 character."
    assert (reply.status_code, detail(reply)) == (402, text)
    assert nothing_left(user, balance=5)


def test_one_generation_at_a_time(api: Deployed, user: User):
    api.hold("dashscope", "synthesis")
    voice_id = user.voice()
    user.speech(voice_id)
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (409, BUSY)
    assert len(user.ledger()) == 1


def test_parallel_submits_are_charged_once(api: Deployed, user: User):
    api.hold("dashscope", "synthesis")
    voice_id = user.voice()
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(lambda _: generate(user, voice_id).status_code, range(6)))
    assert statuses == [200] + [409] * 5
    assert [row["event_kind"] for row in user.ledger()] == ["debit"]
    assert len(user.get("/generations").json()["generations"]) == 1


def test_parallel_spending_does_not_overspend(api: Deployed):
    user = api.user(balance=12)
    voice_id = user.voice()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: generate(user, voice_id, "1234567890"), range(4)))
    api.idle()
    assert user.profile()["credits_remaining"] == 2


@pytest.mark.parametrize("field", ["text", "language"])
def test_what_the_database_refuses_leaves_nothing(api: Deployed, user: User, field):
    reply = user.post("/generate", {"voice_id": user.voice(), "text": "x", field: "a\x00b"})
    assert (reply.status_code, detail(reply)) == (500, "Failed to create generation.")
    assert nothing_left(user)


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("select:voices", "Failed to load voice."),
        ("select:tasks", "Failed to check active tasks."),
        ("insert:generations", "Failed to create generation."),
        ("rpc:credit_apply_event", "Failed to debit credits."),
        ("insert:tasks", "Failed to create task."),
    ],
)
def test_each_step_that_fails_has_its_text_and_is_undone(api: Deployed, user: User, broken, text):
    voice_id = user.voice()
    api.breaking(broken)
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (500, text)
    api.mending(broken)
    assert nothing_left(user)


# Modal


def test_the_job_service_gets_text_and_reference(modal: Deployed):
    user = modal.user()
    user.speech(user.voice(), "Good morning.")
    (asked,) = modal.heard("modal", "submit")
    body = dict(asked["body"])
    assert base64.b64decode(body.pop("ref_audio_base64")[:400]) == REFERENCE[:300]
    assert body == {"text": "Good morning.", "language": "Auto", "ref_text": "hello there", "max_new_tokens": 4096}


@pytest.mark.parametrize("how", [{"status": 500, "body": "canary"}, {"status": 200, "body": {}}, {"drop": True}])
def test_a_submit_that_fails_is_refunded(modal: Deployed, how):
    user = modal.user()
    voice_id = user.voice()
    modal.script("modal", "submit", **how)
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (502, "Failed to submit generation job.")
    task = modal.row("select * from public.tasks where user_id = %s", user.id)
    generation = user.generation(task["generation_id"])
    assert (task["status"], generation["status"]) == ("failed", "failed")
    assert generation["error_message"] == "Failed to generate speech. Please try again."
    assert "canary" not in task["error"]
    assert [row["signed_amount"] for row in user.ledger()] == [-13, 13]
    assert user.speech(voice_id)


def test_a_job_that_cannot_be_written_down_costs_nothing_in_the_end(modal: Deployed):
    user = modal.user()
    voice_id = user.voice()
    modal.breaking("update:tasks")
    reply = generate(user, voice_id)
    assert (reply.status_code, detail(reply)) == (500, "Failed to update task.")
    modal.mending("update:tasks")
    assert len(modal.heard("modal", "cancel")) == 1
    modal.clock.skip(700)
    assert user.get("/generations").status_code == 200
    assert user.speech(voice_id)
    assert sum(row["signed_amount"] for row in user.ledger()) == -13


def test_a_cancel_during_the_submit_ends_the_job(modal: Deployed):
    modal.hold("modal", "submit")
    user = modal.user()
    voice_id = user.voice()
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(generate, user, voice_id)
        modal.until_heard("modal", "submit")
        task = modal.row("select * from public.tasks where user_id = %s", user.id)
        assert user.post(f"/tasks/{task['id']}/cancel").status_code == 200
        modal.release("modal", "submit")
        assert pending.result().status_code == 200
    assert user.get(f"/tasks/{task['id']}").json()["status"] == "cancelled"
    assert len(modal.heard("modal", "cancel")) == 1
    assert user.profile()["credits_remaining"] == 20_000
