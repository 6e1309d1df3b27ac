"""Rules of what a provider must refuse, and of what was cleared (P24 to P28)."""

from __future__ import annotations

from collections.abc import Iterator

from rollout_gates.systems.tts.provider.conformance.responses import asked_for, responses
from rollout_gates.systems.tts.provider.conformance.session_rules import nothing, opened
from rollout_gates.systems.tts.provider.conformance.violation import Violation
from rollout_gates.systems.tts.provider.frames import (
    CLEAR,
    CLEARED,
    DELTA,
    DONE,
    ERROR,
    RESPONSE,
    UPDATE,
    UPDATED,
    Dialogue,
    Ending,
)

Found = Iterator[Violation]
NORMAL = 1000
REFUSALS = (401, 403)


def pair_refused(dialogue: Dialogue) -> Found:
    """P24: a voice of another kind is refused, at the update or at its first response, and never heard."""
    audio = [index for response in asked_for(dialogue) for index, _ in response.deltas]
    if audio:
        yield Violation(f"audio in voice {dialogue.asked.voice!r}", "a refusal of that voice", audio[0])
    elif not _refused(dialogue):
        if dialogue.ending in {Ending.LOST, Ending.BROKEN}:
            raise nothing(dialogue, "it ended without a word about the voice")
        yield Violation(f"no refusal; {dialogue.told()}", f"a refusal of voice {dialogue.asked.voice!r}")


def _refused(dialogue: Dialogue) -> bool:
    failed = any(response.done.get("status") == "failed" for response in responses(dialogue))
    closed = dialogue.ending is Ending.SERVER_CLOSED and dialogue.close_code != NORMAL
    return bool(dialogue.of(ERROR)) or failed or closed or dialogue.ending is Ending.REFUSED


def unknown_model_ends(dialogue: Dialogue) -> Found:
    """P25: a model that does not exist is refused, or the connection is closed, if without a word; never silence."""
    audio = dialogue.of(DELTA)
    if audio:
        yield Violation(f"audio of model {dialogue.asked.model!r}", "a refusal of that model", audio[0][0])
    elif dialogue.ending not in {Ending.REFUSED, Ending.SERVER_CLOSED, Ending.LOST} and not dialogue.of(ERROR):
        yield Violation(f"a session that was left in silence: {dialogue.told()}", "a refusal, an error or a close")


def cleared(dialogue: Dialogue) -> Found:
    """P26: `clear` is confirmed, and what was cleared is not spoken, not even at the end."""
    opened(dialogue)
    sent, confirmed = dialogue.first(CLEAR, sent=True), dialogue.first(CLEARED)
    if sent is None or (confirmed is None and dialogue.of(ERROR)):
        raise nothing(dialogue, "nothing could be cleared")
    if confirmed is None:
        yield Violation(f"no {CLEARED}: {dialogue.told()}", f"{CLEARED} after {CLEAR}", sent)
    after = sent if confirmed is None else confirmed
    for index, _ in dialogue.of(RESPONSE):
        if index > after:
            yield Violation(f"{RESPONSE} for a text that was cleared", "nothing spoken", index)


def late_update(dialogue: Dialogue) -> Found:
    """P27: an update after synthesis has begun is answered with an error, or with the end of the connection."""
    updates, done = dialogue.of(UPDATE, sent=True), dialogue.first(DONE)
    if len(updates) < 2 or done is None:
        raise nothing(dialogue, "no update could be sent after something was spoken")
    late = updates[1][0]
    answer = next(((index, frame) for index, frame in dialogue.of(ERROR, UPDATED) if index > late), None)
    if answer is None:
        if dialogue.ending is Ending.SERVER_CLOSED and dialogue.close_code != NORMAL:
            return
        yield Violation(f"no answer to a late update; {dialogue.told()}", "an error", late)
    elif answer[1].type == UPDATED:
        yield Violation(f"{UPDATED} after synthesis had begun", "an error", answer[0])


def key_refused(dialogue: Dialogue) -> Found:
    """P28: without a valid key there is no session."""
    if dialogue.ending is not Ending.REFUSED:
        yield Violation("a session, upgraded with 101", "401 or 403")
    elif dialogue.status not in REFUSALS:
        yield Violation(f"a handshake refused with {dialogue.status}", "401 or 403")
