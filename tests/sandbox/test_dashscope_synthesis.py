"""Synthesis by the DashScope stand-in, and the URL that its audio is fetched from (protocol sheet, section 5)."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.tts.providers import audio
from sandbox.tts.providers.dashscope import CUSTOMIZATION, SYNTHESIS, billed_characters
from tests.sandbox.provider_fixtures import Bench, on_bench
from tests.sandbox.test_dashscope_stand_in import REFERENCE, VC, VD, clone_body, refusal


async def cloned(bench: Bench) -> str:
    return str((await bench.dashscope(CUSTOMIZATION, clone_body()))[1]["output"]["voice"])


def synthesise(text: str, *, model: str = VC, voice: str | None = None, skip_s: float = 0):
    """Synthesise with a fresh clone, then fetch what came out."""

    async def act(bench: Bench):
        given = {"text": text, "voice": voice or await cloned(bench), "language_type": "Auto"}
        status, body = await bench.dashscope(SYNTHESIS, {"model": model, "input": given})
        if status != 200:
            return (status, body), None
        bench.clock.skip(skip_s)
        return (status, body), await bench.data("GET", body["output"]["audio"]["url"])

    return on_bench(act)


def test_synthesis_answers_the_wire_form_and_no_more():
    (status, body), _ = synthesise("Good morning.")
    spoken = body["output"]["audio"]

    assert (status, sorted(body)) == (200, ["output", "request_id", "usage"])
    assert (sorted(body["output"]), body["output"]["finish_reason"]) == (["audio", "finish_reason"], "stop")
    assert (spoken["data"], spoken["id"], body["usage"]) == ("", f"audio_{body['request_id']}", {"characters": 13})
    assert parse_qs(urlsplit(spoken["url"]).query)["Expires"] == [str(spoken["expires_at"])]


def test_synthesised_audio_is_fetched_without_a_header():
    _, fetched = synthesise("Good morning.")

    assert fetched == (200, audio.speech_wav("Good morning."), "audio/wav")


@pytest.mark.parametrize(("skip_s", "status"), [(86_390, 200), (86_410, 403)])
def test_audio_url_is_good_for_a_day(skip_s, status):
    _, fetched = synthesise("Good morning.", skip_s=skip_s)

    assert fetched[0] == status


def test_expired_audio_url_is_answered_by_the_object_store_in_xml():
    _, (_, body, kind) = synthesise("Good morning.", skip_s=90_000)

    assert kind == "application/xml"
    assert b"<Code>AccessDenied</Code>" in body


def test_tampered_audio_url_is_refused():
    async def act(bench: Bench):
        url, _ = bench.providers.audio_host.publish(REFERENCE)
        return await bench.data("GET", url.replace("Expires=1", "Expires=2"))

    status, body, _ = on_bench(act)

    assert status == 403
    assert b"SignatureDoesNotMatch" in body


@pytest.mark.parametrize(
    ("text", "model", "voice", "expected"),
    [
        ("x" * 601, VC, None, (400, "InvalidParameter")),
        ("", VC, None, (400, "InvalidParameter")),
        ("hello", "qwen3-tts-vc-2026-01-23", None, (400, "InvalidParameter")),
        ("hello", VD, None, (400, "InvalidParameter")),
        ("hello", VC, "Cherry", (400, "InvalidParameter")),
        ("hello", VC, "qwen-tts-vc-none-voice-1-abcd", (400, "InvalidParameter")),
        ("hello", "qwen9", None, (404, "ModelNotFound")),
    ],
)
def test_synthesis_that_breaks_a_rule_is_refused(text, model, voice, expected):
    answer, _ = synthesise(text, model=model, voice=voice)

    assert refusal(answer) == expected


def test_a_realtime_model_is_refused_on_http_in_its_own_words():
    (status, body), _ = synthesise("hello", model="qwen3-tts-vc-realtime-2026-01-15")

    assert (status, body["code"], body["message"]) == (400, "InvalidParameter", "Invalid message type: ")


def test_an_unpaired_voice_is_named_in_the_refusal():
    (_, body), _ = synthesise("hello", model=VD)

    assert body["message"].startswith("Invalid voice specified")


def test_a_system_voice_speaks_with_a_flash_model():
    assert synthesise("hello", model="qwen3-tts-flash", voice="Cherry")[0][0] == 200


def test_longest_text_is_synthesised():
    assert synthesise("x" * 600)[0][0] == 200


@pytest.mark.parametrize(("text", "billed"), [("Hello.", 6), ("你好", 4), ("a b", 3)])
def test_a_han_character_is_billed_twice(text, billed):
    assert billed_characters(text) == billed


def test_synthesis_takes_longer_for_a_longer_text():
    async def act(bench: Bench):
        provider = bench.providers.dashscope
        provider.set_option("synthesis_s", 0.02)
        provider.set_option("per_character_s", 0.001)
        voice = await cloned(bench)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await bench.dashscope(SYNTHESIS, {"model": VC, "input": {"text": "x" * 100, "voice": voice}})
        return loop.time() - begun

    assert on_bench(act) >= 0.12


def test_a_failure_inside_a_200_can_be_scripted():
    async def act(bench: Bench):
        bench.providers.dashscope.script("synthesis", status=200, body={"code": "InternalError", "message": "no"})
        return await bench.dashscope(SYNTHESIS, {"model": VC, "input": {}})

    assert on_bench(act) == (200, {"code": "InternalError", "message": "no"})
