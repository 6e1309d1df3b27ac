from __future__ import annotations

import lameenc
import pytest

from rollout_gates.sound import NotMpeg, mpeg_sound
from sandbox.tts.providers.audio import speech_pcm, speech_wav


def mp3(samples: bytes, rate_hz: int = 24_000) -> bytes:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(rate_hz)
    encoder.set_channels(1)
    encoder.set_bit_rate(64)
    return bytes(encoder.encode(samples) + encoder.flush())


def test_speech_is_heard_for_as_long_as_it_lasts() -> None:
    sound = mpeg_sound(mp3(speech_pcm("Good morning to all of you.")))

    assert sound.seconds == pytest.approx(27 * 0.075, abs=0.2)
    assert (sound.rate_hz, sound.channels, sound.audible) == (24_000, 1, True)


def test_silence_decodes_and_is_not_heard() -> None:
    sound = mpeg_sound(mp3(bytes(48_000)))

    assert sound.seconds > 0.9
    assert not sound.audible


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>sorry</html>", b"ID3", b"//NExAAAAANIAAAAAExBTUUz" * 40, speech_wav("Good morning.")],
    ids=["nothing", "a page", "a tag alone", "base64", "wav"],
)
def test_what_is_no_mpeg_is_refused(data: bytes) -> None:
    with pytest.raises(NotMpeg, match=f"^{len(data)} bytes that are no MPEG audio$"):
        mpeg_sound(data)
