"""Whether a stream came as it was made: judged by proportions alone, never by how fast a machine is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rollout_gates.streams.model import Doubt, Finding, Kind
from rollout_gates.wire.arrivals import Arrivals, Chunk, End

MODEST_BYTES: Final = 20 * 1024
"""What a proxy on the way may hold back: one TLS record or one usual buffer of 16 KiB, and what came beside it."""
_QUICKEST_S: Final = 0.5
_AT_ONCE: Final = 0.04
"""Of the time from the request to the last byte: what came within it came at once."""
_ALL: Final = 0.85
_HEAD: Final = 0.3
_FEW_LUMPS: Final = 3.2
_HURRIED: Final = 0.2
_STILL: Final = 0.5
_OUTSTANDING: Final = 5


@dataclass(frozen=True)
class Lump:
    """Bytes that came at once: from *start_s* to *end_s*."""

    start_s: float
    end_s: float
    size_bytes: int


@dataclass(frozen=True)
class Shape:
    """How a stream came. *even* is the number of equal lumps that would be as uneven as those that came."""

    lumps: Sequence[Lump]
    total_s: float
    size_bytes: int
    even: float

    @property
    def largest(self) -> Lump:
        """The lump with the most bytes."""
        return max(self.lumps, key=lambda lump: lump.size_bytes)

    @property
    def spread(self) -> float:
        """The time in which all bytes came, as a share of the time since the request."""
        return (self.total_s - self.lumps[0].start_s) / self.total_s


def shape_of(chunks: Iterable[Chunk]) -> Shape | None:
    """Return how *chunks* came; None for none, or for times that mean nothing."""
    some = [chunk for chunk in chunks if chunk.size_bytes > 0]
    if not some or not 0 < some[-1].at_s < float("inf"):
        return None
    total_s = some[-1].at_s
    lumps = list(_lumps(some, _AT_ONCE * total_s))
    size = sum(lump.size_bytes for lump in lumps)
    return Shape(lumps, total_s, size, size * size / sum(lump.size_bytes**2 for lump in lumps))


def _lumps(chunks: Sequence[Chunk], at_once_s: float) -> Iterable[Lump]:
    start = end = chunks[0].at_s
    size = 0
    for chunk in chunks:
        if chunk.at_s - start > at_once_s:
            yield Lump(start, end, size)
            start, size = chunk.at_s, 0
        end = chunk.at_s
        size += chunk.size_bytes
    yield Lump(start, end, size)


def pace(arrivals: Arrivals, starved_s: float = 0.0) -> Finding | Doubt | None:
    """Return what is wrong with the pace, why that cannot be told, or None.

    *starved_s* is how long the client itself stood still at most.
    """
    shape = shape_of(arrivals.chunks)
    if shape is None:
        return _doubt("not a byte came, so there is no pace")
    if shape.total_s < _QUICKEST_S:
        return _doubt(f"all of it came within {shape.total_s:.2f} s: too quick to tell whether it was held back")
    if shape.size_bytes <= MODEST_BYTES:
        return _doubt(f"it has {shape.size_bytes} bytes, which any proxy may send in one piece")
    found = _lumpy(shape) or _head(shape)
    if isinstance(found, Finding) and starved_s > found.evidence["held_s"] / 2:
        return _doubt(
            f"it came in lumps, but the client itself stood still for {starved_s:.2f} of {shape.total_s:.2f} s"
        )
    return found


def _doubt(sentence: str) -> Doubt:
    return Doubt(frozenset({Kind.BUFFERED, Kind.HEAD_BUFFERED, Kind.COALESCED}), sentence)


def _lumpy(shape: Shape) -> Finding | Doubt | None:
    largest = shape.largest
    share = largest.size_bytes / shape.size_bytes
    evidence = {
        "total_s": round(shape.total_s, 3),
        "first_byte_s": round(shape.lumps[0].start_s, 3),
        "lumps": len(shape.lumps),
        "even_lumps": round(shape.even, 2),
        "largest_share": round(share, 3),
        "spread": round(shape.spread, 3),
        "held_s": round(_HURRIED * shape.total_s, 3),
    }
    if largest.size_bytes <= MODEST_BYTES or shape.even >= _FEW_LUMPS:
        return None
    if share >= _ALL:
        told = (
            f"{share:.0%} of its {shape.size_bytes} bytes came at once, {largest.start_s:.2f} s after the request: "
            "it was buffered"
        )
        return Finding(Kind.BUFFERED, told, evidence)
    if shape.spread < _HURRIED:
        return _doubt(
            f"it came in the last {shape.spread:.0%} of {shape.total_s:.2f} s: made quickly after a slow start, "
            "or buffered on a slow network"
        )
    pauses = [later.start_s - earlier.end_s for earlier, later in pairwise(shape.lumps)]
    evidence["held_s"] = round(max(pauses), 3)
    return _head(shape) or Finding(
        Kind.COALESCED,
        f"its {shape.size_bytes} bytes came in as good as {shape.even:.1f} lumps over {shape.total_s:.2f} s, the "
        f"largest of {largest.size_bytes} bytes: it was coalesced",
        evidence,
    )


def _head(shape: Shape) -> Finding | None:
    """Find a first lump that would have taken long to make at the pace of what came after it."""
    first, rest = shape.lumps[0], shape.lumps[1:]
    share = first.size_bytes / shape.size_bytes
    left = shape.size_bytes - first.size_bytes
    if share < _HEAD or first.size_bytes <= MODEST_BYTES or not left:
        return None
    even = left * left / sum(lump.size_bytes**2 for lump in rest)
    held_s = first.size_bytes * (shape.total_s - first.end_s) / left
    if even < _FEW_LUMPS or held_s < _HURRIED * shape.total_s or first.start_s < _STILL * held_s:
        return None
    told = (
        f"its first {first.size_bytes} bytes, {share:.0%} of all, came at once after {first.start_s:.2f} s; at the "
        f"pace of the rest they were made over {held_s:.2f} s: its head was buffered"
    )
    evidence = {"first_byte_s": round(first.start_s, 3), "head_share": round(share, 3), "held_s": round(held_s, 3)}
    return Finding(Kind.HEAD_BUFFERED, told, evidence)


def stall(arrivals: Arrivals, idle_s: float, starved_s: float = 0.0) -> Finding | None:
    """Return a pause that is as long as *idle_s*, or half of it and far longer than any other."""
    gaps = arrivals.gaps_s
    if not gaps or not all(gap < float("inf") for gap in gaps):
        return None
    longest = max(gaps)
    number = gaps.index(longest)
    others = sorted(gaps)[-2] if len(gaps) > 1 else 0.0
    alone = longest >= idle_s / 2 and longest > _OUTSTANDING * others
    if (longest < idle_s and not alone) or longest < 2 * starved_s:
        return None
    at_s = arrivals.chunks[number].at_s
    told = (
        f"nothing came for {longest:.2f} s after {at_s:.2f} s; the next longest pause was {others:.2f} s and at most "
        f"{idle_s:g} s are allowed: it stalled"
    )
    evidence = {"gap_s": round(longest, 3), "at_s": round(at_s, 3), "next_gap_s": round(others, 3), "idle_s": idle_s}
    return Finding(Kind.STALLED, told, evidence)


def ending(arrivals: Arrivals, *, complete: bool) -> Finding | None:
    """Return what is wrong with how it ended. *complete* tells whether the sound itself seems to be whole."""
    size, last = arrivals.size_bytes, arrivals.last_s or 0.0
    evidence = {"size_bytes": size, "last_byte_s": round(last, 3), "ended_s": round(arrivals.ended_s, 3)}
    waited = arrivals.ended_s - last
    if arrivals.end is End.IDLE and not complete:
        told = f"after {size} bytes nothing came for {waited:.2f} s, and the sound is not whole: it stalled for ever"
        return Finding(Kind.STALLED, told, evidence)
    if arrivals.end is End.IDLE:
        told = f"after {size} bytes, a whole sound, the end was never sent; {waited:.2f} s were waited for it"
        return Finding(Kind.NEVER_ENDED, told, evidence)
    if arrivals.end in (End.OVERTIME, End.TOO_LARGE):
        told = f"it had not ended after {arrivals.ended_s:.2f} s and {size} bytes"
        return Finding(Kind.NEVER_ENDED, told, evidence)
    if arrivals.end is End.BROKEN:
        return Finding(Kind.CUT, f"the connection broke after {size} bytes, without an end", evidence)
    return None
