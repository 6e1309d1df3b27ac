"""What is kept of each stream that was heard: an event with its times and its sound, and a file to listen to.

The event ``stream_observed`` has the keys `system`, `cell`, `flow`, `label` (in plain words), `exchange`
(`transcript`, `id`), `text_units` (length of the text, null where there is none), `status`, `media_type`, `arrivals`
(`headers_s`, `chunks` as at most 2000 `[at_s, size_bytes]`, `ended_s`, `end`), `sound` (`codec`, `seconds`, `rate_hz`,
`channels`, `peak`; null for what does not decode) and `audio_file` (below the evidence folder; null where none is
kept).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rollout_gates.evidence.files import write_whole
from rollout_gates.evidence.transcript import file_name
from rollout_gates.sound import NotMpeg, Sound, mpeg_sound
from rollout_gates.wire.arrivals import End

if TYPE_CHECKING:
    from rollout_gates.evidence.events import Event, Events
    from rollout_gates.evidence.redaction import Redactor
    from rollout_gates.wire.reply import Reply

EVENT: Final = "stream_observed"
FOLDER: Final = "audio"
_TRANSCRIPTS: Final = "transcripts"
MOST_BYTES: Final = 200_000
_MOST_DECODED: Final = 8 * 2**20
_ABSURD_S: Final = 30 * 86_400.0
_ABSURD_BYTES: Final = 10**12
_PERCENTILES: Final = {"median": 0.5, "p95": 0.95}

Row = dict[str, Any]


def observed(
    reply: Reply, *, label: str, text_units: int | None, folder: Path | None, redactor: Redactor
) -> tuple[Row, Sound | None]:
    """Return what the event says of the stream in *reply*, and its sound; the audio is written to *folder*.

    Raises ``EvidenceNotWritten``.
    """
    sound = heard(reply.body)
    told = None if reply.arrivals is None else reply.arrivals.told()
    return {
        "label": label,
        "exchange": {"transcript": f"{_TRANSCRIPTS}/{file_name(reply.transcript)}.jsonl", "id": reply.exchange_id},
        "text_units": text_units,
        "status": reply.status,
        "media_type": reply.content_type,
        "arrivals": told,
        "sound": None if sound is None else _sound(sound),
        "audio_file": None if sound is None else kept_audio(reply, folder, redactor),
    }, sound


def heard(body: bytes) -> Sound | None:
    """Return the sound of *body*, or None for what does not decode, and for more than anybody listens to."""
    if not body or len(body) > _MOST_DECODED:
        return None
    try:
        return mpeg_sound(body)
    except NotMpeg:
        return None


def kept_audio(reply: Reply, folder: Path | None, redactor: Redactor) -> str | None:
    """Write the body of *reply*, which is audio, below *folder* and return its name there; None if it is not kept.

    Not kept is what is long, and what holds a secret: bytes cannot be masked. Raises ``EvidenceNotWritten``.
    """
    if folder is None or len(reply.body) > MOST_BYTES or redactor.finds(reply.body.decode("latin-1")):
        return None
    name = f"{FOLDER}/{file_name(f'{reply.transcript}-{reply.exchange_id}')}.mp3"
    write_whole(folder / name, reply.body)
    return name


def _sound(sound: Sound) -> Row:
    return {
        "codec": "mp3",
        "seconds": round(sound.seconds, 6),
        "rate_hz": sound.rate_hz,
        "channels": sound.channels,
        "peak": sound.peak,
    }


# --- reading the events


def streams(events: Events) -> list[Row]:
    """Return one row a stream, with its times in seconds after the request was sent."""
    return [_row(event) for event in events.of(EVENT)]


@dataclass(frozen=True)
class Parts:
    """When the parts of a stream came, as far as the event makes sense; *chunks* are (seconds, bytes) in order."""

    headers_s: float | None
    chunks: Sequence[tuple[float, int]]
    ended_s: float | None
    end: str | None


def parts_of(event: Mapping[str, Any]) -> Parts:
    """Return what *event* tells of arrivals; what is no time or no size is left out."""
    told = event.get("arrivals")
    arrivals: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    chunks: list[tuple[float, int]] = []
    listed = arrivals.get("chunks")
    for each in listed if isinstance(listed, list) else ():
        at_s, size = each if isinstance(each, list) and len(each) == 2 else (None, None)
        moment = _seconds(at_s)
        if moment is not None and isinstance(size, int) and 0 <= size < _ABSURD_BYTES:
            chunks.append((max(moment, chunks[-1][0]) if chunks else moment, size))
    end = arrivals.get("end")
    return Parts(
        _seconds(arrivals.get("headers_s")),
        chunks,
        _seconds(arrivals.get("ended_s")),
        end if end in tuple(End) else None,
    )


def _seconds(value: Any) -> float | None:
    """Return a time that a stream can have taken; a month is none."""
    return value if isinstance(value, int | float) and 0 <= value < _ABSURD_S else None


def _row(event: Event) -> Row:
    parts = parts_of(event)
    keys = ("system", "cell", "flow", "label", "exchange", "text_units", "status", "media_type", "sound", "audio_file")
    return {
        **{key: event.get(key) for key in keys},
        "headers_s": parts.headers_s,
        "first_byte_s": parts.chunks[0][0] if parts.chunks else None,
        "last_byte_s": parts.chunks[-1][0] if parts.chunks else None,
        "ended_s": parts.ended_s,
        "end": parts.end,
        "chunks": len(parts.chunks),
        "size_bytes": sum(size for _, size in parts.chunks),
    }


def stream_times(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return how long whole streams took to their first and to their last byte, for each system and cell."""
    groups: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["status"] == 200 and row["end"] == "complete" and row["first_byte_s"] is not None:
            groups.setdefault((row["system"], row["cell"]), []).append(row)
    return [
        {
            "system": system,
            "cell": cell,
            "first_byte_s": _distribution(row["first_byte_s"] for row in mine),
            "last_byte_s": _distribution(row["last_byte_s"] for row in mine),
        }
        for (system, cell), mine in groups.items()
    ]


def _distribution(values: Iterable[float]) -> Row:
    """Return count, extremes and percentiles (nearest rank)."""
    ordered = sorted(values)
    ranks = {name: ordered[math.ceil(share * len(ordered)) - 1] for name, share in _PERCENTILES.items()}
    return {"count": len(ordered), "min": ordered[0], **ranks, "max": ordered[-1]}
