"""Listening to MPEG audio: whether bytes decode, to how much sound, and whether any of it can be heard."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import cast

# Of 32767: what is never louder than this is silence, encoder noise included.
_AUDIBLE = 64
# A few bytes a frame may claim hours, and each second of them costs up to 200 kB of memory.
_LONGEST_S = 1800


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
    """Decode *data*, an MPEG layer III file of up to half an hour. Raises `NotMpeg`."""
    import miniaudio  # noqa: PLC0415 - takes a quarter of a second where numpy is installed, for what few runs need

    try:
        if miniaudio.mp3_get_info(data).duration > _LONGEST_S:
            raise NotMpeg(f"{len(data)} bytes that claim to be more than {_LONGEST_S} s of sound")
        decoded = miniaudio.mp3_read_s16(data)
    except miniaudio.DecodeError as error:
        raise NotMpeg(f"{len(data)} bytes that are no MPEG audio") from error
    samples = cast("array[int]", decoded.samples)
    lowest, highest = (min(samples), max(samples)) if samples else (0, 0)
    peak = max(-lowest, highest)
    return Sound(decoded.duration, decoded.sample_rate, decoded.nchannels, peak)
