"""Each stream as a picture: its parts over time, the sound that they made, and the sound itself to listen to.

Drawn from the events and the files of an evidence directory alone, so that a report can be made anew. What stands in
them is not trusted: numbers that mean nothing are left out, and so is a file that is not there or is no sound.
"""

from __future__ import annotations

import base64
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

import miniaudio

from rollout_gates.evidence.streams import EVENT, FOLDER, MOST_BYTES, parts_of
from rollout_gates.evidence.timeline import ticks
from rollout_gates.wire.arrivals import End

MOST_STREAMS: Final = 48
"""Streams that are drawn; the others stand in ``evidence.json``."""
SOUND_BUDGET: Final = 3_000_000
"""Bytes of sound in one page, all together, before they are written in base 64."""
_MOST_BARS: Final = 600
_MOST_POINTS: Final = 400
_WIDE, _TALL = 1000, 100
_ENDS: Final = {
    "complete": "end",
    "idle": "given up: idle",
    "overtime": "given up: overtime",
    "too large": "given up: too large",
    "broken": "connection broke",
    "left": "left on purpose",
}
_LABELLED: Final = 14.0

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """Bytes that came at *x* percent of the time; *tall* is the share of the largest, in percent."""

    x: float
    tall: float


@dataclass(frozen=True)
class Mark:
    """A moment: the *shape* that stands for it, in words, at *x* percent of the time, in seconds."""

    shape: str
    words: str
    x: float
    at_s: float


@dataclass(frozen=True)
class Pause:
    """The longest time in which nothing came, in seconds and in percent of the whole."""

    at_s: float
    long_s: float
    x: float
    width: float

    @property
    def labelled(self) -> bool:
        """Whether there is room for its length."""
        return self.width >= _LABELLED


@dataclass(frozen=True)
class Course:
    """A stream over time. *line* is a path in a square of 1000 by 100."""

    whole_s: float
    bars: Sequence[Bar]
    marks: Sequence[Mark]
    pause: Pause | None
    line: str
    ticks: Sequence[Row]
    parts: int
    size_bytes: int
    largest_bytes: int


@dataclass(frozen=True)
class Wave:
    """The loudness of a sound over time: the outline of its samples, in a square of 1000 by 100."""

    outline: str
    seconds: float
    ticks: Sequence[Row]
    silent: bool


@dataclass(frozen=True)
class Picture:
    """One stream as the page shows it. *sound* is a data URL; *why_not* says why there is none."""

    stream: Row
    course: Course | None
    wave: Wave | None
    sound: str | None
    why_not: str


def pictures(events: Iterable[Row], streams: Sequence[Row], directory: Path) -> list[Picture]:
    """Return a picture a stream, at most `MOST_STREAMS`, those that were heard to their end first.

    *streams* are the rows of the document, in the order of their events.
    """
    left = SOUND_BUDGET
    found: list[Picture] = []
    told = (event for event in events if event.get("event") == EVENT)
    pairs = sorted(zip(told, streams, strict=False), key=lambda pair: pair[1].get("end") != End.COMPLETE)
    for event, stream in pairs:
        if len(found) == MOST_STREAMS:
            break
        data, why_not = _sound(directory, stream.get("audio_file"))
        wave = _wave(data) if data else None
        if data and wave is None:
            data, why_not = b"", "its file is no MPEG audio"
        url = None
        if data and len(data) > left:
            why_not = f"the report would grow too large; it is in {stream['audio_file']}"
        elif data:
            left -= len(data)
            url = f"data:audio/mpeg;base64,{base64.b64encode(data).decode()}"
        found.append(Picture(stream, course_of(event), wave, url, why_not))
    return found


def _sound(directory: Path, name: Any) -> tuple[bytes, str]:
    """Return the bytes of a kept sound, or none and why."""
    if not isinstance(name, str):
        return b"", "no sound was kept: there was none, it was larger than 200 kB, or it held a secret"
    relative = PurePosixPath(name)
    path = directory / relative
    leaving = "the name of its file leads out of the evidence"
    if relative.is_absolute() or relative.parts[:1] != (FOLDER,) or ".." in relative.parts:
        return b"", leaving
    try:
        why_not = leaving if path.is_symlink() else _unfit(path)
        return (b"", f"{why_not}: {name}") if why_not else (path.read_bytes(), "")
    except (OSError, ValueError):
        return b"", f"its file cannot be read: {name}"


def _unfit(path: Path) -> str:
    if not path.is_file():
        return "its file is missing"
    return "its file is larger than 200 kB" if path.stat().st_size > MOST_BYTES else ""


def course_of(event: Row) -> Course | None:
    """Return how the stream of *event* came; None where no time is known."""
    told = parts_of(event)
    whole_s = max([told.ended_s or 0.0, told.headers_s or 0.0, *(at_s for at_s, _ in told.chunks[-1:])])
    if whole_s <= 0:
        return None

    def x_of(at_s: float) -> float:
        return round(100 * at_s / whole_s, 3)

    first_s = told.chunks[0][0] if told.chunks else None
    known = (
        ("headers", "headers", told.headers_s),
        ("first-byte", "first byte", first_s),
        ("end", _ENDS.get(told.end or "", "end"), told.ended_s),
    )
    bars = _bars(told.chunks, whole_s)
    return Course(
        whole_s,
        bars,
        [Mark(shape, words, x_of(at_s), at_s) for shape, words, at_s in known if at_s is not None],
        _longest_pause(told.chunks, whole_s),
        _line(told.chunks, whole_s),
        ticks(whole_s),
        len(told.chunks),
        sum(size for _, size in told.chunks),
        max((size for _, size in told.chunks), default=0),
    )


def _bars(chunks: Sequence[tuple[float, int]], whole_s: float) -> list[Bar]:
    """Return as many bars as can be told apart by eye: what falls on one place is added up."""
    places: dict[int, int] = {}
    for at_s, size in chunks:
        place = round(_MOST_BARS * at_s / whole_s)
        places[place] = places.get(place, 0) + size
    largest = max(places.values(), default=0) or 1
    return [
        Bar(round(100 * place / _MOST_BARS, 2), max(4.0, round(100 * size / largest, 1)))
        for place, size in places.items()
    ]


def _longest_pause(chunks: Sequence[tuple[float, int]], whole_s: float) -> Pause | None:
    if len(chunks) < 2:
        return None
    start, stop = max(pairwise(at_s for at_s, _ in chunks), key=lambda pair: pair[1] - pair[0])
    return Pause(start, stop - start, round(100 * start / whole_s, 3), round(100 * (stop - start) / whole_s, 3))


def _line(chunks: Sequence[tuple[float, int]], whole_s: float) -> str:
    """Return the bytes so far as a path of steps, at most `_MOST_POINTS` of them."""
    total = sum(size for _, size in chunks) or 1
    steps: dict[int, int] = {}
    so_far = 0
    for at_s, size in chunks:
        so_far += size
        steps[round(_MOST_POINTS * at_s / whole_s)] = so_far
    scale = _WIDE / _MOST_POINTS
    path = [f"M0 {_TALL}"]
    path += [f"H{place * scale:g}V{_TALL - _TALL * reached / total:.1f}" for place, reached in steps.items()]
    return "".join([*path, f"H{_WIDE}"])


def _wave(data: bytes) -> Wave | None:
    try:
        decoded = miniaudio.mp3_read_s16(data)
    except miniaudio.DecodeError:
        return None
    samples = cast("array[int]", decoded.samples)
    if not samples:
        return None
    step = max(1, math.ceil(len(samples) / _MOST_POINTS))
    blocks = [samples[at : at + step] for at in range(0, len(samples), step)]
    peak = max(*map(abs, (max(samples), min(samples))), 1)
    upper = [(_WIDE * number / len(blocks), _height(max(block), peak)) for number, block in enumerate(blocks)]
    lower = [(_WIDE * number / len(blocks), _height(min(block), peak)) for number, block in enumerate(blocks)]
    points = " ".join(f"{x:g},{y:.1f}" for x, y in [*upper, *reversed(lower)])
    return Wave(points, decoded.duration, ticks(decoded.duration), peak <= 64)


def _height(sample: int, peak: int) -> float:
    # Never flatter than a hair, so that a pause is a line and not a hole.
    y = _TALL / 2 - 0.96 * _TALL / 2 * sample / peak
    return y - 0.4 if sample >= 0 else y + 0.4
