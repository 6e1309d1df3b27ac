"""The small stand-ins: transcription and payments."""

from __future__ import annotations

import base64
import hashlib
import hmac

import aiohttp
import pytest

from tests.sandbox.provider_fixtures import Bench, on_bench


def recording() -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("model", "voxtral-mini-2602")
    form.add_field("language", "en")
    form.add_field("file", b"RIFFdata", filename="a.wav", content_type="audio/wav")
    return form


async def transcribe(bench: Bench, key: str, form) -> tuple[int, dict]:
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{bench.providers.mistral.url}/v1/audio/transcriptions"
    return await bench.json("POST", url, data=form, headers=headers)


def test_transcription_names_what_it_got():
    async def act(bench: Bench):
        return await transcribe(bench, bench.providers.mistral.api_key, recording())

    status, body = on_bench(act)

    assert (status, body["model"], body["language"]) == (200, "voxtral-mini-2602", "en")
    assert body["text"].strip() == "This is a recording of 8 bytes."


def test_transcription_refuses_a_wrong_key():
    async def act(bench: Bench):
        return await transcribe(bench, "wrong", recording())

    assert on_bench(act)[0] == 401


def test_transcription_refuses_a_form_without_a_file():
    async def act(bench: Bench):
        return await transcribe(bench, bench.providers.mistral.api_key, {"model": "m"})

    assert on_bench(act)[0] == 422


CHECKOUT = {
    "mode": "payment",
    "line_items[0][price]": "price_pack_150k",
    "line_items[0][quantity]": "1",
    "metadata[user_id]": "user-1",
    "success_url": "http://localhost/ok",
}


async def stripe(bench: Bench, method: str, path: str, **options) -> tuple[int, dict]:
    provider = bench.providers.stripe
    headers = {"Authorization": f"Bearer {provider.secret_key}", **options.pop("headers", {})}
    return await bench.json(method, f"{provider.url}{path}", headers=headers, **options)


def test_a_checkout_session_remembers_price_and_user():
    async def act(bench: Bench):
        _, made = await stripe(bench, "POST", "/v1/checkout/sessions", data=CHECKOUT)
        return made, await stripe(bench, "GET", f"/v1/checkout/sessions/{made['id']}/line_items")

    made, (status, items) = on_bench(act)

    assert made["url"].endswith(f"/pay/{made['id']}")
    assert made["metadata"] == {"user_id": "user-1"}
    assert (status, items["data"][0]["price"]["id"]) == (200, "price_pack_150k")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/v1/prices/price_pack_500k", {}, 200),
        ("GET", "/v1/prices/price_other", {}, 404),
        ("GET", "/v1/checkout/sessions/cs_none", {}, 404),
        ("POST", "/v1/checkout/sessions", {"data": {"line_items[0][price]": "price_other"}}, 400),
        ("GET", "/v1/prices/price_pack_500k", {"headers": {"Authorization": "Bearer sk_wrong"}}, 401),
    ],
)
def test_payments_answer_as_the_real_api_does(method, path, options, status):
    async def act(bench: Bench):
        return await stripe(bench, method, path, **options)

    assert on_bench(act)[0] == status


def test_basic_authorisation_is_taken_too():
    async def act(bench: Bench):
        provider = bench.providers.stripe
        headers = {"Authorization": f"Basic {base64.b64encode(f'{provider.secret_key}:'.encode()).decode()}"}
        return await bench.json("GET", f"{provider.url}/v1/prices/price_pack_150k", headers=headers)

    assert on_bench(act)[0] == 200


def test_a_webhook_signature_is_an_hmac_over_time_and_payload():
    async def act(bench: Bench):
        provider = bench.providers.stripe
        return provider.signature(b"{}", age_s=10), provider.webhook_secret, provider.clock.time()

    signature, secret, now = on_bench(act)
    moment, digest = (part.split("=")[1] for part in signature.split(","))

    assert int(moment) == pytest.approx(now - 10, abs=2)
    assert digest == hmac.new(secret.encode(), f"{moment}.{{}}".encode(), hashlib.sha256).hexdigest()
