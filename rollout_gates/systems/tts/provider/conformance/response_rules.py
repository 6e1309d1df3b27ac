"""Rules of the responses of a realtime session: order, ids, indexes, completeness (P6, P7, P11, P13 to P17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rollout_gates.systems.tts.provider.conformance.responses import (
    AUDIO_DONE,
    ITEM_ADDED,
    ITEM_DONE,
    PART_ADDED,
    PART_DONE,
    STEPS,
    TOLERATED_STEPS,
    Response,
    asked_for,
    of_responses,
    responses,
    table,
)
from rollout_gates.systems.tts.provider.conformance.session_rules import heard_something, nothing
from rollout_gates.systems.tts.provider.conformance.violation import Violation
from rollout_gates.systems.tts.provider.frames import DELTA, DONE, FINISHED, RESPONSE, Dialogue

Found = Iterator[Violation]
_WITH_ITEM = frozenset({PART_ADDED, DELTA, AUDIO_DONE, PART_DONE})
_WITH_OUTPUT = frozenset({ITEM_ADDED, ITEM_DONE, *_WITH_ITEM})


def some(dialogue: Dialogue) -> list[Response]:
    """Return all responses, at least one. Raises `CouldNotJudge` for none."""
    heard_something(dialogue)
    found = responses(dialogue)
    if not found:
        raise nothing(dialogue, "no response came")
    return found


def audio_in_place(dialogue: Dialogue) -> Found:
    """P6: no delta before `response.created` and `content_part.added`."""
    deltas = _some_deltas(dialogue)
    for index, _, response in deltas:
        if response is None:
            yield Violation("audio before any response", f"{RESPONSE} first", index)
        elif not any(frame.type == PART_ADDED and place < index for place, frame in response.steps):
            yield Violation(f"audio before {PART_ADDED}", "its part announced first", index)


def audio_in_time(dialogue: Dialogue) -> Found:
    """P7: no delta after `audio.done`, `response.done` or `session.finished`."""
    finished = dialogue.first(FINISHED)
    for index, _, response in _some_deltas(dialogue):
        before = [frame.type for place, frame in response.steps if place < index] if response else []
        after = next((kind for kind in (DONE, AUDIO_DONE) if kind in before), None)
        if finished is not None and index > finished:
            after = FINISHED
        if after is not None:
            yield Violation(f"audio after {after}", "none after its end", index)


def _some_deltas(dialogue: Dialogue) -> list[tuple[int, object, Response | None]]:
    heard_something(dialogue)
    found = [(index, frame, owner) for index, frame, owner in of_responses(dialogue) if frame.type == DELTA]
    if not found:
        raise nothing(dialogue, "no audio came")
    return list(found)


def correlation(dialogue: Dialogue) -> Found:
    """P11: the ids of each event are those of the open response and of its item."""
    some(dialogue)
    for index, frame, response in of_responses(dialogue):
        if response is None or frame.type == RESPONSE:
            continue
        event = frame.event
        told = table(event, "response").get("id") if frame.type == DONE else event.get("response_id")
        if told != response.id:
            yield Violation(f"response id {told!r} in {frame.type}", repr(response.id), index)
        if frame.type in _WITH_ITEM and event.get("item_id") != response.item_id:
            yield Violation(f"item_id = {event.get('item_id')!r} in {frame.type}", repr(response.item_id), index)
        if frame.type == ITEM_DONE and table(event, "item").get("id") != response.item_id:
            yield Violation(f"item.id = {table(event, 'item').get('id')!r}", repr(response.item_id), index)


def order(dialogue: Dialogue) -> Found:
    """P13: the steps of a response come in order, each once; those of a completed one are all there.

    That `response.done` itself is missing, or that audio is, other rules say.
    """
    for response in some(dialogue):
        if response.inside:
            continue
        kinds = [frame.type for _, frame in response.steps]
        if not _in_order(kinds, STEPS) and _in_order(kinds, TOLERATED_STEPS):
            place = next(index for index, frame in response.steps if frame.type == AUDIO_DONE)
            yield Violation(f"{AUDIO_DONE} last", f"{AUDIO_DONE} ahead of {PART_DONE}", place, tolerated=True)
        else:
            yield from _regressions(response)
        if response.ended and response.done.get("status", "completed") == "completed":
            missing = [kind for kind in STEPS if kind not in kinds and kind != DONE]
            if missing:
                yield Violation(f"a response without {', '.join(missing)}", "all of its steps", response.index)


def _in_order(kinds: Sequence[str], steps: Sequence[str]) -> bool:
    ranks = [steps.index(kind) for kind in kinds]
    return all(one < other for one, other in pairwise(ranks))


def _regressions(response: Response) -> Found:
    for (_, one), (index, other) in pairwise(response.steps):
        if STEPS.index(other.type) <= STEPS.index(one.type):
            yield Violation(f"{other.type} after {one.type}", "the steps of a response in order", index)


def one_at_a_time(dialogue: Dialogue) -> Found:
    """P14: no response begins while another one is open."""
    for response in some(dialogue):
        if response.inside:
            yield Violation(f"{RESPONSE} while a response is open", "one after the other", response.index)


def places(dialogue: Dialogue) -> Found:
    """P15: `output_index` and `content_index` are 0."""
    some(dialogue)
    for index, frame, _ in of_responses(dialogue):
        keys = [("output_index", _WITH_OUTPUT), ("content_index", _WITH_ITEM)]
        for key in (name for name, kinds in keys if frame.type in kinds):
            found = frame.event.get(key)
            if found != 0 or isinstance(found, bool | float):
                yield Violation(f"{key} = {found!r} in {frame.type}", "0", index)


def completion(dialogue: Dialogue) -> Found:
    """P16: each response is told to be done, not in progress any more, with the one item that it had."""
    for response in some(dialogue):
        if response.inside:
            continue
        if response.step(DONE) is None:
            yield Violation(f"no {DONE} for response {response.id!r}", f"{DONE} for each response", response.index)
            continue
        place = next(index for index, frame in response.steps if frame.type == DONE)
        status = response.done.get("status")
        if status not in {"completed", "failed", "incomplete"}:
            yield Violation(f"status {status!r} in {DONE}", "completed", place)
        if status == "completed":
            output = response.done.get("output")
            items = output if isinstance(output, list) else []
            found = [item.get("id") if isinstance(item, dict) else None for item in items]
            if found != [response.item_id]:
                yield Violation(f"output items {found!r} in {DONE}", f"[{response.item_id!r}]", place)


def spoken(dialogue: Dialogue) -> list[Response]:
    """Return the responses that answer what was asked, at least one. Raises `CouldNotJudge` for none."""
    heard_something(dialogue)
    found = asked_for(dialogue)
    if not found:
        raise nothing(dialogue, "nothing was spoken")
    return found
