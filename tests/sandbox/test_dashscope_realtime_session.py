"""A realtime session as it should be: order, ids, settings, formats, both modes (protocol sheet, sections 6 and 10)."""

from __future__ import annotations

import miniaudio
import pytest

from sandbox.tts.providers.audio import sniff, speech_pcm, speech_seconds, wav_facts
from tests.sandbox.provider_fixtures import until
from tests.sandbox.realtime_client import FLASH, VC, Talk, speaking, talking

RESPONSE = [
    "response.created",
    "response.output_item.added",
    "response.content_part.added",
    "response.audio.delta",
    "response.audio.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.done",
]
HELLO = "Good morning, how are you today?"


def test_a_happy_session_goes_through_its_steps_and_ends_with_1000():
    session, closed = speaking(HELLO)

    assert session.steps() == ["session.created", "session.updated", *RESPONSE, "session.finished"]
    assert closed == (1000, "")


def test_the_session_is_greeted_with_the_defaults():
    session, _ = speaking(HELLO)
    created = session.of("session.created")[0]["session"]

    assert created["id"].startswith("sess_")
    assert {key: value for key, value in created.items() if key != "id"} == {
        "object": "realtime.session",
        "mode": "server_commit",
        "model": VC,
        "voice": "Cherry",
        "response_format": "pcm",
        "sample_rate": 24_000,
    }


def test_an_update_is_echoed_with_the_language_in_lower_case():
    wanted = {"mode": "commit", "response_format": "mp3", "sample_rate": 16_000, "language_type": "English"}
    session = talking(lambda talk: talk.update(**wanted))
    created, updated = session.of("session.created")[0], session.of("session.updated")[0]

    assert updated["session"] == {
        "id": created["session"]["id"],
        "object": "realtime.session",
        "model": VC,
        "voice": session.voice,
        **wanted,
        "language_type": "english",
    }


def test_ids_are_constant_inside_a_response_and_never_used_twice():
    session, _ = speaking("One. Two. And a rest")
    groups = {}
    for event in session.events:
        place = event.get("response", {}).get("id") or event.get("response_id")
        groups.setdefault(place, []).append(event)
    del groups[None]

    assert len(groups) == 2
    for place, events in groups.items():
        items = {event["item_id"] for event in events if "item_id" in event}
        items |= {event["item"]["id"] for event in events if "item" in event}
        assert place.startswith("resp_")
        assert len(items) == 1
        assert {event.get("output_index", 0) for event in events} == {0}
        assert {event.get("content_index", 0) for event in events} == {0}
    event_ids = [event["event_id"] for event in session.events]
    assert len(set(event_ids)) == len(event_ids)
    assert all(one.startswith("event_") and len(one) == 27 for one in event_ids)


def test_a_response_begins_in_progress_and_ends_completed_with_its_item():
    session, _ = speaking(HELLO)
    created, done = session.of("response.created")[0]["response"], session.of("response.done")[0]["response"]
    item = session.of("response.output_item.done")[0]["item"]

    assert (created["status"], created["output"], created["voice"]) == ("in_progress", [], session.voice)
    assert (done["status"], done["id"], done["modalities"]) == ("completed", created["id"], ["text", "audio"])
    assert [one["id"] for one in done["output"]] == [item["id"]]
    assert item["content"] == [{"type": "audio", "text": ""}]


@pytest.mark.parametrize(("text", "characters"), [("Hello.", 6), ("你好。", 5), ("a b", 3)])
def test_usage_counts_a_han_character_twice(text, characters):
    session, _ = speaking(text)

    assert session.of("response.done")[0]["response"]["usage"] == {"characters": characters}


def test_a_live_like_response_also_counts_tokens():
    session, _ = speaking(HELLO, realtime_live_like=1)
    usage = session.of("response.done")[0]["response"]["usage"]

    assert usage["characters"] == len(HELLO)
    assert usage["output_tokens_details"]["audio_tokens"] == round(speech_seconds(HELLO) * 12.5)
    assert "content" not in session.of("response.output_item.done")[0]["item"]


# Formats


def test_pcm_deltas_are_the_speech_itself():
    session, _ = speaking(HELLO, settings={"response_format": "pcm"})

    assert session.audio() == speech_pcm(HELLO)


def test_wav_deltas_join_to_one_file_over_several_responses():
    session, _ = speaking("One. And two", settings={"response_format": "wav", "sample_rate": 16_000})
    facts = wav_facts(session.audio())

    assert (facts.rate_hz, facts.channels, facts.silent) == (16_000, 1, False)
    assert facts.seconds == pytest.approx(speech_seconds("One. ") + speech_seconds("And two"), abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 24_000, 48_000])
def test_mp3_deltas_join_to_a_file_that_decodes(rate_hz):
    session, _ = speaking(HELLO, settings={"response_format": "mp3", "sample_rate": rate_hz})
    data = session.audio()

    assert sniff(data) == "mp3"
    assert miniaudio.decode(data, nchannels=1).duration == pytest.approx(speech_seconds(HELLO), abs=0.3)


def test_opus_deltas_join_to_ogg_pages_that_last_as_long_as_the_speech():
    session, _ = speaking(HELLO, settings={"response_format": "opus"})
    data = session.audio()
    last = data.rindex(b"OggS")

    assert (data[:4], data[28:36]) == (b"OggS", b"OpusHead")
    seconds = (int.from_bytes(data[last + 6 : last + 14], "little") - 312) / 48_000
    assert seconds == pytest.approx(speech_seconds(HELLO), abs=0.05)


# Modes


def test_server_commit_speaks_complete_sentences_without_a_commit():
    async def act(session: Talk) -> None:
        await session.update()
        await session.say("input_text_buffer.append", text="One is com")
        await session.say("input_text_buffer.append", text="plete. Two is not")
        await session.until("response.done")

    session = talking(act)

    assert session.of("input_text_buffer.committed") == []
    assert session.audio() == speech_pcm("One is complete. ")


def test_finish_speaks_what_is_left():
    session, _ = speaking("One. Two is left")

    assert [one["response"]["usage"]["characters"] for one in session.of("response.done")] == [5, 11]
    assert session.audio() == speech_pcm("One. ") + speech_pcm("Two is left")


def test_a_commit_forces_synthesis_in_server_commit():
    async def act(session: Talk) -> None:
        await session.update()
        await session.say("input_text_buffer.append", text="not complete")
        await session.say("input_text_buffer.commit")
        await session.until("response.done")

    steps = talking(act).steps()

    assert steps == ["session.created", "session.updated", "input_text_buffer.committed", *RESPONSE]


def test_commit_mode_says_nothing_before_a_commit():
    async def act(session: Talk) -> None:
        await session.update(mode="commit")
        await session.say("input_text_buffer.append", text="One. ")
        await session.say("input_text_buffer.append", text="Two.")
        await session.say("input_text_buffer.clear")
        await session.until("input_text_buffer.cleared")
        await session.say("input_text_buffer.append", text="Three.")
        await session.say("input_text_buffer.commit")
        await session.until("response.done")

    session = talking(act)

    assert session.steps()[2:] == ["input_text_buffer.cleared", "input_text_buffer.committed", *RESPONSE]
    assert session.audio() == speech_pcm("Three.")


def test_commits_are_served_in_order_each_with_one_response():
    async def act(session: Talk) -> None:
        await session.update(mode="commit")
        for text in ("One.", "Two.", "Three."):
            await session.say("input_text_buffer.append", text=text)
            await session.say("input_text_buffer.commit")
        await session.say("session.finish")
        await session.to_the_end()

    session = talking(act)

    assert session.steps()[2:] == ["input_text_buffer.committed", *RESPONSE] * 3 + ["session.finished"]
    assert session.audio() == b"".join(speech_pcm(text) for text in ("One.", "Two.", "Three."))


def test_text_that_was_not_committed_is_spoken_at_the_end():
    session, _ = speaking("Never committed.", settings={"mode": "commit"})

    assert session.steps()[2:] == [*RESPONSE, "session.finished"]


def test_a_session_without_text_just_ends():
    session, closed = speaking("")

    assert session.steps() == ["session.created", "session.updated", "session.finished"]
    assert closed[0] == 1000


def test_cancel_stops_the_deltas_and_marks_the_response_incomplete():
    async def act(session: Talk) -> None:
        provider = session.bench.providers.dashscope
        await session.update()
        provider.hold("realtime_last_delta")
        await session.say("input_text_buffer.append", text="Some words to be cut off.")
        await until(lambda: provider.held("realtime_last_delta"))
        await session.say("response.cancel")
        await session.say("input_text_buffer.clear")
        await session.until("input_text_buffer.cleared")
        provider.release("realtime_last_delta")
        await session.until("response.done")

    session = talking(act)

    assert session.of("response.done")[0]["response"]["status"] == "incomplete"
    assert session.steps()[-4:] == RESPONSE[-4:]
    assert len(session.audio()) < len(speech_pcm("Some words to be cut off."))


def test_a_cancel_without_a_response_does_nothing():
    async def act(session: Talk) -> None:
        await session.say("response.cancel")
        await session.spoken(HELLO)

    assert talking(act).of("response.done")[0]["response"]["status"] == "completed"


def test_a_system_voice_is_spoken_by_a_flash_model_without_any_update():
    async def act(session: Talk) -> None:
        await session.say("input_text_buffer.append", text="Hello.")
        await session.say("session.finish")
        await session.to_the_end()

    session = talking(act, model=FLASH, voice="Cherry")

    assert session.audio() == speech_pcm("Hello.")
