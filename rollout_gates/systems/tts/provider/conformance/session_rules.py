"""Rules of a realtime session as a whole: greeting, settings, commits, frames, ids, end (P1 to P5, P12, P18 to P23)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.provider.conformance.responses import (
    AUDIO_DONE,
    ITEM_ADDED,
    ITEM_DONE,
    Response,
    responses,
    table,
)
from rollout_gates.systems.tts.provider.conformance.violation import Violation
from rollout_gates.systems.tts.provider.frames import (
    APPEND,
    COMMIT,
    COMMITTED,
    CREATED,
    DELTA,
    DONE,
    ERROR,
    FINISH,
    FINISHED,
    RESPONSE,
    UPDATE,
    UPDATED,
    Dialogue,
    Ending,
    Kind,
)
from rollout_gates.wire.errors import CouldNotJudge

NORMAL = 1000
Found = Iterator[Violation]


def nothing(dialogue: Dialogue, what: str) -> CouldNotJudge:
    """Return what to raise where *what* would be needed and did not come."""
    return CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"dialogue {dialogue.name!r}: {what}; {dialogue.told()}")


def opened(dialogue: Dialogue) -> None:
    """Raise where the handshake was refused, so that no session was seen."""
    if dialogue.ending is Ending.REFUSED:
        raise nothing(dialogue, "there was no session")


def heard_something(dialogue: Dialogue) -> None:
    """Raise where the session was silent: that it says nothing is the business of the rule of the greeting."""
    opened(dialogue)
    if not dialogue.heard:
        raise nothing(dialogue, "nothing was heard")


def greeting(dialogue: Dialogue) -> Found:
    """P1: the first message is `session.created`, and there is one only."""
    opened(dialogue)
    created = dialogue.of(CREATED)
    if not dialogue.heard:
        yield Violation(f"nothing: {dialogue.told()}", f"{CREATED} as the first message")
        return
    index, first = dialogue.heard[0]
    if first.type != CREATED:
        yield Violation(first.type or first.kind.value, f"{CREATED} as the first message", index)
    for index, _ in created[1:]:
        yield Violation(f"{CREATED} again", "one a session", index)


def identity(dialogue: Dialogue) -> Found:
    """P2: a session has an id, keeps it, and is of the model that was asked for."""
    opened(dialogue)
    created = dialogue.of(CREATED)
    if not created:
        raise nothing(dialogue, f"no {CREATED} came")
    index, frame = created[0]
    session = table(frame.event, "session")
    first_id = session.get("id")
    if not _text(first_id):
        yield Violation(f"session.id = {first_id!r}", "a text that is not empty", index)
    if session.get("model") != dialogue.asked.model:
        yield Violation(f"session.model = {session.get('model')!r}", repr(dialogue.asked.model), index)
    for index, frame in dialogue.of(UPDATED):
        found = table(frame.event, "session").get("id")
        if found != first_id:
            yield Violation(f"session.id = {found!r} in {UPDATED}", repr(first_id), index)


def settings(dialogue: Dialogue) -> Found:
    """P3: `session.update` is answered, with what was asked for."""
    opened(dialogue)
    asked = dialogue.first(UPDATE, sent=True)
    if asked is None:
        raise nothing(dialogue, f"no {UPDATE} was sent")
    answers = [(index, frame) for index, frame in dialogue.of(UPDATED, ERROR) if index > asked]
    if not answers:
        yield Violation(f"no answer: {dialogue.told()}", f"{UPDATED} for {UPDATE}", asked)
        return
    index, frame = answers[0]
    if frame.type == ERROR:
        raise nothing(dialogue, f"{UPDATE} was refused: {shown_error(frame.event)}")
    echo, wanted = table(frame.event, "session"), dialogue.asked.session
    for key in ("voice", "mode", "response_format", "sample_rate"):
        if echo.get(key) != wanted[key]:
            yield Violation(f"session.{key} = {echo.get(key)!r}", repr(wanted[key]), index)
    language = echo.get("language_type", wanted["language_type"])
    if str(language).casefold() != wanted["language_type"].casefold():
        yield Violation(f"session.language_type = {language!r}", repr(wanted["language_type"]), index)


def nothing_unasked(dialogue: Dialogue) -> Found:
    """P4: no response before there is text; in mode `commit` none before a commit, unless all was said."""
    heard_something(dialogue)
    appended = dialogue.first(APPEND, sent=True)
    if appended is None:
        raise nothing(dialogue, "no text was sent")
    starts = [place for place in (dialogue.first(COMMIT, sent=True), dialogue.first(FINISH, sent=True)) if place]
    committed = min(starts) if dialogue.asked.mode == "commit" and starts else appended
    for index, _ in dialogue.of(RESPONSE):
        if index < appended:
            yield Violation(f"{RESPONSE} before any text", "nothing unasked", index)
        elif index < committed:
            yield Violation(f"{RESPONSE} before a commit in mode commit", "nothing before it", index)


def commits(dialogue: Dialogue) -> Found:
    """P5: one `committed` for each commit, ahead of its response; an `error` may stand in for it."""
    heard_something(dialogue)
    sent = [index for index, _ in dialogue.of(COMMIT, sent=True)]
    confirmed = [index for index, _ in dialogue.of(COMMITTED)]
    for number, index in enumerate(confirmed):
        if number >= len(sent):
            yield Violation(f"{COMMITTED} no. {number + 1} for {len(sent)} commits", "one a commit", index)
        elif index < sent[number]:
            yield Violation(f"{COMMITTED} before its commit", "the commit first", index)
    missing = len(sent) - len(confirmed) - len(dialogue.of(ERROR))
    if missing > 0 and dialogue.finished:
        yield Violation(f"{len(confirmed)} {COMMITTED} for {len(sent)} commits", "one each", sent[-1])
    if dialogue.asked.mode == "commit":
        begun = [each.index for each in responses(dialogue) if each.asked and not each.inside]
        for index, response in zip(confirmed, begun, strict=False):
            if index > response:
                yield Violation(f"{COMMITTED} after its response", "before it", index)


def ids(dialogue: Dialogue) -> Found:
    """P12: each event has an id; no id of an event, a response or an item comes twice."""
    heard_something(dialogue)
    seen: dict[str, set[Any]] = {"event_id": set(), "response.id": set(), "item.id": set()}
    for index, frame in dialogue.heard:
        if frame.kind is not Kind.EVENT:
            continue
        found = frame.event.get("event_id")
        if not _text(found):
            yield Violation(f"event_id = {found!r} of {frame.type}", "a text that is not empty", index)
        else:
            yield from _new("event_id", found, seen, index, frame.type)
        if frame.type == RESPONSE:
            yield from _new("response.id", table(frame.event, "response").get("id"), seen, index, frame.type)
        if frame.type == ITEM_ADDED:
            yield from _new("item.id", table(frame.event, "item").get("id"), seen, index, frame.type)


def _new(what: str, found: Any, seen: dict[str, set[Any]], index: int, kind: str) -> Found:
    if not _text(found):
        yield Violation(f"{what} = {found!r} of {kind}", "a text that is not empty", index)
    elif found in seen[what]:
        yield Violation(f"{what} = {found!r} again", "a new one", index)
    else:
        seen[what].add(found)


def finish(dialogue: Dialogue) -> Found:
    """P18: `session.finished` once, after `session.finish`, with no response open, and nothing after it."""
    heard_something(dialogue)
    asked, told = dialogue.first(FINISH, sent=True), dialogue.of(FINISHED)
    if asked is None and not told:
        raise nothing(dialogue, f"no {FINISH} was sent")
    if not told:
        if dialogue.ending in {Ending.IDLE, Ending.OVERTIME}:
            yield Violation(f"no {FINISHED}: {dialogue.told()}", f"{FINISHED} after {FINISH}", asked)
            return
        raise nothing(dialogue, f"it ended before {FINISHED}")
    first = told[0][0]
    if asked is None or first < asked:
        yield Violation(f"{FINISHED} without {FINISH}", f"{FINISH} first", first)
    if any(_open_at(response, first) for response in responses(dialogue)):
        yield Violation(f"{FINISHED} while a response is open", "its end first", first)
    for index, frame in dialogue.heard:
        if index > first and frame.type != DELTA:
            yield Violation(f"{frame.type or frame.kind.value} after {FINISHED}", "nothing but the close", index)


def _open_at(response: Response, place: int) -> bool:
    """Whether *response* had begun at *place*, and neither its audio nor itself was told to be done."""
    ends = {AUDIO_DONE, ITEM_DONE, DONE}
    ended = any(index < place and frame.type in ends for index, frame in response.steps)
    return response.index < place and not response.inside and not ended


def ending(dialogue: Dialogue) -> Found:
    """P19: the session does not end before `session.finished`, and its close is a normal one."""
    heard_something(dialogue)
    if dialogue.ending not in {Ending.SERVER_CLOSED, Ending.CLIENT_CLOSED, Ending.LOST, Ending.BROKEN}:
        raise nothing(dialogue, "its end was not seen")
    if not dialogue.finished:
        if dialogue.of(ERROR):
            raise nothing(dialogue, f"an error ended it: {shown_error(dialogue.of(ERROR)[-1][1].event)}")
        yield Violation(f"an end before {FINISHED}: {dialogue.told()}", f"{FINISHED}, then a close with {NORMAL}")
    elif dialogue.ending is Ending.LOST:
        yield Violation("a connection lost without a close frame", f"a close with {NORMAL}")
    elif dialogue.ending is Ending.SERVER_CLOSED and dialogue.close_code != NORMAL:
        yield Violation(f"a close with {dialogue.close_code} {dialogue.close_reason!r}", f"a close with {NORMAL}")


def hanging_up(dialogue: Dialogue) -> Found:
    """P20: the server closes soon after `session.finished`."""
    heard_something(dialogue)
    if not dialogue.finished:
        raise nothing(dialogue, f"no {FINISHED} came")
    if dialogue.ending is Ending.CLIENT_CLOSED:
        answered = "our close was answered" if dialogue.close_code is not None else "our close was not answered either"
        finished_s = dialogue.of(FINISHED)[0][1].at_s
        waited_s = dialogue.ended_s - finished_s
        yield Violation(f"a socket still open {waited_s:.1f} s after {FINISHED}; {answered}", "a close by the server")


def frames(dialogue: Dialogue) -> Found:
    """P21: every frame is a text with a JSON object that has a type."""
    heard_something(dialogue)
    for index, frame in dialogue.heard:
        if frame.kind is not Kind.EVENT:
            yield Violation(f"{frame.kind.value}: {frame.shown}", "a JSON object with a type, as text", index)


def errors(dialogue: Dialogue) -> Found:
    """P23: an error has code and message; no audio of the response that it hit follows it.

    An error that may answer a commit hits no response: a text that was spoken already leaves an empty buffer behind.
    """
    heard_something(dialogue)
    found = dialogue.of(ERROR)
    for index, frame in found:
        error = table(frame.event, "error")
        for key in ("code", "message"):
            if not _text(error.get(key)):
                yield Violation(f"error.{key} = {error.get(key)!r}", "a text that is not empty", index)
    if len(dialogue.of(COMMIT, sent=True)) > len(dialogue.of(COMMITTED)):
        return
    for response in responses(dialogue):
        places = [place for place, _ in response.steps + response.deltas]
        for index, _ in found:
            later = [place for place, _ in response.deltas if place > index]
            if later and min(places) < index:
                yield Violation("audio of a response after an error in it", "no more of it", later[0])


def shown_error(event: Any) -> str:
    """Return code and message of an error event, as data, for a person."""
    error = table(event, "error")
    return f"{error.get('code')!r} {error.get('message')!r}"[:200]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
