"""Violations of the provider's protocol, P-01 to P-40: the signature of each is there with its switch, and not without."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import uuid
from collections import Counter

import pytest
import websockets

from sandbox.tts.providers.audio import speech_pcm
from sandbox.tts.providers.dashscope import CUSTOMIZATION, SYNTHESIS
from tests.sandbox.provider_fixtures import Bench, on_bench, until
from tests.sandbox.realtime_client import DELTA, VC, Talk, handshake, speaking, talk, talking
from tests.sandbox.test_dashscope_stand_in import VC as HTTP_VC
from tests.sandbox.test_dashscope_stand_in import act_on, clone_body

TEXT = "A sentence of some length."
OTHER_VC = "qwen3-tts-vc-2025-12-01"


def bad_base64(session: Talk) -> bool:
    try:
        session.audio()
    except binascii.Error:
        return True
    return False


def between(session: Talk, first: str, last: str) -> list[str]:
    """Types from the first *first* to the last *last*, those included; empty when they do not come in that order."""
    types = session.types()
    start, end = types.index(first), len(types) - types[::-1].index(last)
    return types[start:end]


def late_update(session: Talk) -> bool:
    return len(session.of("session.updated")) > 1


# What each violation leaves in a session that was spoken to its end, as (session, close) -> bool.
IN_EVENTS = {
    "P-01": lambda session, _: session.types().count("session.created") == 2,
    "P-02": lambda session, _: session.events[0]["session"]["id"] != session.of("session.updated")[0]["session"]["id"],
    "P-03": lambda session, _: session.of("session.updated")[0]["session"]["voice"] != session.voice,
    "P-04": lambda session, _: session.types().count("response.created") == 2,
    "P-05": lambda session, _: "input_text_buffer.committed" in session.types(),
    "P-06": lambda session, _: session.types().index(DELTA) < session.types().index("response.content_part.added"),
    "P-07": lambda session, _: DELTA in session.types()[session.types().index("response.audio.done") :],
    "P-08": lambda session, _: bad_base64(session),
    "P-09": lambda session, _: len(session.audio()) % 2 == 1,
    "P-10": lambda session, _: DELTA not in session.types(),
    "P-11": lambda session, _: (
        session.of(DELTA)[0]["response_id"] != session.of("response.created")[0]["response"]["id"]
    ),
    "P-12": lambda session, _: max(Counter(event["event_id"] for event in session.events).values()) > 1,
    "P-13": lambda session, _: (
        session.types().index("response.output_item.done") < session.types().index("response.content_part.done")
    ),
    "P-14": lambda session, _: between(session, "response.created", "response.done").count("response.created") == 2,
    "P-15": lambda session, _: session.of(DELTA)[0]["output_index"] != 0,
    "P-16": lambda session, _: "response.done" not in session.types(),
    "P-17": lambda session, _: session.of("response.done")[0]["response"]["usage"]["characters"] != len(TEXT),
    "P-18": lambda session, _: session.types().count("session.finished") == 2,
    "P-19": lambda session, closed: closed == (None, "") and "session.finished" not in session.types(),
    "P-22": lambda session, _: "response.mood" in session.types(),
    "P-23": lambda session, _: session.errors() == [{}] and session.audio() == speech_pcm(TEXT),
}


@pytest.mark.parametrize("fault", IN_EVENTS)
def test_a_violation_shows_in_the_events_and_only_when_switched_on(fault):
    shows = IN_EVENTS[fault]

    assert (shows(*speaking(TEXT)), shows(*speaking(TEXT, fault))) == (False, True)


def test_p_09_spoils_the_beginning_of_other_formats():
    session, _ = speaking(TEXT, "P-09", settings={"response_format": "mp3"})

    assert session.audio()[:2] == b"J\xff"


def test_p_05_commits_twice_what_was_committed_once():
    async def act(session: Talk):
        await session.update(mode="commit")
        await session.say("input_text_buffer.append", text=TEXT)
        await session.say("input_text_buffer.commit")
        await session.until("response.done")

    assert talking(act, "P-05").types().count("input_text_buffer.committed") == 2


def test_p_20_leaves_the_socket_open():
    async def act(bench: Bench):
        async with talk(bench) as session:
            spoken = asyncio.ensure_future(session.spoken(TEXT))
            await until(lambda: "session.finished" in session.types())
            done, _ = await asyncio.wait([spoken], timeout=0.1)
            spoken.cancel()
        return len(done), session.socket.close_code

    assert (on_bench(act), on_bench(act, "P-20")) == ((1, 1000), (0, 1000))


def test_p_21_sends_frames_that_are_no_events():
    session, _ = speaking(TEXT, "P-21")
    strange = [event for event in session.events if not isinstance(event, dict)]

    assert strange == [b"\0\0", "no JSON", []]


@pytest.mark.parametrize(("faults", "spoken"), [((), False), (("P-24",), True)])
def test_p_24_speaks_in_a_voice_of_another_model(faults, spoken):
    session = talking(lambda session: session.spoken(TEXT), *faults, voice="Cherry")

    assert bool(session.of(DELTA)) is spoken


def test_p_25_accepts_a_model_that_does_not_exist_and_says_no_more():
    async def act(bench: Bench):
        async with talk(bench, model="no-such-model", voice="Cherry") as session:
            await session.say("input_text_buffer.append", text=TEXT)
            await session.say("session.finish")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await session.to_the_end()
        return session.types()

    assert on_bench(act, "P-25") == ["session.created"]


@pytest.mark.parametrize(("faults", "spoken"), [((), b""), (("P-26",), speech_pcm(TEXT))])
def test_p_26_speaks_what_was_cleared(faults, spoken):
    async def act(session: Talk):
        await session.update(mode="commit")
        await session.say("input_text_buffer.append", text=TEXT)
        await session.say("input_text_buffer.clear")
        await session.say("session.finish")
        await session.to_the_end()

    assert talking(act, *faults).audio() == spoken


@pytest.mark.parametrize(("faults", "accepted"), [((), False), (("P-27",), True)])
def test_p_27_accepts_a_late_update(faults, accepted):
    async def act(session: Talk):
        await session.update()
        await session.say("input_text_buffer.append", text=TEXT)
        await session.until("response.done")
        await session.update()
        await session.say("session.finish")
        await session.to_the_end()

    assert late_update(talking(act, *faults)) is accepted


@pytest.mark.parametrize("key", ["", "sk-wrong"])
def test_p_28_upgrades_a_handshake_with_a_bad_key(key):
    async def act(bench: Bench):
        async with handshake(bench, key=key) as socket:
            return json.loads(await socket.recv())["type"]

    assert on_bench(act, "P-28") == "session.created"
    with pytest.raises(websockets.InvalidStatus):
        on_bench(act)


# REST


def rest(*calls: tuple[str, dict], fault: str | None = None) -> list[tuple[int, dict]]:
    """Answers to calls, made one after the other; a body may be a function of the voice that the first one made."""

    async def act(bench: Bench):
        answers: list[tuple[int, dict]] = []
        for path, body in calls:
            voice = answers[0][1].get("output", {}).get("voice") if answers else None
            answers.append(await bench.dashscope(path, body(voice) if callable(body) else body))
        return answers

    return on_bench(act, *([fault] if fault else []))


CREATE = (CUSTOMIZATION, clone_body())
SPEAK = (SYNTHESIS, lambda voice: {"model": HTTP_VC, "input": {"text": "Hi.", "voice": voice}})
MISMATCH = (SYNTHESIS, lambda voice: {"model": OTHER_VC, "input": {"text": "Hi.", "voice": voice}})
DELETE = (CUSTOMIZATION, lambda voice: act_on("qwen-voice-enrollment", action="delete", voice=voice))
LIST = (CUSTOMIZATION, act_on("qwen-voice-enrollment", action="list"))

IN_ANSWERS = {
    "P-33": ((CREATE,), lambda created: "request_id" not in created[1]),
    "P-34": ((CREATE, MISMATCH), lambda created, spoken: spoken[0] == 200 and "code" in created[1]),
    "P-35": ((CREATE, SPEAK), lambda _, spoken: str(_expiry(spoken)) not in spoken[1]["output"]["audio"]["url"]),
    "P-36": ((CREATE, MISMATCH), lambda _, spoken: spoken[0] == 200),
    "P-37": ((CREATE,), lambda created: created[1]["output"]["target_model"] != HTTP_VC),
    "P-38": ((CREATE, DELETE, DELETE), lambda *seen: seen[0][1]["usage"] == {"count": 2} and seen[2][0] == 200),
    "P-39": ((CREATE, DELETE, LIST), lambda *seen: seen[2][1]["output"]["voice_list"] != []),
}


def _expiry(spoken: tuple[int, dict]) -> int:
    return spoken[1]["output"]["audio"]["expires_at"]


@pytest.mark.parametrize("fault", IN_ANSWERS)
def test_a_violation_shows_in_the_answers_and_only_when_switched_on(fault):
    calls, shows = IN_ANSWERS[fault]

    assert (shows(*rest(*calls)), shows(*rest(*calls, fault=fault))) == (False, True)


def test_a_healthy_answer_can_be_asked_about():
    assert uuid.UUID(rest(CREATE)[0][1]["request_id"])


def test_deltas_of_a_healthy_session_are_whole_base64():
    session, _ = speaking(TEXT)

    assert all(base64.b64encode(base64.b64decode(one["delta"])).decode() == one["delta"] for one in session.of(DELTA))


def test_every_violation_of_the_server_is_shown_here():
    shown = {*IN_EVENTS, *IN_ANSWERS, "P-20", "P-21", "P-24", "P-25", "P-26", "P-27", "P-28"}

    assert shown == {f"P-{number:02d}" for number in range(1, 40)} - {"P-29", "P-30", "P-31", "P-32"}
    assert VC != HTTP_VC
