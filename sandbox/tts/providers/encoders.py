"""Speech in pieces, in the formats of the realtime protocol: PCM, WAV, MP3 and Opus.

An encoder is fed samples and gives bytes; whatever it gave, joined, is the file. WAV has one header, ahead of the
first bytes, which names no length since nobody knows it yet. MP3 comes in whole frames, Opus in whole Ogg pages of
silence that lasts as long as the speech: no library of ours encodes it.
"""

from __future__ import annotations

from typing import Protocol

import lameenc

from sandbox.tts.providers.audio import wav_header
from sandbox.tts.providers.ogg_opus import OggOpus

FORMATS = ("pcm", "wav", "mp3", "opus")
# The largest even length that every reader takes for "until the end".
UNKNOWN_LENGTH = 2**31 - 2
LOWEST_QUALITY = 7  # LAME's scale ends at 9; speech for a gate need not be better
# kbit/s by index, layer III: MPEG 1, then MPEG 2 and 2.5.
_BIT_RATES = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}


class Encoder(Protocol):
    """Turns signed 16-bit little-endian mono samples into bytes of one format."""

    def feed(self, samples: bytes) -> bytes:
        """What *samples* bring; may be empty."""

    def end(self) -> bytes:
        """What was still kept back."""


def encoder(form: str, rate_hz: int, bit_rate_kbps: int, *, headed: bool = False) -> Encoder:
    """An encoder for *form*. *headed*: the header of the file was sent already. Raises KeyError."""
    if form == "mp3":
        return Mp3(rate_hz, bit_rate_kbps)
    if form == "opus":
        return OggOpus(rate_hz)
    return {"pcm": Plain, "wav": Plain if headed else Wav}[form](rate_hz)


class Plain:
    """The samples as they are."""

    def __init__(self, _rate_hz: int) -> None:
        pass

    def feed(self, samples: bytes) -> bytes:
        return samples

    def end(self) -> bytes:
        return b""


class Wav:
    """A header of unknown length, then the samples."""

    def __init__(self, rate_hz: int) -> None:
        self._header = wav_header(UNKNOWN_LENGTH - 36, rate_hz=rate_hz)

    def feed(self, samples: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + samples

    def end(self) -> bytes:
        return b""


class Mp3:
    """LAME at a constant bit rate. What is given out is always whole frames."""

    def __init__(self, rate_hz: int, bit_rate_kbps: int) -> None:
        self._lame = lameenc.Encoder()
        self._lame.silence()
        self._lame.set_in_sample_rate(rate_hz)
        self._lame.set_out_sample_rate(rate_hz)
        self._lame.set_channels(1)
        self._lame.set_bit_rate(_possible(rate_hz, bit_rate_kbps))
        self._lame.set_quality(LOWEST_QUALITY)
        self._kept = b""

    def feed(self, samples: bytes) -> bytes:
        return self._whole(bytes(self._lame.encode(samples)))

    def end(self) -> bytes:
        return self._whole(bytes(self._lame.flush()))

    def _whole(self, more: bytes) -> bytes:
        data = self._kept + more
        position = 0
        while (size := frame_bytes(data[position : position + 4])) is not None and position + size <= len(data):
            position += size
        self._kept = data[position:]
        return data[:position]


def frame_bytes(header: bytes) -> int | None:
    """Length of the MP3 frame that begins with *header* (four bytes); None when none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = header[1] >> 3 & 3
    rates_hz, kbps = _RATES_HZ.get(version), header[2] >> 4
    if rates_hz is None or kbps in {0, 15} or header[2] >> 2 & 3 == 3:
        return None
    first = version == 3
    samples_an_eighth = 144 if first else 72
    rate_hz = rates_hz[header[2] >> 2 & 3]
    return samples_an_eighth * _BIT_RATES[first][kbps] * 1000 // rate_hz + (header[2] >> 1 & 1)


def _possible(rate_hz: int, kbps: int) -> int:
    """The highest bit rate that MP3 knows at *rate_hz* and that is not above *kbps*, or the lowest of all."""
    known = _BIT_RATES[rate_hz >= 32_000][1:]
    most = 64 if rate_hz <= 12_000 else known[-1]
    return max((one for one in known if one <= min(kbps, most)), default=known[0])
