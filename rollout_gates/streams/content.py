"""Whether the bytes of a stream are one whole sound: the chain of MPEG frames, a WAV file's length, bare samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rollout_gates.streams.frames import Walk, gaps, walk
from rollout_gates.streams.hearing import Codec, Heard, wav_form
from rollout_gates.streams.model import Expected, Finding, Kind

_STUFFED_BYTES: Final = 20
"""Bytes between two frames' sound from which on stuffing is told from sound: it has few different bytes."""
_UNUSUAL_BYTES: Final = 10
"""The same where the encoder has a habit, and these bytes are not by it."""
_NAME: Final = 4
_FEW: Final = 3
_DULL: Final = 0.6
_MOST_KINDS: Final = 40
_SILENCE_S: Final = 2.0
_SILENT: Final = 0.2
_ZEROS: Final = re.compile(rb"\x00{4000,}")
_EDGE: Final = 2000
_LOUD_NOISE: Final = 12_000
_TURNS: Final = 0.35
_NOISE_BLOCKS: Final = 3
_LOUDEST: Final = 31_000


def structure(data: bytes, codec: Codec, heard: Heard) -> Iterator[Finding]:
    """Yield what the bytes themselves say."""
    if codec is Codec.MPEG:
        yield from of_frames(data, walk(data))
    elif codec is Codec.WAV:
        yield from _of_wav(data)
        yield from _of_samples(data[wav_form(data).start :], heard)
    else:
        if len(data) % (2 * heard.channels):
            told = f"its {len(data)} bytes end inside a sample: it was cut"
            yield Finding(Kind.CUT, told, {"size_bytes": len(data)})
        yield from _of_samples(data, heard)


def of_frames(data: bytes, walked: Walk) -> Iterator[Finding]:
    """Yield where the chain of frames breaks."""
    if not walked.frames:
        yield Finding(Kind.UNREADABLE, f"there is no MPEG frame in its {len(data)} bytes", {"size_bytes": len(data)})
        return
    if walked.tail:
        told = f"it breaks off {walked.tail} bytes into its last frame, at byte {len(data)}: it was cut"
        yield Finding(Kind.CUT, told, {"size_bytes": len(data), "tail_bytes": walked.tail})
    yield from _lost(data, walked)
    frames, habit = walked.frames, _Habit.of(walked)
    if frames[0].back:
        told = f"its first frame needs {frames[0].back} bytes of a frame that never came: its beginning is missing"
        yield Finding(Kind.MISSING, told, {"at": frames[0].offset, "needed_bytes": frames[0].back})
    joints = [number for number, gap in gaps(frames) if gap < 0 or habit.broken_at(walked, number)]
    if joints:
        first = frames[joints[0]]
        told = (
            f"the frame at byte {first.offset} does not go on where the one before it ends, and {len(joints)} of "
            f"{len(frames)} are so: parts follow each other that do not belong together"
        )
        yield Finding(Kind.DISJOINTED, told, {"at": first.offset, "joints": len(joints), "frames": len(frames)})
    rest = walked.bodies[frames[-1].end :]
    if habit.plain and not walked.tail and not walked.lost and _is_sound(rest):
        told = (
            f"the last of its {len(frames)} frames holds {len(rest)} bytes of a next one that never came: "
            "its tail was lost"
        )
        yield Finding(Kind.TRUNCATED, told, {"size_bytes": len(data), "begun_bytes": len(rest)})


def _lost(data: bytes, walked: Walk) -> Iterator[Finding]:
    lost = [(at, size) for at, size in walked.lost if at + size < len(data) or size > 128]
    if walked.broken or any(not any(data[at : at + size]) and size > 256 for at, size in lost):
        size = sum(size for _, size in lost)
        told = (
            f"{walked.broken} of its {len(walked.frames)} frames contradict themselves and {size} bytes belong to "
            "none: bytes were changed"
        )
        yield Finding(Kind.SPOILED, told, {"broken_frames": walked.broken, "lost_bytes": size})
    if lost:
        told = (
            f"where a frame should begin, at byte {lost[0][0]}, there is none; {sum(size for _, size in lost)} bytes "
            f"in {len(lost)} places belong to none: parts follow each other that do not belong together"
        )
        evidence = {"at": lost[0][0], "lost_bytes": sum(size for _, size in lost), "places": len(lost)}
        yield Finding(Kind.DISJOINTED, told, evidence)


@dataclass(frozen=True)
class _Habit:
    """What this encoder fills the bytes between the sound of two frames with.

    *plain* is False where they hold data that means something to somebody, and so proves nothing here. *first* are the
    four bytes that the filling nearly always begins with; None where it has no such habit.
    """

    plain: bool
    first: bytes | None

    @classmethod
    def of(cls, walked: Walk) -> _Habit:
        filled = [_between(walked, number) for number, gap in gaps(walked.frames) if gap >= _NAME]
        strange = sum(map(_is_sound, filled))
        plain = strange <= max(_FEW, len(walked.frames) // 20)
        first, times = Counter(each[:_NAME] for each in filled).most_common(1)[0] if filled else (b"", 0)
        usual = times >= _FEW and len(filled) - times <= max(_FEW, times // 4)
        return cls(plain, first if plain and usual else None)

    def broken_at(self, walked: Walk, number: int) -> bool:
        """Tell whether the bytes ahead of the sound of frame *number* are no filling."""
        between = _between(walked, number)
        if self.first is None:
            return self.plain and _is_sound(between)
        return between[:_NAME] != self.first and _is_sound(between, _UNUSUAL_BYTES)


def _between(walked: Walk, number: int) -> bytes:
    return walked.bodies[walked.frames[number - 1].end : max(0, walked.frames[number].begin)]


def _is_sound(between: bytes, least: int = _STUFFED_BYTES) -> bool:
    size = len(between)
    return size >= least and len(set(between)) > min(_DULL * size, _MOST_KINDS)


def _of_wav(data: bytes) -> Iterator[Finding]:
    form = wav_form(data)
    came = len(data) - form.start
    if form.declared is not None and came < form.declared:
        told = f"its header tells of {form.declared} bytes of samples and {came} came: its tail was lost"
        yield Finding(Kind.TRUNCATED, told, {"declared_bytes": form.declared, "size_bytes": came})
    if form.declared is None and came % (2 * form.channels):
        told = f"its {came} bytes of samples end inside a sample: it was cut"
        yield Finding(Kind.CUT, told, {"size_bytes": came})


def _of_samples(data: bytes, heard: Heard) -> Iterator[Finding]:
    for zeros in _ZEROS.finditer(data):
        start, end = zeros.start() + zeros.start() % 2, zeros.end() - zeros.end() % 2
        before, after = data[max(0, start - 4) : start], data[end : end + 4]
        if end < len(data) - 1 and (_edge(before) or _edge(after)):
            told = f"{len(zeros[0])} zeros begin at byte {zeros.start()} in the middle of a sound: bytes were lost"
            yield Finding(Kind.SPOILED, told, {"at": zeros.start(), "size_bytes": len(zeros[0])})
            return
    noisy = _noise(heard)
    if noisy is not None:
        told = f"from {noisy:.2f} s on it is noise as loud as can be: bytes were changed or shifted"
        yield Finding(Kind.SPOILED, told, {"at_s": round(noisy, 3)})


def _edge(data: bytes) -> bool:
    """Tell whether one of these samples is far from zero."""
    values = (int.from_bytes(data[at : at + 2], "little", signed=True) for at in range(0, len(data) - 1, 2))
    return any(abs(value) > _EDGE for value in values)


def _noise(heard: Heard) -> float | None:
    """Return when a stretch of loud noise begins: no speech changes its sign that often and is that loud."""
    in_a_row = 0
    for number, level in enumerate(heard.levels):
        if level < _LOUDEST or not _noisy(heard, number):
            in_a_row = 0
            continue
        in_a_row += 1
        if in_a_row >= _NOISE_BLOCKS:
            return (number + 1 - in_a_row) * 0.02
    return None


def _noisy(heard: Heard, number: int) -> bool:
    step = int(heard.rate_hz * 0.02) * heard.channels
    block = heard.samples[number * step : (number + 1) * step : heard.channels]
    turns = sum((left < 0) != (right < 0) for left, right in pairwise(block))
    return turns > _TURNS * len(block) and sum(map(abs, block)) > _LOUD_NOISE * len(block)


def silence(heard: Heard) -> Finding | None:
    """Return silence that stands where sound should be."""
    if heard.peak <= heard.loud:
        told = f"its {heard.seconds:.1f} s are silence"
        return Finding(Kind.SPOILED, told, {"silent_s": round(heard.seconds, 2)})
    at_s, silent_s = heard.longest_silence()
    if silent_s < _SILENCE_S or silent_s < _SILENT * heard.seconds:
        return None
    told = f"{silent_s:.1f} of its {heard.seconds:.1f} s, from {at_s:.1f} s on, are silence"
    return Finding(Kind.SPOILED, told, {"at_s": round(at_s, 2), "silent_s": round(silent_s, 2)})


def length(heard: Heard, expected: Expected) -> Finding | None:
    """Return a length that the text cannot have."""
    if not expected.text_units:
        return None
    least, most = (bound * expected.text_units for bound in expected.seconds_per_unit)
    evidence = {"seconds": round(heard.seconds, 2), "least_s": round(least, 2), "most_s": round(most, 2)}
    usual = f"{expected.text_units} units of text, which take {least:.1f} to {most:.1f} s"
    told = f"{heard.seconds:.1f} s of sound for {usual}"
    if heard.seconds < least:
        return Finding(Kind.TRUNCATED, f"{told}: its tail was lost", evidence)
    if heard.seconds > most:
        return Finding(Kind.EXCESSIVE, f"{told}: it has more than its text", evidence)
    return None
