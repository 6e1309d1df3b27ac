"""Checkout, the Stripe webhook, and transcription: routes with an upstream of their own."""

from __future__ import annotations

import uuid

import pytest

from sandbox.tts.providers.stripe import event_payload
from tests.sandbox.tts_api.deployed import Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail


def deliver(qwen: Deployed, body: bytes, *, header: str | None = None, age_s: int = 0):
    signature = qwen.instance.providers.stripe.signature(body, age_s=age_s) if header is None else header
    headers = {"stripe-signature": signature} if signature else {}
    return qwen.http.post("/webhooks/stripe", content=body, headers=headers)


def bought(user: User, *, price: str = "price_pack_150k", event: str | None = None, **session: object) -> bytes:
    """The event of a paid checkout session."""
    items = {"data": [{"price": {"id": price}}]}
    paid = {"payment_status": "paid", "metadata": {"user_id": user.id}, "line_items": items, **session}
    return event_payload(event or f"evt_{uuid.uuid4().hex}", paid)


@pytest.mark.parametrize(
    ("body", "text"),
    [({}, "pack_id is required."), ({"pack_id": " "}, "pack_id is required."), ({"pack_id": "x"}, "Invalid pack_id.")],
)
def test_an_unknown_pack_is_refused(qwen: Deployed, body, text):
    reply = qwen.user().post("/billing/checkout", body)
    assert (reply.status_code, detail(reply)) == (400, text)


def test_a_checkout_is_opened_at_stripe(qwen: Deployed):
    user = qwen.user()
    reply = user.post("/billing/checkout", {"pack_id": "pack_500k"}, headers={"Origin": "https://app.example"})
    assert list(reply.json()) == ["url"]
    (session,) = [
        one for one in qwen.instance.providers.stripe.sessions.values() if one["metadata[user_id]"] == user.id
    ]
    assert session["line_items[0][price]"] == "price_pack_500k"
    assert session["success_url"] == "https://app.example/account/billing?checkout=success"
    assert session["cancel_url"] == "https://app.example/account/billing?checkout=cancel"


@pytest.mark.parametrize(
    ("gone", "text"),
    [
        ("STRIPE_SECRET_KEY", "Billing is not configured."),
        ("STRIPE_PRICE_PACK_150K", "Billing pack pricing is not configured."),
    ],
)
def test_a_checkout_without_configuration_is_said(qwen: Deployed, gone, text):
    qwen.variables(**{gone: None})
    reply = qwen.user().post("/billing/checkout", {"pack_id": "pack_150k"})
    assert (reply.status_code, detail(reply)) == (500, text)


@pytest.mark.parametrize("how", [{"status": 402, "body": {"error": {"message": "canary"}}}, {"drop": True}])
def test_what_stripe_says_is_not_passed_on(qwen: Deployed, how):
    qwen.script("stripe", "session_create", **how)
    reply = qwen.user().post("/billing/checkout", {"pack_id": "pack_150k"})
    assert (reply.status_code, detail(reply)) == (502, "Payment provider request failed. Please try again.")


def test_a_checkout_without_a_url_is_said(qwen: Deployed):
    qwen.script("stripe", "session_create", status=200, body={})
    reply = qwen.user().post("/billing/checkout", {"pack_id": "pack_150k"})
    assert (reply.status_code, detail(reply)) == (502, "Stripe checkout URL missing from response.")


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        ("", b"{}", "Missing Stripe signature."),
        ("t=1,v1=x", b"{}", "Invalid Stripe signature."),
        (None, b"{", "Invalid Stripe event payload."),
        (None, b"{}", "Invalid Stripe event payload."),
        (None, b"[]", "Invalid Stripe event payload."),
    ],
)
def test_a_bad_event_is_refused(qwen: Deployed, header, body, text):
    reply = deliver(qwen, body, header=header)
    assert (reply.status_code, detail(reply)) == (400, text)


def test_an_old_signature_is_refused(qwen: Deployed):
    reply = deliver(qwen, bought(qwen.user()), age_s=301)
    assert (reply.status_code, detail(reply)) == (400, "Invalid Stripe signature.")


def test_a_paid_pack_is_granted_once(qwen: Deployed):
    user = qwen.user(balance=100)
    body = bought(user, event=f"evt_{user.id}")
    assert deliver(qwen, body).json() == {"received": True, "processed": True}
    assert deliver(qwen, body).json() == {"received": True, "duplicate": True}
    assert user.profile()["credits_remaining"] == 150_100
    (row,) = user.ledger()
    assert (row["event_kind"], row["operation"]) == ("grant", "paid_purchase")
    assert row["idempotency_key"] == f"stripe:event:evt_{user.id}:grant"
    event = qwen.row("select * from public.billing_events where user_id = %s", user.id)
    assert (event["status"], event["credits_granted"], event["ledger_id"]) == ("processed", 150_000, row["id"])


def test_the_price_is_asked_of_stripe_when_the_event_lacks_it(qwen: Deployed):
    user = qwen.user(balance=100)
    user.post("/billing/checkout", {"pack_id": "pack_500k"})
    sessions = qwen.instance.providers.stripe.sessions
    session_id = next(key for key, one in sessions.items() if one["metadata[user_id]"] == user.id)
    assert deliver(qwen, bought(user, line_items=None, id=session_id)).status_code == 200
    assert user.profile()["credits_remaining"] == 500_100


def test_an_unpaid_session_grants_nothing(qwen: Deployed):
    user = qwen.user(balance=100)
    assert deliver(qwen, bought(user, payment_status="unpaid")).json() == {"received": True, "ignored": True}
    assert user.profile()["credits_remaining"] == 100


def test_other_events_are_ignored(qwen: Deployed):
    body = event_payload(f"evt_{uuid.uuid4().hex}", {}, kind="invoice.paid")
    assert deliver(qwen, body).json() == {"received": True, "ignored": True}
    assert deliver(qwen, body).json() == {"received": True, "duplicate": True}


def test_a_failed_event_is_processed_when_it_comes_again(qwen: Deployed):
    user = qwen.user(balance=100)
    body = bought(user, price="price_unknown")
    reply = deliver(qwen, body)
    assert (reply.status_code, detail(reply)) == (500, "Unknown Stripe price.")
    qwen.variables(STRIPE_PRICE_PACK_150K="price_unknown")
    assert deliver(qwen, body).json() == {"received": True, "processed": True}


def test_an_event_for_nobody_is_not_kept(qwen: Deployed):
    body = event_payload("evt_nobody", {"metadata": {"user_id": str(uuid.uuid4())}})
    reply = deliver(qwen, body)
    assert (reply.status_code, detail(reply)) == (500, "Failed to persist billing event.")
    assert qwen.rows("select 1 from public.billing_events where provider_event_id = 'evt_nobody'") == []


def test_a_webhook_without_a_secret_is_said(qwen: Deployed):
    qwen.variables(STRIPE_WEBHOOK_SECRET=None)
    reply = deliver(qwen, b"{}")
    assert (reply.status_code, detail(reply)) == (500, "Billing webhook is not configured.")


# Transcription


def transcribe(user: User, name: str = "a.WAV", data: bytes = b"RIFF", **fields: str):
    return user.form("/transcriptions", fields, (name, data, "audio/wav"))


def test_a_recording_becomes_text(qwen: Deployed):
    reply = transcribe(qwen.user(), language="German")
    assert reply.json() == {"text": "This is a recording of 4 bytes.", "model": "voxtral-mini-2602", "language": "de"}


@pytest.mark.parametrize("language", ["Auto", "Klingon", ""])
def test_an_unknown_language_is_left_to_the_service(qwen: Deployed, language):
    assert transcribe(qwen.user(), language=language).json()["language"] is None


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.ogg", b"x", "File must be WAV, MP3, or M4A (got .ogg)"),
        ("a", b"x", "File must be WAV, MP3, or M4A (got unknown)"),
        ("a.wav", b"", "Audio file is required"),
        ("a.ogg", b"x" * 52_428_801, "File too large (max 50MB)"),
    ],
)
def test_a_file_that_will_not_do_is_refused(qwen: Deployed, name, data, text):
    reply = transcribe(qwen.user(), name, data)
    assert (reply.status_code, detail(reply)) == (400, text)


def test_a_transcription_needs_form_and_file(qwen: Deployed):
    user = qwen.user()
    assert detail(user.post("/transcriptions", {})) == "Invalid form data."
    assert detail(user.form("/transcriptions", {"audio": "text"})) == "Audio file is required"


@pytest.mark.parametrize("change", [{"MISTRAL_API_KEY": None}, {"TRANSCRIPTION_ENABLED": "false"}])
def test_transcription_can_be_off(qwen: Deployed, change):
    qwen.variables(**change)
    reply = qwen.user().post("/transcriptions", {})
    assert (reply.status_code, detail(reply)) == (503, "Transcription is not configured on this server.")
    assert qwen.http.get("/languages").json()["transcription"]["enabled"] is False


@pytest.mark.parametrize("how", [{"status": 401, "body": "canary"}, {"drop": True}, {"status": 200, "body": "canary"}])
def test_what_the_service_says_is_not_passed_on(qwen: Deployed, how):
    qwen.script("mistral", "transcribe", **how)
    reply = transcribe(qwen.user())
    assert (reply.status_code, detail(reply)) == (502, "Transcription request failed.")


def test_an_answer_without_text_is_an_empty_text(qwen: Deployed):
    qwen.script("mistral", "transcribe", status=200, body={})
    assert transcribe(qwen.user()).json() == {"text": "", "model": "voxtral-mini-2602", "language": None}
