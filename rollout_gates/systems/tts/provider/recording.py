"""A dialogue as exchanges of a transcript: one line of JSON a frame, audio as sizes and digests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rollout_gates.evidence.transcript import MOST_TEXT, Exchange, Recorder
from rollout_gates.systems.tts.provider.frames import Frame

_MOST = MOST_TEXT - 4096
# An event that is no audio is some hundred bytes long. What is longer is shown by its start.
_LONGEST = 4000


def record(
    recorder: Recorder,
    transcript: str,
    frames: Iterable[Frame],
    *,
    exchange_id: str,
    sent: datetime,
    actor: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    status: int | None,
    elapsed_s: float,
    told: str,
) -> None:
    """Append the dialogue to *transcript*, in as many exchanges as it takes; none holds more than a body shows whole.

    The body of an exchange is both sides' frames in the order in which they went over the wire. Raises ``OSError``.
    """
    for number, body in enumerate(_bodies(frames)):
        recorder.record(
            transcript,
            Exchange(
                id=exchange_id if number == 0 else recorder.next_id(),
                sent=sent,
                actor=actor,
                method="GET",
                url=url,
                request_headers=headers if number == 0 else (),
                request_body=b"",
                status=status,
                response_body=body,
                elapsed_s=elapsed_s,
                note=told if number == 0 else f"goes on from {exchange_id}",
            ),
        )


def _bodies(frames: Iterable[Frame]) -> Iterator[bytes]:
    body = bytearray()
    begun = False
    for frame in frames:
        line = _line(frame)
        if body and len(body) + len(line) > _MOST:
            yield bytes(body)
            body.clear()
        body += line
        begun = True
    if body or not begun:
        yield bytes(body)


def _line(frame: Frame) -> bytes:
    head: dict[str, Any] = {"t": round(frame.at_s, 6), "from": "client" if frame.sent else "server"}
    if frame.delta is not None:
        audio = {"bytes": len(frame.delta.data), "sha256": frame.delta.sha256}
        head["audio"] = {"problem": frame.delta.problem} if frame.delta.problem else audio
    if frame.event:
        text = json.dumps({**head, "event": dict(frame.event)}, ensure_ascii=False, separators=(",", ":"))
        if len(text) <= _LONGEST:
            return _encoded(text)
        head["event"] = {"type": frame.type, "cut": text[:_LONGEST]}
    else:
        head |= {"frame": frame.kind.value, "shown": frame.shown}
    return _encoded(json.dumps(head, ensure_ascii=False, separators=(",", ":")))


def _encoded(text: str) -> bytes:
    return f"{text}\n".encode("utf-8", "backslashreplace")
