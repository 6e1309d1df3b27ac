"""Expectations of a stream: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import streaming
from rollout_gates.systems.tts.flows.stream import Stream
from rollout_gates.systems.tts.flows.streaming.hearing import Hearing
from sandbox.tts.providers.audio import speech_pcm
from tests.suites.replies import OTHER, UUID, page, reply
from tests.test_sound import mp3

C = "TTS-SMOKE-12"
SPEECH = mp3(speech_pcm("Good morning."))


def stream(body: bytes = SPEECH, *, content_type: str = "audio/mpeg", fault: str | None = None):
    return reply(200, body, content_type=content_type, fault=fault)


def observed(answer=None, generation_id=UUID, listing=None, **more):
    hearing = Hearing("said", answer or stream(), None, generation_id)
    return Stream(hearing, reply(204, **more), "https://app.example", listing)


def test_a_stream_that_plays():
    streaming.check_plays(stream(), C)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stream(content_type="audio/wav"), "expected content type audio/mpeg"),
        (stream(b"<html>"), "6 bytes that are no MPEG audio"),
        (stream(b""), "0 bytes that are no MPEG audio"),
        (stream(mp3(bytes(48_000))), "s of silence, expected something to hear"),
        (stream(fault="the body was cut"), "the body was cut, expected a body to its end"),
    ],
)
def test_a_stream_that_does_not_play(answer, words):
    with pytest.raises(AssertionError, match=words):
        streaming.check_plays(answer, C)


@pytest.mark.parametrize("generation_id", [UUID, None])
def test_a_stream_that_is_in_the_history(generation_id):
    listing = page("generations", [{"id": UUID, "text": "said"}])

    streaming.check_in_history(observed(generation_id=generation_id, listing=listing), C)


def test_a_stream_that_is_not_in_the_history():
    listing = page("generations", [{"id": OTHER, "text": "something else"}])

    with pytest.raises(AssertionError, match=f"generation {UUID} among them"):
        streaming.check_in_history(observed(listing=listing), C)
    with pytest.raises(AssertionError, match="never asked for"):
        streaming.check_in_history(observed(reply(503)), C)
