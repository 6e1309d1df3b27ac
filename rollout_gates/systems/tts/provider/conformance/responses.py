"""The responses of a dialogue, put together from its events in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout_gates.systems.tts.provider.frames import APPEND, DELTA, DONE, RESPONSE, Dialogue, Frame

ITEM_ADDED, PART_ADDED = "response.output_item.added", "response.content_part.added"
AUDIO_DONE, PART_DONE, ITEM_DONE = "response.audio.done", "response.content_part.done", "response.output_item.done"
STEPS = (RESPONSE, ITEM_ADDED, PART_ADDED, AUDIO_DONE, PART_DONE, ITEM_DONE, DONE)
TOLERATED_STEPS = (RESPONSE, ITEM_ADDED, PART_ADDED, PART_DONE, ITEM_DONE, AUDIO_DONE, DONE)
"""One vendor table has `audio.done` last before `response.done` (protocol sheet, 6.5, rule 2)."""
OF_A_RESPONSE = frozenset({*STEPS, DELTA})


@dataclass
class Response:
    """One response. *steps* are its events but the deltas, *deltas* those, each with the index of its frame.

    *inside* tells that it began while another one was open. *asked* is False where nothing to speak had been sent.
    """

    index: int
    id: Any
    asked: bool
    inside: bool
    steps: list[tuple[int, Frame]] = field(default_factory=list)
    deltas: list[tuple[int, Frame]] = field(default_factory=list)

    def step(self, kind: str) -> Frame | None:
        """Return the first event of *kind*, or None."""
        return next((frame for _, frame in self.steps if frame.type == kind), None)

    @property
    def ended(self) -> bool:
        """Whether its item or itself was told to be done."""
        return self.step(ITEM_DONE) is not None or self.step(DONE) is not None

    @property
    def item_id(self) -> Any:
        """The id of its item, as it was announced."""
        added = self.step(ITEM_ADDED)
        return None if added is None else table(added.event, "item").get("id")

    @property
    def done(self) -> Mapping[str, Any]:
        """The response as `response.done` shows it; empty when that never came."""
        frame = self.step(DONE)
        return {} if frame is None else table(frame.event, "response")

    @property
    def audio(self) -> bytes | None:
        """Its audio, joined; None when a delta could not be read."""
        pieces = [frame.delta for _, frame in self.deltas if frame.delta is not None]
        return None if any(piece.problem for piece in pieces) else b"".join(piece.data for piece in pieces)


def table(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under *key*; empty when there is none."""
    found = event.get(key)
    return found if isinstance(found, dict) else {}


def responses(dialogue: Dialogue) -> list[Response]:
    """Return the responses in the order of their beginnings.

    An event belongs to the response that is open, whatever its ids say, unless they are those of a response that began
    inside. What comes while none is open belongs to the last one that was.
    """
    found: list[Response] = []
    appended = False
    for index, frame in enumerate(dialogue.frames):
        if frame.sent:
            appended = appended or (frame.type == APPEND and bool(str(frame.event.get("text", "")).strip()))
        elif frame.type == RESPONSE:
            begun = Response(index, table(frame.event, "response").get("id"), appended, _open(found) is not None)
            begun.steps.append((index, frame))
            found.append(begun)
        elif frame.type in OF_A_RESPONSE and (owner := _owner(found, frame)) is not None:
            (owner.deltas if frame.type == DELTA else owner.steps).append((index, frame))
    return found


def asked_for(dialogue: Dialogue) -> list[Response]:
    """Return the responses that answer what was sent: neither unasked nor begun inside of another one."""
    return [each for each in responses(dialogue) if each.asked and not each.inside]


def _open(found: list[Response]) -> Response | None:
    return next((each for each in reversed(found) if not each.inside and not each.ended), None)


def _owner(found: list[Response], frame: Frame) -> Response | None:
    told = frame.event.get("response_id", table(frame.event, "response").get("id"))
    inside = next((each for each in found if each.inside and each.id == told and told is not None), None)
    if inside is not None:
        return inside
    regular = [each for each in found if not each.inside]
    by_id = next((each for each in reversed(regular) if each.id == told), None)
    if frame.type == DONE and by_id is not None:
        return by_id
    return _open(found) or (regular[-1] if regular else None)


def of_responses(dialogue: Dialogue) -> Iterator[tuple[int, Frame, Response | None]]:
    """Yield each event of a response with its index and the response that it belongs to."""
    owners = {index: each for each in responses(dialogue) for index, _ in (*each.steps, *each.deltas)}
    for index, frame in dialogue.heard:
        if frame.type in OF_A_RESPONSE:
            yield index, frame, owners.get(index)
