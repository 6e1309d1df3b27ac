"""Violations of the REST half of the protocol, in the provider's answers: P-33 to P-39 of its sheet, section 11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.tts.providers.standin import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    Body = dict[str, Any]
    Rule = Callable[[str, Answer], Answer]

CREATES = frozenset({"clone_create", "design_create"})
LISTS = frozenset({"clone_list", "design_list"})
OTHER_TARGET = "qwen3-tts-vc-2025-01-01"
DAY_S = 86_400


def violated(call: str, answer: Answer, fault: Callable[[str], bool]) -> Answer:
    """*answer* to *call* as it is sent, after every violation that *fault* says is on. P-36 is kept in the pairing."""
    for name, rule in _RULES.items():
        if fault(name):
            answer = rule(call, answer)
    return answer


def _anonymous(_call: str, answer: Answer) -> Answer:
    """P-33: nobody can ask about it afterwards."""
    return _body(answer, {key: value for key, value in answer.body.items() if key != "request_id"})


def _always_200(_call: str, answer: Answer) -> Answer:
    """P-34: failures come as a success with a code, and a success has one as well."""
    return Answer(200, {"code": "", "message": "", **answer.body}, answer.headers)


def _stale(call: str, answer: Answer) -> Answer:
    """P-35: the audio has expired, if its own word is believed."""
    if call != "synthesis" or answer.status != 200:
        return answer
    output = answer.body["output"]
    audio = {**output["audio"], "expires_at": output["audio"]["expires_at"] - 2 * DAY_S}
    return _body(answer, {**answer.body, "output": {**output, "audio": audio}})


def _another_target(call: str, answer: Answer) -> Answer:
    """P-37: the voice was made for another model than asked, or so it says."""
    if call not in CREATES or answer.status != 200:
        return answer
    return _body(answer, {**answer.body, "output": {**answer.body["output"], "target_model": OTHER_TARGET}})


def _miscounted(call: str, answer: Answer) -> Answer:
    """P-38: a create counts twice, and anything can be deleted again."""
    if call in CREATES and answer.status == 200:
        return _body(answer, {**answer.body, "usage": {"count": 2}})
    if call == "clone_delete" and answer.status == 400:
        return Answer(200, {"usage": {"count": 1}, "request_id": answer.body["request_id"]})
    return answer


def _overlapping(call: str, answer: Answer) -> Answer:
    """P-39: every page ends with a voice that was deleted, and the total knows nothing of it."""
    if call not in LISTS or answer.status != 200:
        return answer
    output = answer.body["output"]
    ghost = {"voice": "qwen-tts-vc-ghost-voice-20260101000000000-0000", "target_model": OTHER_TARGET}
    return _body(answer, {**answer.body, "output": {**output, "voice_list": [*output["voice_list"], ghost]}})


def _body(answer: Answer, body: Body) -> Answer:
    return Answer(answer.status, body, answer.headers)


_RULES: dict[str, Rule] = {
    "P-33": _anonymous,
    "P-34": _always_200,
    "P-35": _stale,
    "P-37": _another_target,
    "P-38": _miscounted,
    "P-39": _overlapping,
}
