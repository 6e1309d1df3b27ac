"""Listening to MPEG audio: whether bytes decode, to how much sound, and whether any of it can be heard."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import cast

import miniaudio

# Of 32767: what is never louder than this is silence, encoder noise included.
_AUDIBLE = 64


class NotMpeg(ValueError):
    """Bytes that no MPEG decoder makes sound of."""


@dataclass(frozen=True)
class Sound:
    """What was decoded. *peak* is the loudest sample, 0 to 32768."""

    seconds: float
    rate_hz: int
    channels: int
    peak: int

    @property
    def audible(self) -> bool:
        """Whether it is more than silence."""
        return self.peak > _AUDIBLE


def mpeg_sound(data: bytes) -> Sound:
    """Decode *data*, an MPEG layer III file of any length. Raises `NotMpeg`."""
    try:
        decoded = miniaudio.mp3_read_s16(data)
    except miniaudio.DecodeError as error:
        raise NotMpeg(f"{len(data)} bytes that are no MPEG audio") from error
    samples = cast("array[int]", decoded.samples)
    lowest, highest = (min(samples), max(samples)) if samples else (0, 0)
    peak = max(-lowest, highest)
    return Sound(decoded.duration, decoded.sample_rate, decoded.nchannels, peak)
