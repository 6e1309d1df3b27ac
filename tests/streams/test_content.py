"""Whether bytes are one whole sound, and whose."""

from __future__ import annotations

import random
import time

import pytest

from rollout_gates.streams import Expected, Kind, judge
from rollout_gates.streams.frames import gaps, walk
from rollout_gates.streams.hearing import Codec, NotHeard, codec_of, hear, wav_form
from rollout_gates.streams.likeness import repeated, shared
from rollout_gates.wire.arrivals import Arrivals, Chunk, End
from tests.streams.voices import Format, Sound, sound

MP3 = Format("mp3", 24_000, 64)
WAV = Format("wav", 16_000, known=True)
PCM = Format("pcm", 24_000)


@pytest.fixture(scope="module")
def spoken() -> Sound:
    return sound(1, MP3, 5.0)


@pytest.fixture(scope="module")
def other() -> Sound:
    return sound(2, MP3, 5.0)


def judged(data: bytes, played: Sound, end: End = End.COMPLETE, **known: object):
    """Judge *data* as if it had come at a good pace."""
    step = max(1, len(data) // 20)
    cuts = range(0, len(data), step)
    chunks = [Chunk(0.5 + number / 10, len(data[cut : cut + step])) for number, cut in enumerate(cuts)]
    expected = Expected(
        media_type=played.form.media_type, text_units=played.text_units, rate_hz=played.form.rate_hz, **known
    )
    return judge(Arrivals(chunks, 0.1, 0.5 + len(chunks) / 10, end), data, expected)


FORMS = [
    MP3,
    WAV,
    PCM,
    Format("mp3", 44_100, 128),
    Format("mp3", 24_000, vbr=4),
    Format("mp3", 16_000, 32, tagged=True),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_whole_sound_is_healthy(form):
    played = sound(3, form, 8.0)

    found = judged(played.data, played, stored=played.data)

    assert str(found) == "healthy"
    assert found.seconds == pytest.approx(played.seconds, abs=0.1)


def test_the_frames_of_an_encoder_hang_together(spoken):
    walked = walk(spoken.data)

    assert (walked.lost, walked.tail, walked.broken) == ((), 0, 0)
    assert walked.seconds == pytest.approx(spoken.seconds, abs=0.1)
    assert min(gap for _, gap in gaps(walked.frames)) >= 0


def test_a_tail_that_is_lost_between_frames_is_seen_in_the_last_one(spoken):
    found = judged(spoken.data[: spoken.clean(len(spoken.data) * 2 // 3)], spoken)

    assert found.kinds == {Kind.TRUNCATED}
    assert "a next one that never came" in str(found)


def test_an_end_inside_a_frame_is_seen(spoken):
    assert judged(spoken.data[:20_000], spoken).kinds == {Kind.CUT}


@pytest.mark.parametrize("form", [PCM, Format("wav", 16_000)], ids=str)
def test_an_end_inside_a_sample_is_seen(form):
    played = sound(4, form, 4.0)

    assert Kind.CUT in judged(played.data[: len(played.data) // 2 // 2 * 2 + 1], played).kinds


def test_a_wav_file_shorter_than_its_header_says_is_truncated():
    played = sound(4, WAV, 4.0)

    assert judged(played.data[:60_000], played).kinds == {Kind.TRUNCATED}


def edited(played: Sound, other: Sound) -> dict[Kind, bytes]:
    data, third = played.data, len(played.data) // 3
    return {
        Kind.TRUNCATED: data[: 2 * third],
        Kind.MISSING: data[:third] + data[2 * third :],
        Kind.DUPLICATED: data[: 2 * third] + data[third:],
        Kind.SWAPPED: data[: third // 2] + data[third : 2 * third] + data[third // 2 : third] + data[2 * third :],
        Kind.MIXED: data[:third] + other.data[5000:12_000] + data[third:],
        Kind.SPOILED: data[:third] + bytes(5000) + data[third + 5000 :],
    }


@pytest.mark.parametrize(
    "kind", [Kind.TRUNCATED, Kind.MISSING, Kind.DUPLICATED, Kind.SWAPPED, Kind.MIXED, Kind.SPOILED]
)
def test_what_is_stored_names_the_kind(spoken, other, kind):
    found = judged(edited(spoken, other)[kind], spoken, stored=spoken.data)

    assert kind in found.kinds
    assert all(each.evidence and each.sentence for each in found.findings)


@pytest.mark.parametrize("kind", [Kind.MISSING, Kind.DUPLICATED, Kind.SWAPPED, Kind.MIXED, Kind.SPOILED])
def test_without_what_is_stored_the_frames_tell(spoken, other, kind):
    found = judged(edited(spoken, other)[kind], spoken)

    assert found.kinds & {kind, Kind.DISJOINTED}


def test_bytes_of_another_stream_are_recognised(spoken, other):
    found = judged(edited(spoken, other)[Kind.MIXED], spoken, others=[b"", spoken.data[:9], other.data])

    assert Kind.MIXED in found.kinds
    assert next(each.evidence["other"] for each in found.findings if each.kind is Kind.MIXED) == 2


def test_streams_that_begin_alike_are_not_mixed(spoken):
    assert str(judged(spoken.data, spoken, others=[spoken.data[:30_000] + b"else", spoken.data])) == "healthy"


def test_silence_in_place_of_sound_is_found():
    played = sound(5, MP3, 6.0, silent=0.6)

    assert judged(played.data, played).kinds == {Kind.SPOILED}


def test_noise_in_bare_samples_is_found():
    played = sound(6, PCM, 4.0)
    noise = random.Random(1).randbytes(40_000)

    assert Kind.SPOILED in judged(played.data[:60_000] + noise + played.data[100_000:], played).kinds


@pytest.mark.parametrize(("units", "kind"), [(2000, Kind.TRUNCATED), (3, Kind.EXCESSIVE)])
def test_a_length_that_the_text_cannot_have_is_found(spoken, units, kind):
    arrivals = Arrivals([Chunk(0.5 + n / 20, 2000) for n in range(20)], 0.1, 1.5, End.COMPLETE)

    assert kind in judge(arrivals, spoken.data, Expected(text_units=units)).kinds


def test_tones_that_repeat_by_nature_are_not_said_to_have_come_twice():
    tone = b"".join(bytes([n, n * 7 % 256]) for n in range(256)) * 3
    melody = b"".join(tone[k * 90 : k * 90 + 1100] for k in (0, 3, 1, 0, 4, 3, 0, 1, 4, 2)) * 3
    quiet = bytes(40_000)

    found = judge(
        Arrivals([Chunk(0.5 + n / 20, 2000) for n in range(20)], 0.1, 1.5, End.COMPLETE),
        melody + quiet,
        Expected(media_type="audio/pcm", text_units=20),
    )

    assert Kind.DUPLICATED not in found.kinds
    assert found.doubts(Kind.DUPLICATED)


def test_stretches_are_found_at_any_offset(spoken):
    data = spoken.data

    assert [(each.here, each.there, each.size) for each in repeated(data[:9001] + data[4000:7003])] == [
        (9001, 4000, 3003)
    ]
    assert next((each.here, each.there) for each in shared(b"xyz" + data[100:], data)) == (3, 100)


# --- whatever comes


JUNK = {
    "a page": b"<html><body>502 Bad Gateway</body></html>" * 200,
    "zeros": bytes(50_000),
    "ones": b"\xff" * 50_000,
    "noise": random.Random(7).randbytes(50_000),
    "a tag alone": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(100),
    "a header alone": b"\xff\xf3\x84\xc4",
    "headers only": b"\xff\xf3\x84\xc4" * 10_000,
    "base64": b"//NExAAAAANIAAAAAExBTUUz" * 400,
    "half a WAV header": b"RIFF\x00\x00\x00\x00WAVEfmt ",
    "a WAV header without room": b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff",
}


@pytest.mark.parametrize("media_type", ["audio/mpeg", "audio/wav", "audio/pcm"])
@pytest.mark.parametrize("name", JUNK)
def test_whatever_comes_is_judged_and_never_healthy(name, media_type):
    found = judge(
        Arrivals([Chunk(0.5 + n / 20, 2000) for n in range(20)], 0.1, 1.5, End.COMPLETE),
        JUNK[name],
        Expected(media_type=media_type, stored=b"something else", others=[b"", JUNK["zeros"]]),
    )

    assert found.faulty or found.undecided


def test_no_byte_at_all_is_unreadable():
    assert judge(Arrivals([], 0.1, 2.0, End.COMPLETE), b"").kinds == {Kind.UNREADABLE}


def test_an_unknown_format_cannot_be_told(spoken):
    found = judged(spoken.data, Sound(spoken.data, Format("mp3", 24_000), 70, 5.0, 0))
    unknown = judge(
        Arrivals([Chunk(0.5 + n / 20, 2000) for n in range(20)], 0.1, 1.5, End.COMPLETE),
        spoken.data,
        Expected(media_type="audio/flac"),
    )

    assert found.healthy
    assert unknown.doubts(Kind.TRUNCATED)
    assert not unknown.faulty


def test_a_stream_too_short_to_tell_is_neither():
    played = sound(8, MP3, 0.4)
    short = Sound(played.data, MP3, 6, played.seconds, 0)

    found = judged(played.data[: played.clean(2500)], short)

    assert not found.healthy
    assert found.doubts(Kind.BUFFERED)


def test_a_client_that_left_cannot_tell_the_end(spoken):
    found = judged(spoken.data[:20_000], spoken, end=End.LEFT)

    assert not found.faulty
    assert found.doubts(Kind.TRUNCATED)


@pytest.mark.parametrize(
    ("media_type", "codec"),
    [("audio/mpeg", Codec.MPEG), ("Audio/WAV; charset=x", Codec.WAV), ("audio/L16;rate=24000", Codec.PCM), ("", None)],
)
def test_media_types_are_known_by_their_name(media_type, codec):
    assert codec_of(media_type) is codec


@pytest.mark.parametrize("bits", [8, 24, 32])
def test_samples_of_another_width_are_not_heard(bits):
    data = bytearray(sound(4, WAV, 1.0).data)
    data[34] = bits

    with pytest.raises(NotHeard, match=f"a WAV file of {bits} bits"):
        wav_form(bytes(data))


def test_a_length_that_is_not_known_yet_is_read_to_the_end():
    played = sound(4, Format("wav", 16_000), 1.0)

    assert wav_form(played.data).declared is None
    assert hear(played.data, Codec.WAV).seconds == pytest.approx(played.seconds)


def test_a_usual_stream_takes_milliseconds():
    played = sound(9, Format("mp3", 24_000, 96), 16.0)
    assert 180_000 < len(played.data) < 220_000

    took = []
    for _ in range(3):
        started = time.process_time()
        judged(played.data, played)
        took.append(time.process_time() - started)

    assert min(took) < 0.3
