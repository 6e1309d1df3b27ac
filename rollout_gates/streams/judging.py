"""Tells a healthy stream from one that was held back, lost, doubled or mixed on its way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rollout_gates.streams import content, likeness, timing
from rollout_gates.streams.hearing import Codec, Heard, NotHeard, codec_of, hear
from rollout_gates.streams.model import Doubt, Expected, Finding, Judgement, Kind
from rollout_gates.wire.arrivals import Arrivals, End

_SHORTEST_S: Final = 1.0
_ALL_AGAIN: Final = 0.4
"""Share of a stream that is one stretch which came before: the whole of it came again."""

Found = Finding | Doubt | None
_EVERYTHING: Final = frozenset(Kind)


def judge(arrivals: Arrivals, body: bytes, expected: Expected | None = None) -> Judgement:
    """Judge one stream by when its bytes came, by the bytes themselves, and by what is *expected* of it.

    *body* is the decoded body, at most some ten million bytes. What a stream is too short for, or what the format
    does not show, is listed as undecided: it is neither a fault nor health.
    """
    known = expected or Expected()
    codec = codec_of(known.media_type)
    if not body:
        told = f"not a byte came in {arrivals.ended_s:.2f} s"
        return Judgement((Finding(Kind.UNREADABLE, told, {"ended_s": round(arrivals.ended_s, 3)}),))
    if codec is None:
        unknown = Doubt(_EVERYTHING, f"{known.media_type!r} is no sound known here")
        return _sorted([*_of_time(arrivals, known, complete=True), unknown])
    try:
        heard = hear(body, codec, rate_hz=known.rate_hz, channels=known.channels)
    except NotHeard as problem:
        unreadable = Finding(Kind.UNREADABLE, f"{problem}, announced as {known.media_type}", {"size_bytes": len(body)})
        return _sorted([*_of_time(arrivals, known, complete=False), unreadable])
    findings = list(_of_content(body, codec, heard, known))
    complete = _complete(body, heard, findings, known)
    if arrivals.end is not End.COMPLETE:
        findings = [each for each in findings if not (isinstance(each, Finding) and each.kind is Kind.TRUNCATED)]
    if arrivals.end in (End.IDLE, End.LEFT):
        findings = [each for each in findings if not (isinstance(each, Finding) and each.kind is Kind.CUT)]
    return _sorted([*_of_time(arrivals, known, complete=complete), *findings], seconds=heard.seconds)


def _of_time(arrivals: Arrivals, known: Expected, *, complete: bool) -> Iterator[Found]:
    stalled, pace = timing.stall(arrivals, known.idle_s, known.starved_s), timing.pace(arrivals, known.starved_s)
    # Between two lumps there is a pause, and a stream with a pause is two lumps: the limit tells which it is.
    lumpy = isinstance(pace, Finding) and stalled is not None and stalled.evidence["gap_s"] < known.idle_s
    yield pace if stalled is None or lumpy else stalled
    yield timing.ending(arrivals, complete=complete)
    if arrivals.end is End.LEFT:
        yield Doubt(frozenset({Kind.TRUNCATED, Kind.CUT, Kind.NEVER_ENDED}), "the client left before the end")


def _of_content(body: bytes, codec: Codec, heard: Heard, known: Expected) -> Iterator[Found]:
    structure = list(content.structure(body, codec, heard))
    yield from structure
    twice = likeness.repetition(body)
    much = isinstance(twice, Finding) and twice.evidence["size_bytes"] > _ALL_AGAIN * len(body)
    if isinstance(twice, Finding) and codec is Codec.MPEG and not structure and not much:
        # What is spliced in breaks the chain of frames. Where it holds, the encoder was given the same sound twice.
        told = f"{twice.sentence}; but its frames go on without a break, so the sound may repeat itself by nature"
        twice = Doubt(frozenset({Kind.DUPLICATED, Kind.MIXED}), told)
    if not isinstance(twice, Doubt):
        yield twice
        yield likeness.intruders(body, known.others)
    elif known.stored is None:
        yield twice
    if known.stored is not None:
        yield from likeness.differences(body, known.stored, known.others)
    yield content.silence(heard)
    yield content.length(heard, known)
    if heard.seconds < _SHORTEST_S:
        yield Doubt(_EVERYTHING, f"{heard.seconds:.2f} s of sound are too few to tell")


def _complete(body: bytes, heard: Heard, findings: Iterable[Found], known: Expected) -> bool:
    """Tell whether the sound came to its end."""
    if known.stored is not None:
        return body == known.stored
    kinds = {each.kind for each in findings if isinstance(each, Finding)}
    return heard.fades_out and not kinds & {Kind.TRUNCATED, Kind.CUT}


def _sorted(found: Iterable[Found], *, seconds: float | None = None) -> Judgement:
    """Keep one finding a kind, the first, and leave out what a more exact one explains."""
    every = list(found)
    findings: dict[Kind, Finding] = {}
    for each in every:
        if isinstance(each, Finding):
            findings.setdefault(each.kind, each)
    exact = {Kind.MISSING, Kind.DUPLICATED, Kind.SWAPPED, Kind.MIXED, Kind.SPOILED}
    if exact & findings.keys():
        findings.pop(Kind.DISJOINTED, None)
    undecided = tuple(each for each in every if isinstance(each, Doubt))
    return Judgement(tuple(findings.values()), undecided, seconds)
