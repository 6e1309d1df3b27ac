"""What a sender plays: healthy streams over the range that is met in practice, and twelve kinds of broken ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rollout_gates.streams import Expected
from tests.streams.voices import Sound, any_format, sound

IDLE_S = 2.0
TOTAL_S = 15.0
SECONDS_PER_UNIT = (0.03, 0.2)
MODEST = (1024, 4096, 8192, 16_384)

Pieces = list[tuple[float, bytes]]


@dataclass(frozen=True)
class Script:
    """Pieces with the seconds at which they are sent, and how it ends: ``clean``, ``broken`` or ``never``."""

    name: str
    seed: int
    pieces: Sequence[tuple[float, bytes]]
    ending: str
    expected: Expected

    @property
    def body(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)


def healthy(seed: int, *, short: bool = False) -> Script:
    """One of many: any text, speed, delta size, jitter, proxy, network and format."""
    chance = random.Random(f"healthy {seed}")
    played = _sound(seed, chance, least=0 if short else 30_000)
    pieces = paced(chance, played)
    return Script("healthy", seed, pieces, "clean", _known(chance, played, played.data))


def _sound(seed: int, chance: random.Random, least: int, **options: float) -> Sound:
    form = any_format(chance)
    seconds = chance.uniform(3.0, 9.0)
    seconds = max(seconds, 1.15 * least / form.byte_rate)
    if form.vbr is not None:
        form = replace(form, rate_hz=max(form.rate_hz, 22_050))
        seconds *= 1.8
    return sound(seed, form, min(seconds, 22.0), **options)


def _known(chance: random.Random, played: Sound, stored: bytes | None, **more: object) -> Expected:
    return Expected(
        media_type=played.form.media_type,
        text_units=played.text_units,
        seconds_per_unit=SECONDS_PER_UNIT,
        idle_s=IDLE_S,
        stored=stored if chance.random() < 0.5 or played.form.codec != "mp3" else None,
        rate_hz=played.form.rate_hz,
        **more,
    )


def paced(chance: random.Random, played: Sound) -> Pieces:
    """Cut a sound into deltas, as they are made; perhaps a proxy cuts them anew, perhaps the network is slow."""
    data = played.data
    first_s = chance.uniform(0.15, 1.0)
    span_s = max(chance.uniform(0.7, 3.5), 0.6 * first_s)
    delta = int(min(chance.uniform(0.04, 0.5) * played.form.byte_rate, len(data) / 10))
    cuts = list(range(0, len(data), max(256, delta)))
    jitter = chance.uniform(0, 0.9)
    steps = [chance.lognormvariate(0, jitter) for _ in cuts]
    steps[0] = 0.0
    scale = span_s / (sum(steps) or 1.0)
    at_s, pieces = first_s, []
    for cut, step in zip(cuts, steps, strict=True):
        at_s += min(step * scale, 0.3 * IDLE_S)
        pieces.append((at_s, data[cut : cut + max(256, delta)]))
    if chance.random() < 0.35:
        size = chance.choice([size for size in MODEST if size <= max(1024, len(data) / 7)])
        pieces = rechunked(pieces, size)
    if chance.random() < 0.25:
        pieces = slowed(pieces, len(data) / chance.uniform(0.5, 2.5))
    return pieces


def rechunked(pieces: Pieces, size: int) -> Pieces:
    """Hold bytes back until there are *size* of them, as a proxy with a small buffer does."""
    held, out = b"", []
    for at_s, piece in pieces:
        held += piece
        while len(held) >= size:
            out.append((at_s, held[:size]))
            held = held[size:]
    return [*out, (pieces[-1][0], held)] if held else out


def slowed(pieces: Pieces, byte_rate: float) -> Pieces:
    """Send no more than *byte_rate* bytes a second, a packet at a time."""
    out, free_s = [], 0.0
    for at_s, piece in pieces:
        for cut in range(0, len(piece), 1400):
            part = piece[cut : cut + 1400]
            free_s = max(free_s, at_s)
            out.append((free_s, part))
            free_s += len(part) / byte_rate
    return out


# --- what goes wrong


def _at_once(pieces: Pieces, at_s: float) -> Pieces:
    data = b"".join(piece for _, piece in pieces)
    return [(at_s + number * 0.0005, data[cut : cut + 8192]) for number, cut in enumerate(range(0, len(data), 8192))]


def buffered(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    return _at_once(pieces, pieces[-1][0])


def head_buffered(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    number = _number_at(pieces, chance.uniform(0.45, 0.65))
    return [*_at_once(pieces[:number], pieces[number - 1][0]), *pieces[number:]]


def coalesced(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    lumps = chance.choice((2, 3))
    numbers = [0, *(_number_at(pieces, (k + 1) / lumps) for k in range(lumps - 1)), len(pieces)]
    out: Pieces = []
    for start, stop in pairwise(numbers):
        out += _at_once(pieces[start:stop], pieces[stop - 1][0])
    return out


def _number_at(pieces: Pieces, share: float) -> int:
    """Return how many pieces hold *share* of the bytes; at least one, and not all."""
    total, so_far = sum(len(piece) for _, piece in pieces), 0
    for number, (_, piece) in enumerate(pieces):
        so_far += len(piece)
        if so_far >= share * total:
            return min(max(1, number + 1), len(pieces) - 1)
    return len(pieces) - 1


def stalled(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    number = _number_at(pieces, chance.uniform(0.2, 0.75))
    gap_s = chance.uniform(0.95, 1.6) * IDLE_S
    return [*pieces[:number], *((at_s + gap_s, piece) for at_s, piece in pieces[number:])]


def truncated(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    return _upto(pieces, played.clean(int(len(played.data) * chance.uniform(0.25, 0.85))))


def cut(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    at = played.clean(int(len(played.data) * chance.uniform(0.3, 0.95)))
    return _upto(pieces, at + (1 if played.form.codec != "mp3" else chance.randint(5, 60)))


def missing(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    start, stop = _part(chance, played, 0.08, 0.3)
    return _edited(pieces, played.data[:start] + played.data[stop:])


def duplicated(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    start, stop = _part(chance, played, 0.03, 0.15)
    return _edited(pieces, played.data[:stop] + played.data[start:stop] + played.data[stop:])


def swapped(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    start, stop = _part(chance, played, 0.06, 0.3)
    middle = _boundary(chance, played, (start + stop) // 2)
    data = played.data
    return _edited(pieces, data[:start] + data[middle:stop] + data[start:middle] + data[stop:])


def spoiled(chance: random.Random, played: Sound, pieces: Pieces) -> Pieces:
    start = int(len(played.data) * chance.uniform(0.2, 0.6))
    size = max(4096, int(len(played.data) * chance.uniform(0.05, 0.2)))
    noise = bytes(size) if chance.random() < 0.5 else chance.randbytes(size)
    return _edited(pieces, played.data[:start] + noise + played.data[start + size :])


def _boundary(chance: random.Random, played: Sound, at: int) -> int:
    """Parts are cut where frames begin, or anywhere."""
    return played.clean(at) if chance.random() < 0.4 or played.form.codec != "mp3" else at


def _part(chance: random.Random, played: Sound, least: float, most: float) -> tuple[int, int]:
    size = max(2048, int(len(played.data) * chance.uniform(least, most)))
    start = int(len(played.data) * chance.uniform(0.15, 0.55))
    return _boundary(chance, played, start), _boundary(chance, played, start + size)


def _upto(pieces: Pieces, size: int) -> Pieces:
    data = b"".join(piece for _, piece in pieces)[:size]
    return _edited(pieces, data)


def _edited(pieces: Pieces, data: bytes) -> Pieces:
    """Send other bytes at the same pace."""
    out, at = [], 0
    for at_s, piece in pieces:
        if data[at : at + len(piece)]:
            out.append((at_s, data[at : at + len(piece)]))
        at += len(piece)
    if data[at:]:
        out.append((pieces[-1][0] + 0.05, data[at:]))
    return out


def _mixed(seed: int, chance: random.Random, played: Sound, pieces: Pieces) -> tuple[Pieces, bytes]:
    other = sound(seed + 500_000, played.form, played.seconds).data
    start, stop = _part(chance, played, 0.05, 0.25)
    from_, to = sorted((start, stop))
    alien = other[from_:to]
    data = played.data
    inserted = chance.random() < 0.5
    return _edited(pieces, data[:start] + alien + (data[start:] if inserted else data[stop:])), other


Change = Callable[[random.Random, Sound, Pieces], Pieces]
CHANGES: dict[str, Change] = {
    "buffered": buffered,
    "head buffered": head_buffered,
    "coalesced": coalesced,
    "stalled": stalled,
    "truncated": truncated,
    "cut": cut,
    "missing": missing,
    "duplicated": duplicated,
    "swapped": swapped,
    "spoiled": spoiled,
}
KINDS = (*CHANGES, "mixed", "never ended")
# What is lost before it is stored is not in what is stored either.
UPSTREAM = {"truncated", "cut", "spoiled"}


def faulty(kind: str, seed: int) -> Script:
    """A healthy stream to which one thing happened."""
    chance = random.Random(f"{kind} {seed}")
    silent = chance.uniform(0.4, 0.6) if kind == "spoiled" and chance.random() < 0.4 else 0.0
    played = _sound(seed + 100_000, chance, least=75_000, silent=silent)
    pieces = paced(chance, played)
    stored, ending = played.data, "clean"
    others: tuple[bytes, ...] = ()
    if kind == "mixed":
        pieces, other = _mixed(seed, chance, played, pieces)
        others = (other,) if chance.random() < 0.5 else ()
    elif kind == "never ended":
        ending = "never"
    elif not silent:
        pieces = CHANGES[kind](chance, played, pieces)
    if kind == "cut" and chance.random() < 0.3:
        ending = "broken"
    expected = _known(chance, played, stored, others=others)
    if kind in UPSTREAM and played.form.codec == "mp3" and chance.random() < 0.5:
        expected = replace(expected, stored=b"".join(piece for _, piece in pieces))
    return Script(kind, seed, pieces, ending, expected)
