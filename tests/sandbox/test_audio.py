"""The speech of the stand-ins: real WAV, plausible length, different for different texts."""

from __future__ import annotations

import io
import wave

import pytest

from sandbox.tts.providers import audio


def test_speech_is_a_mono_wav_of_24_khz_and_16_bit():
    with wave.open(io.BytesIO(audio.speech_wav("Good morning."))) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (24_000, 1, 2)


def test_speech_takes_a_second_for_twelve_to_fifteen_characters():
    text = "The quick brown fox jumps over the lazy dog. " * 10

    seconds = audio.wav_facts(audio.speech_wav(text)).seconds

    assert 12 <= len(text) / seconds <= 15
    assert seconds == pytest.approx(audio.speech_seconds(text), abs=0.01)


@pytest.mark.parametrize(("text", "seconds"), [("", 0.3), ("a", 0.3), ("x" * 10_000, 180.0)])
def test_length_of_speech_is_bounded(text, seconds):
    assert audio.wav_facts(audio.speech_wav(text)).seconds == pytest.approx(seconds, abs=0.01)


def test_speech_can_be_heard():
    assert not audio.wav_facts(audio.speech_wav("hello")).silent


def test_blank_text_is_silent():
    assert audio.wav_facts(audio.speech_wav("   ")).silent


def test_same_text_gives_the_same_bytes_and_another_text_others():
    assert audio.speech_wav("hello there") == audio.speech_wav("hello there")
    assert audio.speech_wav("hello there") != audio.speech_wav("hello three")


def test_empty_wav_has_44_bytes_and_no_samples():
    facts = audio.wav_facts(audio.empty_wav())

    assert (len(audio.empty_wav()), facts.seconds) == (44, 0.0)


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
def test_other_sample_rates_keep_the_length(rate_hz):
    facts = audio.wav_facts(audio.speech_wav("hello there", rate_hz=rate_hz))

    assert facts.rate_hz == rate_hz
    assert facts.seconds == pytest.approx(audio.speech_seconds("hello there"), abs=0.01)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not audio at all", b"<html></html>" * 10])
def test_other_bytes_are_not_wav(data):
    with pytest.raises(audio.NotWav):
        audio.wav_facts(data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (audio.empty_wav(), "wav"),
        (b"ID3\x04rest", "mp3"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_format_is_told_by_the_first_bytes(data, kind):
    assert audio.sniff(data) == kind
