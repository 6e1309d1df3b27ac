"""The DashScope stand-in against sections 1 to 5 of its protocol sheet."""

from __future__ import annotations

import base64
import re
import uuid

import miniaudio
import pytest

from sandbox.tts.providers import audio
from sandbox.tts.providers.dashscope import CUSTOMIZATION, SYNTHESIS
from tests.sandbox.provider_fixtures import Bench, on_bench

VC = "qwen3-tts-vc-2026-01-22"
VD = "qwen3-tts-vd-2026-01-26"
REFERENCE = audio.speech_wav("A reference recording that is long enough to be cloned from.")


def data_url(data: bytes = REFERENCE) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(data).decode()}"


def clone_body(**changes) -> dict:
    given = {"target_model": VC, "preferred_name": "nora_01", "audio": {"data": data_url()}, "language": "en"}
    return {"model": "qwen-voice-enrollment", "input": {"action": "create", **given, **changes}}


def design_body(parameters: dict | None = None, **changes) -> dict:
    given = {"target_model": VD, "voice_prompt": "A calm voice", "preview_text": "Good morning.", "language": "en"}
    body = {"model": "qwen-voice-design", "input": {"action": "create", "preferred_name": "calm", **given, **changes}}
    return {**body, "parameters": parameters or {"sample_rate": 24_000, "response_format": "wav"}}


def act_on(model: str, **given) -> dict:
    return {"model": model, "input": given}


def post(*calls: tuple[str, dict], key: str | None = None) -> list[tuple[int, dict]]:
    async def act(bench: Bench):
        return [await bench.dashscope(path, body, key=key) for path, body in calls]

    return on_bench(act)


def only(body: dict) -> tuple[int, dict]:
    return post((CUSTOMIZATION, body))[0]


def refusal(answer: tuple[int, dict]) -> tuple[int, str]:
    status, body = answer
    assert sorted(body) == ["code", "message", "request_id"]
    assert uuid.UUID(body["request_id"])
    return status, body["code"]


def test_a_clone_gets_a_voice_paired_with_its_target_model():
    status, body = only(clone_body())

    assert (status, sorted(body)) == (200, ["output", "request_id", "usage"])
    assert re.fullmatch(r"qwen-tts-vc-nora_01-voice-\d{17}-[0-9a-f]{4}", body["output"]["voice"])
    assert (body["output"]["target_model"], body["usage"]) == (VC, {"count": 1})


def test_a_design_comes_with_a_preview_in_real_wav():
    status, body = only(design_body())
    preview = body["output"]["preview_audio"]

    assert (status, body["usage"], body["output"]["target_model"]) == (200, {"count": 1}, VD)
    assert (preview["sample_rate"], preview["response_format"]) == (24_000, "wav")
    assert base64.b64decode(preview["data"], validate=True) == audio.speech_wav("Good morning.")


@pytest.mark.parametrize("rate_hz", [8000, 24_000, 48_000])
def test_a_preview_can_be_real_mp3(rate_hz):
    _, body = only(design_body({"sample_rate": rate_hz, "response_format": "mp3"}))
    preview = body["output"]["preview_audio"]
    data = base64.b64decode(preview["data"])

    assert (audio.sniff(data), preview["response_format"]) == ("mp3", "mp3")
    assert miniaudio.decode(data, nchannels=1).duration == pytest.approx(audio.speech_seconds("Good morning."), abs=0.3)


@pytest.mark.parametrize("key", ["", "sk-wrong"])
@pytest.mark.parametrize("path", [CUSTOMIZATION, SYNTHESIS])
def test_a_wrong_key_is_refused_before_anything_else(path, key):
    assert refusal(post((path, {"nonsense": 1}), key=key)[0]) == (401, "InvalidApiKey")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"target_model": None}, 400, "InvalidParameter"),
        ({"target_model": VD}, 400, "InvalidParameter"),
        ({"target_model": "qwen9"}, 404, "ModelNotFound"),
        ({"preferred_name": None}, 400, "InvalidParameter"),
        ({"preferred_name": "a-b"}, 400, "InvalidParameter"),
        ({"preferred_name": "x" * 17}, 400, "InvalidParameter"),
        ({"language": "nl"}, 400, "InvalidParameter"),
        ({"audio": {}}, 400, "InvalidParameter"),
        ({"audio": {"data": "data:audio/wav;base64,%%%"}}, 400, "Audio.DecoderError"),
        ({"audio": {"data": data_url(b"<html>not audio</html>")}}, 400, "Audio.DecoderError"),
        ({"audio": {"data": data_url(audio.speech_wav("x" * 90, rate_hz=16_000))}}, 400, "Audio.AudioRateError"),
        ({"audio": {"data": data_url(audio.speech_wav("x" * 900))}}, 400, "Audio.DurationLimitError"),
        ({"audio": {"data": data_url(audio.speech_wav("short"))}}, 400, "Audio.PreprocessError"),
        ({"audio": {"data": data_url(audio.speech_wav(" " * 90))}}, 400, "Audio.PreprocessError"),
    ],
)
def test_a_clone_that_breaks_a_rule_is_refused(changes, status, code):
    assert refusal(only(clone_body(**changes))) == (status, code)


@pytest.mark.parametrize(
    ("changes", "parameters", "code"),
    [
        ({"voice_prompt": ""}, None, "InvalidParameter"),
        ({"voice_prompt": "x" * 2049}, None, "InvalidParameter"),
        ({"preview_text": "x" * 1025}, None, "InvalidParameter"),
        ({"preview_text": None}, None, "InvalidParameter"),
        ({"target_model": VC}, None, "InvalidParameter"),
        ({}, {"sample_rate": 11_025, "response_format": "wav"}, "InvalidParameter"),
        ({}, {"sample_rate": 24_000, "response_format": "aiff"}, "InvalidParameter"),
    ],
)
def test_a_design_that_breaks_a_rule_is_refused(changes, parameters, code):
    assert refusal(only(design_body(parameters, **changes))) == (400, code)


def test_longest_prompt_and_preview_are_taken():
    assert only(design_body(voice_prompt="x" * 2048, preview_text="y" * 1024))[0] == 200


def clone_from(serve, **script) -> tuple[tuple[int, dict], list[dict]]:
    """Clone from a URL on a server of ours that answers with *script*; also what that server saw."""

    async def act(bench: Bench):
        url, _ = bench.providers.audio_host.publish(serve)
        if script:
            bench.providers.audio_host.script("download", **script)
        answer = await bench.dashscope(CUSTOMIZATION, clone_body(audio={"data": url}))
        return answer, bench.providers.audio_host.requests

    return on_bench(act)


def test_reference_audio_is_really_fetched_and_without_our_key():
    (status, _), seen = clone_from(REFERENCE)

    assert status == 200
    assert [(one["method"], one["authorized"], one["status"]) for one in seen] == [("GET", False, 200)]


@pytest.mark.parametrize("script", [{"status": 403}, {"status": 404}, {"status": 500}, {"drop": True, "times": None}])
def test_reference_audio_that_cannot_be_fetched_is_an_audio_error(script):
    answer, _ = clone_from(REFERENCE, **script)

    assert refusal(answer) == (400, "Audio.DecoderError")


def test_reference_url_that_holds_no_audio_is_an_audio_error():
    assert refusal(clone_from(b'{"statusCode": "404"}')[0]) == (400, "Audio.DecoderError")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.wav", "ftp://127.0.0.1/x.wav", "not a url"])
def test_reference_url_that_leads_nowhere_is_an_audio_error(url):
    assert refusal(only(clone_body(audio={"data": url}))) == (400, "Audio.DecoderError")


def test_nothing_is_created_by_a_refused_call():
    async def act(bench: Bench):
        await bench.dashscope(CUSTOMIZATION, clone_body(language="nl"))
        return bench.providers.dashscope.voices.by_id

    assert on_bench(act) == {}


def test_clones_and_designs_are_listed_apart():
    (_, clone), (_, design), (_, clones), (_, designs) = post(
        (CUSTOMIZATION, clone_body()),
        (CUSTOMIZATION, design_body()),
        (CUSTOMIZATION, act_on("qwen-voice-enrollment", action="list")),
        (CUSTOMIZATION, act_on("qwen-voice-design", action="list", page_index=0, page_size=5)),
    )

    assert [one["voice"] for one in clones["output"]["voice_list"]] == [clone["output"]["voice"]]
    assert [one["voice"] for one in designs["output"]["voice_list"]] == [design["output"]["voice"]]
    assert (clones["usage"], designs["usage"], designs["output"]["total_count"]) == ({"count": 0}, {}, 1)


def test_a_page_beyond_the_last_is_empty():
    _, (status, body) = post(
        (CUSTOMIZATION, design_body()),
        (CUSTOMIZATION, act_on("qwen-voice-design", action="list", page_index=3)),
    )

    assert (status, body["output"]["voice_list"], body["output"]["total_count"]) == (200, [], 1)


@pytest.mark.parametrize("page", [{"page_size": 0}, {"page_index": -1}, {"page_index": "1"}, {"page_index": 201}])
def test_a_page_out_of_range_is_refused(page):
    assert refusal(only(act_on("qwen-voice-design", action="list", **page))) == (400, "InvalidParameter")


def test_a_design_is_queried_and_deleted_by_its_voice():
    async def act(bench: Bench):
        _, made = await bench.dashscope(CUSTOMIZATION, design_body())
        voice = made["output"]["voice"]
        calls = [act_on("qwen-voice-design", action=action, voice=voice) for action in ("query", "delete", "query")]
        return voice, [await bench.dashscope(CUSTOMIZATION, call) for call in calls]

    voice, ((_, known), (deleted, body), gone) = on_bench(act)

    assert known["output"]["preview_text"] == "Good morning."
    assert (deleted, body["output"]) == (200, {"voice": voice})
    assert refusal(gone) == (400, "VoiceNotFound")
    assert gone[1]["message"] == f"Voice not found: {voice}"


def test_deleting_a_clone_answers_without_output_and_once_only():
    async def act(bench: Bench):
        _, made = await bench.dashscope(CUSTOMIZATION, clone_body())
        call = act_on("qwen-voice-enrollment", action="delete", voice=made["output"]["voice"])
        return [await bench.dashscope(CUSTOMIZATION, call) for _ in range(2)]

    (status, body), again = on_bench(act)

    assert (status, sorted(body), body["usage"]) == (200, ["request_id", "usage"], {"count": 0})
    assert refusal(again) == (400, "BadRequest.VoiceNotFound")


@pytest.mark.parametrize(
    "body",
    [act_on("qwen-voice-enrollment", action="query", voice="v"), act_on("other"), {"model": "qwen-voice-design"}],
)
def test_actions_that_do_not_exist_are_refused(body):
    assert refusal(only(body)) == (400, "InvalidParameter")


def test_calls_are_logged_under_their_own_names():
    async def act(bench: Bench):
        for body in (clone_body(), design_body(), act_on("qwen-voice-design", action="list")):
            await bench.dashscope(CUSTOMIZATION, body)
        await bench.dashscope(SYNTHESIS, {})
        return [entry["call"] for entry in bench.providers.dashscope.requests]

    assert on_bench(act) == ["clone_create", "design_create", "design_list", "synthesis"]


def test_the_key_is_in_no_log():
    async def act(bench: Bench):
        await bench.dashscope(CUSTOMIZATION, clone_body())
        return bench.providers.dashscope.api_key in str(bench.providers.dashscope.requests)

    assert on_bench(act) is False
