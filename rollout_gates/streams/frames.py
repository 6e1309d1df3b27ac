"""The frames of an MPEG layer III stream: where each lies, and which bytes of the stream its sound is made of.

A frame has a header of four bytes that says how long it is, and side information that says where the sound's own
bytes begin and how many bits they are. They may begin in the frames before it (the bit reservoir), so frames hang
together like links of a chain: what was cut out, swapped or put in between breaks the chain, although each frame by
itself is whole. Source: ISO/IEC 11172-3 section 2.4 and 13818-3 section 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

_KBIT_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_FIXED: Final = 0xFFFE0C00
"""Bits of a header that no frame of one stream changes: sync, version, layer, sampling rate."""
_MOST_BIG_VALUES: Final = 288
_ID3, _TAG = b"ID3", b"TAG"


@dataclass(frozen=True, slots=True)
class Shape:
    """What a header says. *side* is how many bytes stand between the frame's beginning and its body."""

    size: int
    side: int
    samples: int
    rate_hz: int
    channels: int
    first_version: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. *begin* and *end* say where its sound's bytes lie, counted in bodies of frames alone.

    *back* is how far they begin before the frame's own body; *room* where that body ends.
    """

    offset: int
    shape: Shape
    back: int
    begin: int
    end: int
    room: int

    @property
    def after(self) -> int:
        """Where the next frame should begin."""
        return self.offset + self.shape.size


@dataclass(frozen=True)
class Walk:
    """All of a stream.

    *lost* are the places (offset, bytes) where no frame was, *tail* the bytes of a last one that is not whole, *broken*
    how many frames contradict themselves. *bodies* are what all frames hold besides headers and side information.
    """

    frames: tuple[Frame, ...]
    lost: tuple[tuple[int, int], ...]
    tail: int
    broken: int
    bodies: bytes

    @property
    def seconds(self) -> float:
        """How long the frames sound."""
        return sum(frame.shape.samples / frame.shape.rate_hz for frame in self.frames)


@cache
def shape_of(word: int) -> Shape | None:
    """Return what the header *word*, 32 bits, says; None for what is no header of layer III."""
    version, layer, bits = word >> 19 & 3, word >> 17 & 3, word >> 12 & 15
    rate = word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or not 0 < bits < 15 or rate == 3 or word & 3 == 2:
        return None
    first = version == 3
    rate_hz = _RATES[version][rate]
    channels = 1 if word >> 6 & 3 == 3 else 2
    samples = 1152 if first else 576
    size = samples // 8 * (_KBIT_1 if first else _KBIT_2)[bits] * 1000 // rate_hz + (word >> 9 & 1)
    information = (17 if channels == 1 else 32) if first else (9 if channels == 1 else 17)
    side = 4 + (0 if word >> 16 & 1 else 2) + information
    return Shape(size, side, samples, rate_hz, channels, first) if size > side else None


def walk(data: bytes) -> Walk:
    """Go through *data* from frame to frame; where the next one is not in its place, look for it further on."""
    frames: list[Frame] = []
    lost: list[tuple[int, int]] = []
    bodies = bytearray()
    kind, at, broken, tail = 0, _past_tags(data, 0), 0, 0
    while at < len(data):
        word = int.from_bytes(data[at : at + 4], "big")
        shape = shape_of(word) if len(data) - at >= 4 else None
        if shape is None or (kind and word & _FIXED != kind):
            past = _past_tags(data, at)
            if past == at:
                past = _next_frame(data, at + 1, kind)
                tail, known = (len(data) - at, True) if past == len(data) and _may_begin(data, at, kind) else (0, False)
                if not known:
                    lost.append((at, past - at))
            at = past
            continue
        if at + shape.size > len(data):
            tail = len(data) - at
            break
        kind = kind or word & _FIXED
        if not _is_index(data, at, shape):
            frame, sound = _frame(data, at, shape, len(bodies))
            broken += not sound
            frames.append(frame)
            bodies += data[at + shape.side : at + shape.size]
        at += shape.size
    return Walk(tuple(frames), tuple(lost), tail, broken, bytes(bodies))


def _past_tags(data: bytes, at: int) -> int:
    """Return where the tags that begin at *at* end: ID3 before frames, `TAG` after them."""
    while data[at : at + 3] == _ID3 and len(data) - at >= 10:
        size = 0
        for digit in data[at + 6 : at + 10]:
            size = size << 7 | digit & 127
        at = min(len(data), at + 10 + size)
    if data[at : at + 3] == _TAG and len(data) - at <= 128:
        return len(data)
    return at


def _next_frame(data: bytes, at: int, kind: int) -> int:
    """Return where the next frame lies that another one follows, or the end of *data*."""
    while (at := data.find(b"\xff", at)) != -1 and at + 4 <= len(data):
        word = int.from_bytes(data[at : at + 4], "big")
        shape = shape_of(word)
        if (
            shape is not None
            and (not kind or word & _FIXED == kind)
            and _followed(data, at + shape.size, word & _FIXED)
        ):
            return at
        at += 1
    return len(data)


def _followed(data: bytes, at: int, kind: int) -> bool:
    if at >= len(data):
        return at == len(data)
    word = int.from_bytes(data[at : at + 4], "big")
    return len(data) - at >= 4 and word & _FIXED == kind and shape_of(word) is not None


def _may_begin(data: bytes, at: int, kind: int) -> bool:
    """Tell whether the last bytes, fewer than a header, may be the beginning of one."""
    rest = data[at:]
    return len(rest) < 4 and bool(kind) and (kind >> 24 & 255) == rest[0]


def _is_index(data: bytes, at: int, shape: Shape) -> bool:
    """Tell whether the frame is an encoder's table of contents, which has no sound."""
    return data[at + shape.side : at + shape.side + 4] in (b"Xing", b"Info") or data[at + 36 : at + 40] == b"VBRI"


def _frame(data: bytes, at: int, shape: Shape, before: int) -> tuple[Frame, bool]:
    """Return the frame at *at*, *before* bytes of bodies after the first, and whether it agrees with itself."""
    information = 32 if shape.first_version else 17
    if shape.channels == 1:
        information = 17 if shape.first_version else 9
    start = at + shape.side - information
    bits = int.from_bytes(data[start : start + information], "big")
    width = information * 8
    back_bits = 9 if shape.first_version else 8
    back = bits >> width - back_bits
    length, sound = 0, True
    for part in _parts(shape):
        granule = bits >> width - part - 21 & 0x1FFFFF
        length += granule >> 9
        sound = sound and granule & 0x1FF <= _MOST_BIG_VALUES
    begin = before - back
    room = before + shape.size - shape.side
    end = begin + (length + 7) // 8
    return Frame(at, shape, back, begin, end, room), sound and end <= room


@cache
def _parts(shape: Shape) -> tuple[int, ...]:
    """Return where, in bits, each part of the side information begins: one a granule and channel."""
    channels = shape.channels
    if shape.first_version:
        begin = 9 + (5 if channels == 1 else 3) + 4 * channels
        return tuple(begin + 59 * number for number in range(2 * channels))
    begin = 8 + channels
    return tuple(begin + 63 * number for number in range(channels))


def gaps(frames: tuple[Frame, ...]) -> Iterator[tuple[int, int]]:
    """Yield (number of a frame, bytes between the sound of the one before it and its own); below zero they overlap."""
    for number in range(1, len(frames)):
        yield number, frames[number].begin - frames[number - 1].end
