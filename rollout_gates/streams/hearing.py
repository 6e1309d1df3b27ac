"""The sound of a stream: decoded to samples, and how loud it is over time."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, cast

import miniaudio

BLOCK_S: Final = 0.02
_AUDIBLE: Final = 64
"""Of 32768: what is never louder is silence, encoder noise included."""
_QUIET: Final = 0.01
"""Of the loudest: what is never louder is a pause."""


class Codec(StrEnum):
    """How the sound is written."""

    MPEG = "mp3"
    WAV = "wav"
    PCM = "pcm"


_CODECS: Final = {
    "audio/mpeg": Codec.MPEG,
    "audio/mp3": Codec.MPEG,
    "audio/wav": Codec.WAV,
    "audio/x-wav": Codec.WAV,
    "audio/wave": Codec.WAV,
    "audio/vnd.wave": Codec.WAV,
    "audio/pcm": Codec.PCM,
    "audio/l16": Codec.PCM,
}


class NotHeard(ValueError):
    """Bytes that cannot be made sound of."""


@dataclass(frozen=True)
class Heard:
    """Decoded sound: *samples* are signed 16 bit, those of all channels in turn."""

    samples: array[int]
    rate_hz: int
    channels: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / (self.rate_hz * self.channels)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The loudest sample of each 20 ms, 0 to 32768."""
        step = max(1, int(self.rate_hz * BLOCK_S)) * self.channels
        blocks = (self.samples[at : at + step] for at in range(0, len(self.samples), step))
        return tuple(max(map(abs, (max(block), min(block)))) for block in blocks)

    @cached_property
    def peak(self) -> int:
        """The loudest sample."""
        return max(self.levels, default=0)

    @cached_property
    def loud(self) -> int:
        """What a sample has to exceed in order not to be a pause."""
        return max(_AUDIBLE, int(_QUIET * self.peak))

    def longest_silence(self) -> tuple[float, float]:
        """Return when the longest pause begins and how long it is, in seconds."""
        best = start = 0
        longest = 0
        for number, level in enumerate((*self.levels, sys.maxsize)):
            if level > self.loud:
                if number - start > longest:
                    best, longest = start, number - start
                start = number + 1
        return best * BLOCK_S, longest * BLOCK_S

    @property
    def fades_out(self) -> bool:
        """Whether its last 20 ms are quiet beside the rest."""
        return bool(self.levels) and self.levels[-1] <= max(_AUDIBLE, self.peak // 10)


def codec_of(media_type: str) -> Codec | None:
    """Return how sound of *media_type* is written; None for what is not known."""
    return _CODECS.get(media_type.split(";", 1)[0].strip().lower())


def hear(data: bytes, codec: Codec, *, rate_hz: int = 24_000, channels: int = 1) -> Heard:
    """Decode *data*. *rate_hz* and *channels* are those of bare samples. Raises `NotHeard`."""
    if codec is Codec.MPEG:
        try:
            decoded = miniaudio.mp3_read_s16(data)
        except miniaudio.DecodeError:
            raise NotHeard(f"{len(data)} bytes that are no MPEG audio") from None
        return Heard(cast("array[int]", decoded.samples), decoded.sample_rate, decoded.nchannels)
    if codec is Codec.WAV:
        form = wav_form(data)
        return Heard(samples_of(data[form.start : form.stop]), form.rate_hz, form.channels)
    return Heard(samples_of(data), rate_hz, channels)


def samples_of(data: bytes) -> array[int]:
    """Return bare samples, 16 bit, little endian; half a sample at the end is left out."""
    samples = array("h")
    samples.frombytes(data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


@dataclass(frozen=True)
class WavForm:
    """What the header of a WAV file says. *declared* is the length of its samples in bytes, None for unknown."""

    start: int
    stop: int
    rate_hz: int
    channels: int
    declared: int | None


# Headers that are sent before the length is known name one of these, or something near the largest there is.
_UNKNOWN: Final = 0x7FFF_0000


def wav_form(data: bytes) -> WavForm:
    """Read the header of a WAV file of 16-bit samples. Raises `NotHeard`."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise NotHeard(f"{len(data)} bytes that are no WAV file")
    at, rate_hz, channels = 12, 0, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt " and size >= 16 and len(data) >= at + 16:
            channels = int.from_bytes(data[at + 2 : at + 4], "little")
            rate_hz = int.from_bytes(data[at + 4 : at + 8], "little")
            bits = int.from_bytes(data[at + 14 : at + 16], "little")
            if bits != 16 or not 0 < channels <= 8 or not 0 < rate_hz <= 400_000:
                raise NotHeard(f"a WAV file of {bits} bits, {channels} channels and {rate_hz} Hz")
        if name == b"data":
            if not rate_hz:
                break
            known = 0 < size < _UNKNOWN
            stop = min(len(data), at + size) if known else len(data)
            return WavForm(at, stop, rate_hz, channels, size if known else None)
        at += size + size % 2
    raise NotHeard(f"{len(data)} bytes of a WAV file without samples")
