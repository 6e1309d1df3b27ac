"""What is known of a stream before it is judged, and what a judgement says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What may be wrong with a stream."""

    BUFFERED = "buffered"
    """It was held back whole, then sent at once."""
    HEAD_BUFFERED = "head buffered"
    """A large first part was held back; only the rest came as it was made."""
    COALESCED = "coalesced"
    """It came in a few large lumps."""
    STALLED = "stalled"
    """Nothing came for too long, in the middle."""
    NEVER_ENDED = "never ended"
    """All of it came, but for its end."""
    TRUNCATED = "truncated"
    """Its tail is missing, and its end looks like a proper one."""
    CUT = "cut"
    """It breaks off inside a frame or a sample, or the connection broke."""
    MISSING = "missing"
    """A part in the middle is missing."""
    DUPLICATED = "duplicated"
    """A part came twice."""
    SWAPPED = "swapped"
    """Parts came in another order than they belong in."""
    MIXED = "mixed"
    """There are bytes of another stream in it."""
    SPOILED = "spoiled"
    """Bytes were changed, or there is silence where sound should be."""
    DISJOINTED = "disjointed"
    """Parts follow each other that do not belong together: missing, swapped or mixed, and nothing tells which."""
    UNREADABLE = "unreadable"
    """It is not the sound that it is said to be."""
    EXCESSIVE = "excessive"
    """There is more sound than the text can have."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. *evidence* are the numbers behind it; *sentence* stands alone."""

    kind: Kind
    sentence: str
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Doubt:
    """Kinds of trouble that this stream cannot show, and why. It is neither faulty for it nor healthy."""

    kinds: frozenset[Kind]
    sentence: str


@dataclass(frozen=True)
class Judgement:
    """What was found, and what could not be told. *seconds* is how long the sound is, where it can be heard."""

    findings: tuple[Finding, ...] = ()
    undecided: tuple[Doubt, ...] = ()
    seconds: float | None = None

    @property
    def faulty(self) -> bool:
        """Whether something is wrong."""
        return bool(self.findings)

    @property
    def healthy(self) -> bool:
        """Whether everything was judged, and nothing is wrong."""
        return not self.findings and not self.undecided

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of what is wrong."""
        return frozenset(finding.kind for finding in self.findings)

    def doubts(self, *kinds: Kind) -> tuple[Doubt, ...]:
        """Return why one of *kinds* could not be told."""
        return tuple(doubt for doubt in self.undecided if doubt.kinds & set(kinds))

    def __str__(self) -> str:
        told = [finding.sentence for finding in self.findings] + [
            f"cannot tell: {each.sentence}" for each in self.undecided
        ]
        return "; ".join(told) or "healthy"


@dataclass(frozen=True)
class Expected:
    """What is known of the stream.

    *media_type* is that of the answer. *text_units* are the characters (or words) that were to be spoken, and
    *seconds_per_unit* the least and most sound that one of them may take. *idle_s* is the longest pause that the
    stream may make. *stored* are the bytes that it should equal, *others* those of other streams of the same run.
    *rate_hz* and *channels* are those of bare samples (16 bit, little endian), which say nothing of themselves.
    *starved_s* is the longest time for which the client itself was not running while it read: what came meanwhile
    came together to it, whatever the sender did.
    """

    media_type: str = "audio/mpeg"
    text_units: int | None = None
    seconds_per_unit: tuple[float, float] = (0.02, 0.6)
    idle_s: float = 10.0
    stored: bytes | None = None
    others: Sequence[bytes] = field(default=())
    rate_hz: int = 24_000
    channels: int = 1
    starved_s: float = 0.0
