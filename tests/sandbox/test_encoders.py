"""Speech in pieces: what an encoder gave, joined, is a file that decodes to as much sound as went in."""

from __future__ import annotations

import io
import wave
from itertools import pairwise

import miniaudio
import pytest

from sandbox.tts.providers.audio import sniff, speech_pcm
from sandbox.tts.providers.encoders import encoder, frame_bytes
from sandbox.tts.providers.ogg_opus import checksum

TEXT = "A sentence that takes a while to say."
RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)


def pieces(form: str, rate_hz: int = 24_000, kbps: int = 128, text: str = TEXT, **how) -> list[bytes]:
    """What an encoder gives for a quarter of a second at a time."""
    samples = speech_pcm(text, rate_hz=rate_hz)
    step = rate_hz // 4 * 2
    work = encoder(form, rate_hz, kbps, **how)
    fed = [work.feed(samples[start : start + step]) for start in range(0, len(samples), step)]
    return [piece for piece in (*fed, work.end()) if piece]


def seconds(rate_hz: int = 24_000) -> float:
    return len(speech_pcm(TEXT, rate_hz=rate_hz)) / 2 / rate_hz


def test_pcm_is_the_samples():
    assert b"".join(pieces("pcm")) == speech_pcm(TEXT)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_mp3_decodes_to_the_length_that_was_fed(rate_hz):
    data = b"".join(pieces("mp3", rate_hz))
    decoded = miniaudio.decode(data, sample_rate=rate_hz, nchannels=1)

    assert sniff(data) == "mp3"
    assert miniaudio.mp3_get_info(data).sample_rate == rate_hz
    assert decoded.duration == pytest.approx(seconds(rate_hz), abs=0.3)
    assert max(decoded.samples) > 3000


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_mp3_comes_in_whole_frames(rate_hz):
    for piece in pieces("mp3", rate_hz):
        position = 0
        while position < len(piece):
            position += frame_bytes(piece[position : position + 4])
        assert position == len(piece)


def test_files_of_several_encoders_join_to_one():
    data = b"".join(pieces("mp3") + pieces("mp3"))

    assert miniaudio.decode(data, nchannels=1).duration == pytest.approx(2 * seconds(), abs=0.4)


def test_the_bit_rate_is_kept_where_mp3_knows_it():
    assert len(b"".join(pieces("mp3", kbps=32))) == pytest.approx(seconds() * 4000, rel=0.1)


@pytest.mark.parametrize(("rate_hz", "kbps"), [(8000, 510), (24_000, 510), (48_000, 6)])
def test_a_bit_rate_that_mp3_does_not_know_is_replaced(rate_hz, kbps):
    assert sniff(b"".join(pieces("mp3", rate_hz, kbps))) == "mp3"


def test_wav_has_one_header_ahead_of_its_samples():
    first, *others = pieces("wav")

    assert first[:4] == b"RIFF"
    assert first[44:] + b"".join(others) == speech_pcm(TEXT)


def test_wav_of_unknown_length_is_readable():
    data = b"".join(pieces("wav"))
    with wave.open(io.BytesIO(data)) as reader:
        frames = reader.readframes(reader.getnframes())

    assert frames == speech_pcm(TEXT)
    assert miniaudio.decode(data, nchannels=1, sample_rate=24_000).num_frames == len(frames) // 2


def test_wav_is_not_headed_twice():
    assert b"".join(pieces("wav", headed=True)) == speech_pcm(TEXT)


def test_opus_is_whole_ogg_pages_with_right_checksums():
    data = b"".join(pieces("opus"))
    starts = [at for at in range(len(data)) if data.startswith(b"OggS", at)]

    for start, end in pairwise([*starts, len(data)]):
        page = bytearray(data[start:end])
        told = int.from_bytes(page[22:26], "little")
        page[22:26] = bytes(4)
        assert told == checksum(page)
        assert len(page) == 27 + page[26] + sum(page[27 : 27 + page[26]])
    assert data[starts[-1] + 5] == 4  # the end is marked


def test_the_checksum_is_that_of_the_format():
    assert checksum(b"123456789") == 0x89A1897F


@pytest.mark.parametrize("header", [b"", b"RIFF", b"\xff\xf3\xf4\xc4", b"\xff\xf3\x04\xc4", b"\xff\xeb\x84\xc4"])
def test_what_is_no_frame_has_no_length(header):
    assert frame_bytes(header) is None
