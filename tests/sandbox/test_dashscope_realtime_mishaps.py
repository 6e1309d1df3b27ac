"""What can be made to go wrong in a realtime session: scripted mishaps, and events that are held back."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.tts.providers.audio import speech_pcm
from tests.sandbox.provider_fixtures import Bench, on_bench, until
from tests.sandbox.realtime_client import Talk, speaking, talk

TEXT = "A sentence with a few deltas."


def after(deltas: int, do: str, **how) -> dict:
    """A mishap after so many deltas."""
    return {"do": do, "at": "response.audio.delta", "after": deltas, **how}


def test_an_error_in_mid_stream_ends_the_session():
    session, closed = speaking(TEXT, mishap=after(2, "error", code="InternalError", message="it broke"))

    assert session.steps()[-2:] == ["response.audio.delta", "error"]
    assert session.errors() == [{"code": "InternalError", "message": "it broke"}]
    assert (len(session.of("response.audio.delta")), closed) == (2, (1007, "it broke"))


def test_an_error_can_be_survived():
    session, closed = speaking(TEXT, mishap=after(1, "error", close=0))

    assert (session.audio(), closed[0]) == (speech_pcm(TEXT), 1000)


def test_a_close_carries_code_and_reason():
    session, closed = speaking(TEXT, mishap=after(1, "close", code=1011, reason="crashed"))

    assert (session.errors(), closed) == ([], (1011, "crashed"))


def test_a_long_reason_is_cut_to_what_a_close_frame_holds():
    _, (code, reason) = speaking(TEXT, mishap=after(0, "close", reason="é" * 200))

    assert (code, reason) == (1011, "é" * 61)


def test_a_drop_leaves_no_close_frame():
    session, closed = speaking(TEXT, mishap=after(1, "drop"))

    assert (closed, session.entry["closed"]["reason"]) == ((None, ""), "connection cut")


@pytest.mark.parametrize("at", ["session.created", "session.finished"])
def test_a_server_can_close_at_once_or_at_the_very_end(at):
    async def act(bench: Bench):
        bench.providers.dashscope.script("realtime_session", body={"do": "close", "at": at, "code": 1011})
        async with talk(bench) as session:
            if at == "session.finished":
                await session.update()
                await session.say("session.finish")
            return session, await session.to_the_end()

    session, (code, _) = on_bench(act)

    assert code == 1011
    assert session.of(at) == []


@pytest.mark.parametrize("at", ["session.created", "response.audio.delta", "session.finished"])
def test_a_silent_server_neither_speaks_nor_closes(at):
    async def act(bench: Bench):
        bench.providers.dashscope.script("realtime_session", body={"do": "silence", "at": at})
        async with talk(bench) as session:
            await session.say("session.update", session={"voice": session.voice})
            await session.say("input_text_buffer.append", text=TEXT)
            await session.say("session.finish")
            with pytest.raises(TimeoutError):
                await _heard_within(session, 0.3)
        return session

    assert on_bench(act).of(at) == []


async def _heard_within(session: Talk, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await session.to_the_end()


def test_an_event_can_be_left_out():
    session, closed = speaking(TEXT, mishap={"do": "skip", "at": "response.audio.done"})

    assert (session.of("response.audio.done"), closed[0]) == ([], 1000)
    assert session.of("response.done")


@pytest.mark.parametrize(
    ("mishap", "frame"),
    [
        (after(1, "binary", bytes=3), b"\0\0\0"),
        (after(1, "text", data="no JSON"), "no JSON"),
        (after(1, "text", data="[]"), []),
        (after(1, "event", event={"no": "type"}), {"no": "type"}),
    ],
)
def test_a_strange_frame_comes_between_the_deltas(mishap, frame):
    session, closed = speaking(TEXT, mishap=mishap)

    assert session.events[6] == frame
    assert (session.audio(), closed[0]) == (speech_pcm(TEXT), 1000)


def test_a_delta_can_be_huge():
    session, _ = speaking(TEXT, mishap=after(0, "huge", bytes=5_000_000))

    assert len(session.audio()) == len(speech_pcm(TEXT)) + 5_000_000


def test_deltas_can_be_many():
    session, _ = speaking(TEXT, mishap=after(0, "many", count=2000, bytes=2))

    assert len(session.audio()) == len(speech_pcm(TEXT)) + 4000


def test_mishaps_can_be_several():
    session, closed = speaking(TEXT, mishap=[after(0, "huge", bytes=10), after(1, "wait", seconds=0), after(2, "drop")])

    assert (len(session.of("response.audio.delta")), closed) == (3, (None, ""))


def test_the_next_session_is_healthy_again():
    async def act(bench: Bench):
        bench.providers.dashscope.script("realtime_session", body=after(0, "drop"))
        closed = []
        for _ in range(2):
            async with talk(bench) as session:
                closed.append((await session.spoken(TEXT))[0])
        return closed

    assert on_bench(act) == [None, 1000]


@pytest.mark.parametrize("body", [None, {}, {"do": "explode"}, {"do": "drop", "att": "x"}, [{"do": "drop"}, 3]])
def test_a_mishap_that_does_not_exist_is_refused(body):
    async def act(bench: Bench):
        with pytest.raises(ValueError, match="a mishap"):
            bench.providers.dashscope.script("realtime_session", body=body)

    on_bench(act)


# Holding back


@pytest.mark.parametrize(
    ("call", "awaited"),
    [
        ("realtime_created", "session.created"),
        ("realtime_updated", "session.updated"),
        ("realtime_response", "response.created"),
        ("realtime_delta", "response.audio.delta"),
        ("realtime_response_done", "response.done"),
        ("realtime_finished", "session.finished"),
    ],
)
def test_an_event_is_held_back_until_released(call, awaited):
    async def act(bench: Bench):
        provider = bench.providers.dashscope
        provider.hold(call)
        async with talk(bench) as session:
            spoken = asyncio.ensure_future(session.spoken(TEXT))
            await until(lambda: provider.held(call))
            before = list(session.types())
            provider.release(call)
            closed = await spoken
        return before, closed, session.types()

    before, closed, everything = on_bench(act)

    assert awaited not in before
    assert (awaited in everything, closed[0]) == (True, 1000)


def test_all_but_the_last_delta_arrive_while_it_is_held():
    async def act(bench: Bench):
        provider = bench.providers.dashscope
        provider.hold("realtime_last_delta")
        async with talk(bench) as session:
            spoken = asyncio.ensure_future(session.spoken(TEXT))
            await until(lambda: provider.held("realtime_last_delta"))
            await until(lambda: len(session.audio()) >= len(speech_pcm(TEXT)) - 12_000)
            before = len(session.audio())
            provider.release("realtime_last_delta")
            await spoken
        return before, len(session.audio())

    before, whole = on_bench(act)

    assert 0 < before < whole == len(speech_pcm(TEXT))


def test_the_handshake_itself_can_be_held():
    async def act(bench: Bench):
        provider = bench.providers.dashscope
        provider.hold("realtime", 1)

        async def session() -> int | None:
            async with talk(bench) as opened:
                return (await opened.spoken(TEXT))[0]

        running = asyncio.ensure_future(session())
        await until(lambda: provider.held("realtime"))
        provider.release("realtime")
        return await running

    assert on_bench(act) == 1000
