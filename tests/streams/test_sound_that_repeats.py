"""A stand-in speaks in tones, and the same word sounds the same each time: that is no part that came twice."""

from __future__ import annotations

import random

import lameenc
import pytest

from rollout_gates.streams import Expected, judge
from rollout_gates.wire.arrivals import Arrivals, Chunk, End
from sandbox.tts.providers.audio import speech_pcm

WORDS = [
    "the",
    "gate",
    "opens",
    "and",
    "closes",
    "slowly",
    "while",
    "rain",
    "falls",
    "on",
    "quiet",
    "streets",
    "under",
    "grey",
    "skies",
    "again",
]


def spoken(seed: int, kbit: int) -> tuple[bytes, int]:
    """Return MPEG audio of some of the words, many of them more than once, and the length of the text."""
    text = " ".join(random.Random(seed).choices(WORDS, k=22))
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(kbit)
    encoder.set_in_sample_rate(24_000)
    encoder.set_channels(1)
    encoder.set_quality(7)
    encoder.silence()
    return bytes(encoder.encode(speech_pcm(text)) + encoder.flush()), len(text)


def steady(body: bytes) -> Arrivals:
    chunks = [
        Chunk(0.3 + 0.05 * number, len(body[at : at + 1500])) for number, at in enumerate(range(0, len(body), 1500))
    ]
    return Arrivals(chunks, 0.2, chunks[-1].at_s + 0.01, End.COMPLETE)


@pytest.mark.parametrize("kbit", [48, 64, 128])
@pytest.mark.parametrize("seed", range(8))
def test_words_that_come_again_are_healthy(seed, kbit):
    body, length = spoken(seed, kbit)

    judgement = judge(steady(body), body, Expected(text_units=length))

    assert not judgement.faulty, judgement


def test_a_chunk_that_came_twice_is_found_all_the_same():
    body, length = spoken(1, 64)
    twice = body[:9000] + body[6000:9000] + body[9000:]

    assert judge(steady(twice), twice, Expected(text_units=length)).faulty


def test_a_sound_that_came_twice_as_a_whole_is_found():
    body, length = spoken(1, 64)

    assert judge(steady(body * 2), body * 2, Expected(text_units=length)).faulty
