"""Which bytes of a stream are those of another one, or came before: whole stretches, wherever they begin.

Windows of both are compared that begin after certain bytes, so that a stretch is found at any offset, and each of the
two is read only once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rollout_gates.streams.model import Doubt, Finding, Kind

_ANCHOR: Final = re.compile(rb"[\x91-\x94]")
_WINDOW: Final = 48
_TELLING: Final = 12
"""Different bytes in a window of which two equal ones are no chance, and no silence."""
LEAST: Final = 1024
"""Bytes of an equal stretch that is worth a finding."""
_LIVELY: Final = 64
"""Different bytes in an equal stretch: frames of silence have fewer."""
_LOOSE: Final = 64
_BY_NATURE: Final = 4


@dataclass(frozen=True)
class Stretch:
    """*size* bytes that stand at *here* in a stream and at *there* in another, or earlier in the same one."""

    here: int
    there: int
    size: int

    @property
    def distance(self) -> int:
        """How much further it stands here than there."""
        return self.here - self.there


def _windows(data: bytes) -> Iterator[tuple[int, bytes]]:
    for found in _ANCHOR.finditer(data):
        at = found.start()
        window = data[at : at + _WINDOW]
        if len(window) == _WINDOW and len(set(window)) >= _TELLING:
            yield at, window


def repeated(data: bytes) -> list[Stretch]:
    """Return the stretches of *data* that stood in it before, in order."""
    seen: dict[bytes, int] = {}
    found: list[Stretch] = []
    for at, window in _windows(data):
        before = seen.setdefault(window, at)
        if before == at:
            continue
        last = found[-1] if found else None
        if last is not None and last.distance == at - before and at <= last.here + last.size:
            continue
        size = _same(data, at, data, before)
        back = _same_before(data, at, data, before)
        found.append(Stretch(at - back, before - back, size + back))
    return found


def shared(data: bytes, other: bytes) -> list[Stretch]:
    """Return the stretches of *data* that stand in *other* as well, in the order of *data*, none within another."""
    index: dict[bytes, list[int]] = defaultdict(list)
    for at, window in _windows(other):
        if len(index[window]) < _BY_NATURE:
            index[window].append(at)
    found: list[Stretch] = []
    done = _same(data, 0, other, 0)
    if done >= _WINDOW:
        found.append(Stretch(0, 0, done))
    else:
        done = 0
    for at, window in _windows(data):
        if at < done or window not in index:
            continue
        there = max(index[window], key=lambda place: _same(data, at, other, place))
        back = min(_same_before(data, at, other, there), at - done)
        size = _same(data, at, other, there)
        found.append(Stretch(at - back, there - back, size + back))
        done = at + size
    return found


def _telling(data: bytes, each: Stretch) -> bool:
    return each.size >= LEAST and len(set(data[each.here : each.here + each.size])) >= _LIVELY


def _same(left: bytes, at: int, right: bytes, there: int) -> int:
    """Return how many bytes from *at* and *there* on are equal."""
    size, step = 0, _WINDOW
    most = min(len(left) - at, len(right) - there)
    while step:
        step = min(step, most - size)
        if step and left[at + size : at + size + step] == right[there + size : there + size + step]:
            size += step
            step *= 2
        else:
            step //= 2
    return size


def _same_before(left: bytes, at: int, right: bytes, there: int) -> int:
    size = 0
    while size < min(at, there) and left[at - size - 1] == right[there - size - 1]:
        size += 1
    return size


def repetition(data: bytes) -> Finding | Doubt | None:
    """Return a part that came twice; a doubt where the sound repeats itself by nature, as tones do; or None."""
    found = [each for each in repeated(data) if _telling(data, each)]
    if len({stretch.distance for stretch in found}) >= _BY_NATURE:
        told = "the sound repeats itself by nature, so that a part that came twice would not stand out"
        return Doubt(frozenset({Kind.DUPLICATED, Kind.MIXED}), told)
    if not found:
        return None
    worst = max(found, key=lambda stretch: stretch.size)
    told = (
        f"{worst.size} bytes at {worst.here} are those at {worst.there}, which no speech does: a part of it came twice"
    )
    return Finding(Kind.DUPLICATED, told, {"at": worst.here, "size_bytes": worst.size, "first_at": worst.there})


def intruders(data: bytes, others: Sequence[bytes]) -> Finding | None:
    """Return a stretch of *data* that belongs to one of *others*; that both begin alike is no mixture."""
    for number, other in enumerate(others):
        if other == data:
            continue
        found = [each for each in shared(data, other) if _telling(data, each) and each.here + each.there > 0]
        if found:
            size = sum(each.size for each in found)
            told = f"{size} bytes, from {found[0].here} on, are those of another stream: two were mixed"
            return Finding(Kind.MIXED, told, {"at": found[0].here, "size_bytes": size, "other": number})
    return None


def differences(data: bytes, stored: bytes, others: Sequence[bytes] = ()) -> list[Finding]:
    """Return how *data* differs from what was *stored*."""
    if data == stored:
        return []
    if stored.startswith(data):
        left = len(stored) - len(data)
        told = f"its {len(data)} bytes lack the last {left} of those that are stored: its tail was lost"
        return [Finding(Kind.TRUNCATED, told, {"size_bytes": len(data), "lost_bytes": left})]
    stretches = shared(data, stored)
    if not stretches:
        told = f"none of its {len(data)} bytes stand in the {len(stored)} that are stored: it is another sound"
        return [Finding(Kind.MIXED, told, {"size_bytes": len(data), "stored_bytes": len(stored)})]
    found = [*_twice(stretches), *_out_of_order(stretches), *_alien(data, stored, stretches, others)]
    found += _holes(stored, stretches, [each.evidence for each in found if each.kind is Kind.SPOILED])
    if found:
        return found
    told = f"its {len(data)} bytes differ in places from the {len(stored)} that are stored"
    return [Finding(Kind.SPOILED, told, {"size_bytes": len(data), "stored_bytes": len(stored)})]


def _twice(stretches: Sequence[Stretch]) -> Iterator[Finding]:
    for number, each in enumerate(stretches):
        for before in stretches[:number]:
            start = max(each.there, before.there)
            size = min(each.there + each.size, before.there + before.size) - start
            if size > _LOOSE:
                told = f"{size} bytes from {start} on of what is stored came twice"
                yield Finding(Kind.DUPLICATED, told, {"at": each.here, "size_bytes": size, "first_at": before.here})
                return


def _out_of_order(stretches: Sequence[Stretch]) -> Iterator[Finding]:
    reached = 0
    for each in stretches:
        if each.size > _LOOSE and each.there + each.size <= reached and not _covered(each, stretches):
            told = f"{each.size} bytes at {each.here} belong before what came ahead of them: parts were swapped"
            yield Finding(Kind.SWAPPED, told, {"at": each.here, "size_bytes": each.size, "belongs_at": each.there})
            return
        reached = max(reached, each.there + each.size)


def _covered(each: Stretch, stretches: Sequence[Stretch]) -> bool:
    """Tell whether what *each* brings came already."""
    return any(
        other.here < each.here and other.there <= each.there and each.there + each.size <= other.there + other.size
        for other in stretches
    )


def _alien(data: bytes, stored: bytes, stretches: Sequence[Stretch], others: Sequence[bytes]) -> Iterator[Finding]:
    """Find bytes that are not in what is stored: in place of others, or on top."""
    edge = Stretch(len(data), len(stored), 0)
    place = there = 0
    for each in [*stretches, edge]:
        size, hole = each.here - place, each.there - there
        if size > _LOOSE // 4:
            strange = data[place : each.here]
            foreign = any(strange[:_WINDOW] in other for other in others)
            evidence = {"at": place, "size_bytes": size, "stored_at": there}
            if abs(size - hole) <= _LOOSE // 4 and not foreign:
                told = f"{size} bytes at {place} are not those that are stored there: they were changed"
                yield Finding(Kind.SPOILED, told, evidence)
            else:
                told = f"{size} bytes at {place} are not among those that are stored: something else was mixed in"
                yield Finding(Kind.MIXED, told, evidence)
            return
        place, there = each.here + each.size, each.there + each.size


def _holes(stored: bytes, stretches: Sequence[Stretch], changed: Sequence[object]) -> Iterator[Finding]:
    """Find what is stored and never came."""
    if changed:
        return
    reached = 0
    for each in sorted(stretches, key=lambda stretch: stretch.there):
        size = each.there - reached
        if size > _LOOSE:
            told = f"{size} bytes from {reached} on of what is stored never came: a part in the middle is missing"
            yield Finding(Kind.MISSING, told, {"stored_at": reached, "size_bytes": size})
            return
        reached = max(reached, each.there + each.size)
    left = len(stored) - reached
    if left > _LOOSE:
        told = f"the last {left} bytes of what is stored never came: its tail was lost"
        yield Finding(Kind.TRUNCATED, told, {"lost_bytes": left, "stored_at": reached})
