"""How the realtime server refuses, fails and ends (protocol sheet, 6.1, 6.6, 6.8 and 12)."""

from __future__ import annotations

import json

import pytest
import websockets

from tests.sandbox.provider_fixtures import Bench, on_bench
from tests.sandbox.realtime_client import VC, Talk, handshake, speaking, talk, talking

HTTP_VC = "qwen3-tts-vc-2026-01-22"
LATE = "Session update error: the session cannot be updated after synthesis has begun."


def refused(**how) -> tuple[int, dict, dict]:
    """Status, body and headers of a handshake that is not upgraded; *live* for the live-like profile."""
    live, script = how.pop("live", 0), how.pop("script", None)

    async def act(bench: Bench):
        bench.providers.dashscope.set_option("realtime_live_like", live)
        if script:
            bench.providers.dashscope.script("realtime", **script)
        with pytest.raises(websockets.InvalidStatus) as refusal:
            await handshake(bench, **how)
        response = refusal.value.response
        return response.status_code, json.loads(response.body), response.headers

    return on_bench(act)


@pytest.mark.parametrize("key", ["", "sk-wrong"])
def test_a_bad_key_is_refused_in_the_handshake_as_flat_json(key):
    status, body, headers = refused(key=key)

    assert (status, body["code"], sorted(body)) == (401, "InvalidApiKey", ["code", "message", "request_id"])
    assert headers["X-Request-Id"] == body["request_id"]


@pytest.mark.parametrize("query", ["", "model=", "a=b?model=" + VC, f"model={VC}&model={VC}"])
def test_a_handshake_names_its_model_once(query):
    status, body, _ = refused(query=query)

    assert (status, body["code"]) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("model", "expected"),
    [("no-such-model", (404, "ModelNotFound")), (HTTP_VC, (400, "InvalidParameter"))],
)
def test_a_strict_server_refuses_a_model_that_it_does_not_serve(model, expected):
    status, body, _ = refused(model=model)

    assert (status, body["code"]) == expected


@pytest.mark.parametrize("model", ["no-such-model", HTTP_VC])
def test_a_live_like_server_greets_an_unknown_model_and_closes_without_a_word(model):
    async def act(bench: Bench):
        bench.providers.dashscope.set_option("realtime_live_like", 1)
        async with talk(bench, model=model, voice="Cherry") as session:
            return session, await session.to_the_end()

    session, closed = on_bench(act)

    assert (session.types(), closed) == (["session.created"], (1000, ""))


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_handshake_can_be_refused_by_a_script(status):
    body = {"request_id": "r-1", "code": "Throttling.RateQuota", "message": "slow down"}

    assert refused(script={"status": status, "body": body})[:2] == (status, body)


def test_a_handshake_can_be_cut():
    async def act(bench: Bench):
        bench.providers.dashscope.script("realtime", drop=True)
        with pytest.raises(websockets.InvalidMessage):
            await handshake(bench)

    on_bench(act)


def test_a_plain_request_is_told_to_upgrade():
    async def act(bench: Bench):
        provider = bench.providers.dashscope
        url = f"{provider.url}/api-ws/v1/realtime?model={VC}"
        return await bench.json("GET", url, headers={"Authorization": f"Bearer {provider.api_key}"})

    status, body = on_bench(act)

    assert (status, body["code"]) == (400, "InvalidParameter")


# Voices


@pytest.mark.parametrize(("model", "voice"), [(VC, "Cherry"), (VC, "qwen-tts-vc-unknown"), (VC, None)])
def test_a_strict_server_refuses_a_voice_that_is_not_of_the_model(model, voice):
    async def act(bench: Bench):
        other = "qwen3-tts-vc-realtime-2025-11-27"
        async with talk(bench, model=other) as first, talk(bench, model=model, voice=voice or first.voice) as session:
            await session.until("session.created")
            await session.update()
            return session, await session.to_the_end()

    session, (code, reason) = on_bench(act)

    assert [one["code"] for one in session.errors()] == ["InvalidParameter"]
    assert (code, reason) == (1007, session.errors()[0]["message"])
    assert session.of("session.updated") == []


def test_a_live_like_server_takes_any_voice_and_fails_when_it_is_to_speak():
    async def act(session: Talk):
        session.closed = await session.spoken("Hello.")

    session = talking(act, voice="nobody", realtime_live_like=1)
    text = "<400> InternalError.Algo.InvalidParameter: Voice 'nobody' is not supported."

    assert session.types() == ["session.created", "session.updated", "error"]
    assert session.errors() == [{"code": "InvalidParameter", "message": text}]
    assert session.closed == (1007, text)


def test_the_default_voice_does_not_speak_on_a_clone_model():
    async def act(session: Talk):
        await session.say("input_text_buffer.append", text="Hello.")
        session.closed = await session.to_the_end()

    session = talking(act)

    assert (session.closed[0], session.audio()) == (1007, b"")


# What a client must not do


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"mode": "eager"}, "session.mode"),
        ({"response_format": "flac"}, "session.response_format"),
        ({"sample_rate": 11_025}, "session.sample_rate"),
        ({"sample_rate": "24000"}, "session.sample_rate"),
        ({"speech_rate": 2.1}, "session.speech_rate"),
        ({"pitch_rate": 0.4}, "session.pitch_rate"),
        ({"volume": 101}, "session.volume"),
        ({"volume": 50.5}, "session.volume"),
        ({"bit_rate": 5}, "session.bit_rate"),
        ({"voice": " "}, "session.voice"),
        ({"language_type": "Klingon"}, "session.language_type"),
        ({"instructions": 7}, "session.instructions"),
        ({"optimize_instructions": "yes"}, "session.optimize_instructions"),
    ],
)
def test_a_value_out_of_range_is_refused_and_the_session_goes_on(settings, what):
    async def act(session: Talk):
        await session.update(**settings)
        await session.update()

    session = talking(act)

    assert session.errors()[0]["code"] == "invalid_value"
    assert session.entry["violations"] == [f"P-30: {what}"]
    assert session.types() == ["session.created", "error", "session.updated"]


def test_unknown_settings_are_left_alone():
    assert talking(lambda session: session.update(enable_tn=True, made_up=1)).errors() == []


def test_an_empty_commit_is_an_error_and_the_session_goes_on():
    async def act(session: Talk):
        await session.update(mode="commit")
        await session.say("input_text_buffer.commit")
        await session.until("error")
        await session.say("session.finish")
        session.closed = await session.to_the_end()

    session = talking(act)

    assert (session.steps()[-2:], session.closed[0]) == (["error", "session.finished"], 1000)


@pytest.mark.parametrize(("habit", "code"), [("as_documented", 1007), ("fatal", 1007), ("survived", 1000)])
def test_an_update_after_synthesis_began_is_refused(habit, code):
    async def act(session: Talk):
        await session.update()
        await session.say("input_text_buffer.append", text="Hello.")
        await session.until("response.done")
        await session.update()
        await session.say("session.finish")
        session.closed = await session.to_the_end()

    session = talking(act, realtime_errors=habit)

    assert session.errors() == [{"code": "invalid_value", "message": LATE}]
    assert session.closed[0] == code


def test_any_error_can_be_made_fatal():
    async def act(session: Talk):
        await session.update(mode="commit")
        await session.say("input_text_buffer.commit")
        session.closed = await session.to_the_end()

    assert talking(act, realtime_errors="fatal").closed[0] == 1007


@pytest.mark.parametrize("frame", [b"\x00\x01", "this is not JSON", "[1, 2]"])
def test_a_frame_that_is_no_json_object_ends_the_session(frame):
    async def act(session: Talk):
        await session.until("session.created")
        await session.socket.send(frame)
        session.closed = await session.to_the_end()

    session = talking(act)

    assert (session.errors()[0]["code"], session.closed[0]) == ("InvalidParameter", 1007)
    assert session.entry["violations"][0].startswith("P-21")


def test_what_is_wrong_with_a_client_stands_in_the_log():
    async def act(session: Talk):
        await session.socket.send(json.dumps({"type": "input_text_buffer.append", "text": "One"}))
        await session.socket.send(json.dumps({"type": "input_text_buffer.append", "event_id": "e"}))
        await session.socket.send(json.dumps({"type": "no.such.event", "event_id": "e"}))
        await session.say("input_text_buffer.clear")
        await session.say("session.finish")
        await session.say("input_text_buffer.append", text="too late")
        await session.to_the_end()

    assert talking(act).entry["violations"][:5] == [
        "P-30: input_text_buffer.append without event_id",
        "P-30: append without text",
        "P-30: event_id e was used before",
        "P-30: event of type no.such.event",
        "P-30: input_text_buffer.append after session.finish",
    ]


# Limits


def test_a_session_may_be_limited_in_text():
    async def act(session: Talk):
        await session.update()
        await session.say("input_text_buffer.append", text="x" * 11)
        await session.until("error")

    assert talking(act, realtime_text_chars=10).errors()[0]["code"] == "InvalidParameter"


@pytest.mark.parametrize("option", ["realtime_idle_s", "realtime_session_s"])
def test_a_session_may_be_limited_in_time(option):
    async def act(session: Talk):
        session.closed = await session.to_the_end()

    session = talking(act, **{option: 0.1})

    assert (session.errors()[0]["code"], session.closed[0]) == ("RequestTimeOut", 1007)


# The log


def test_the_log_tells_the_dialogue():
    session, _ = speaking("Hello there.", settings={"response_format": "mp3"})
    entry = session.entry

    assert (entry["status"], entry["model"], entry["query"]) == (101, VC, {"model": VC})
    assert entry["headers"]["Authorization"] == "***"
    assert [event["type"] for event in entry["events"]] == [
        "session.update",
        "input_text_buffer.append",
        "session.finish",
    ]
    assert (entry["events"][0]["session"]["response_format"], entry["events"][1]["text"]) == ("mp3", "Hello there.")
    assert (entry["sent"]["session.finished"], entry["violations"]) == (1, [])
    assert entry["closed"] == {"by": "server", "code": 1000, "reason": ""}


def test_the_log_tells_who_left():
    async def act(bench: Bench):
        async with talk(bench) as session:
            await session.until("session.created")
            await session.socket.close(1001, "bye")
        return session

    assert on_bench(act).entry["closed"] == {"by": "client", "code": 1001, "reason": "bye"}
