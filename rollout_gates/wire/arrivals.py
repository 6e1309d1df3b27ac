"""When the parts of a streamed body came: times and sizes, never the bytes themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_MOST_TOLD: Final = 2000


class End(StrEnum):
    """How a stream ended."""

    COMPLETE = "complete"
    """The body was ended as its framing says."""
    IDLE = "idle"
    """Nothing came for longer than the idle limit."""
    OVERTIME = "overtime"
    """It went on for longer than the total limit."""
    BROKEN = "broken"
    """The connection was lost, or the framing was violated."""
    TOO_LARGE = "too large"
    """It grew beyond what a stream may hold in memory."""
    LEFT = "left"
    """The client went away on purpose."""


@dataclass(frozen=True)
class Chunk:
    """One part of a body, as it was read from the socket. *at_s* is seconds after the request was sent."""

    at_s: float
    size_bytes: int


@dataclass(frozen=True)
class Arrivals:
    """The chunks of one stream in order of arrival. All times are seconds after the request was sent.

    *headers_s* is when the header block was there, *ended_s* when the end was seen.
    """

    chunks: Sequence[Chunk]
    headers_s: float
    ended_s: float
    end: End

    @property
    def first_s(self) -> float | None:
        """When the first byte of the body came; ``None`` for an empty body."""
        return self.chunks[0].at_s if self.chunks else None

    @property
    def last_s(self) -> float | None:
        """When the last byte of the body came; ``None`` for an empty body."""
        return self.chunks[-1].at_s if self.chunks else None

    @property
    def size_bytes(self) -> int:
        """Bytes of the body in all."""
        return sum(chunk.size_bytes for chunk in self.chunks)

    @property
    def gaps_s(self) -> tuple[float, ...]:
        """The times between one chunk and the next, one less than there are chunks."""
        return tuple(
            later.at_s - earlier.at_s for earlier, later in zip(self.chunks, list(self.chunks)[1:], strict=False)
        )

    def told(self) -> dict[str, Any]:
        """Return it as it stands in the evidence: structured fields, at most 2000 chunks as ``[at_s, size_bytes]``."""
        chunks = merged(self.chunks, _MOST_TOLD)
        return {
            "headers_s": round(self.headers_s, 6),
            "chunks": [[round(chunk.at_s, 6), chunk.size_bytes] for chunk in chunks],
            "ended_s": round(self.ended_s, 6),
            "end": str(self.end),
        }


def merged(chunks: Sequence[Chunk], most: int) -> list[Chunk]:
    """Return *chunks* as at most *most* of them: neighbours are taken together, the first and the last stay as timed.

    A group has the time of its first chunk, and the size of all of them.
    """
    if len(chunks) <= most:
        return list(chunks)
    head, last = chunks[:-1], chunks[-1]
    size = -(-len(head) // (most - 1))
    groups = (head[start : start + size] for start in range(0, len(head), size))
    return [*(Chunk(group[0].at_s, sum(each.size_bytes for each in group)) for group in groups), last]
