"""Expectations of clones, designs and what they cost: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import cloning, designing, replies, spending
from rollout_gates.systems.tts.flows.matrix.cloning import ClonedInParallel, Prepared
from rollout_gates.systems.tts.flows.matrix.design_trouble import FailedPreview
from rollout_gates.systems.tts.flows.matrix.designing import Designed
from rollout_gates.systems.tts.flows.matrix.purse import Purse
from rollout_gates.systems.tts.watching import Watch
from tests.suites.replies import OTHER, UUID, refusal, reply
from tests.suites.test_expectations_of_shapes import settings

C = "TTS-CLONE-03"
RICH = Purse(100, 2, 2)
SAID = {"name": "rollout gate a1 twice", "transcript": "It is said.", "language": "English"}
PREPARED = Prepared(UUID, f"u/{UUID}/reference.wav", SAID, b"RIFF")
MODELS = settings()
ROW = {
    "tts_provider": "qwen",
    "source": "uploaded",
    "provider_voice_kind": "vc",
    "provider_target_model": "vc",
    "reference_object_key": PREPARED.object_key,
    "reference_transcript": "It is said.",
    "provider_voice_id": "p-1",
    "provider_request_id": "r-1",
    "provider_region": "intl",
}


def test_a_whole_clone_passes():
    cloning.check_cloned_row(ROW, PREPARED, MODELS, C)


@pytest.mark.parametrize("name", list(ROW))
def test_a_clone_that_lacks_something_fails(name):
    with pytest.raises(AssertionError, match=name):
        cloning.check_cloned_row({**ROW, name: None}, PREPARED, MODELS, C)


def test_a_clone_that_is_not_stored_fails():
    with pytest.raises(AssertionError, match="is not stored"):
        cloning.check_cloned_row(None, PREPARED, MODELS, C)


def create(name: str = "rollout_gate_a1_", *, authorized: bool = True, **changes: str):
    given = {"action": "create", "target_model": "vc", "preferred_name": name, "text": "It is said.", **changes}
    return {"authorized": authorized, "body": {"model": "qwen-voice-enrollment", "input": given}}


def test_the_create_call():
    cloning.check_clone_call((create(),), PREPARED, "vc", C)

    for calls in ((), (create(), create()), (create(target_model="vd"),), (create(authorized=False),)):
        with pytest.raises(AssertionError):
            cloning.check_clone_call(calls, PREPARED, "vc", C)


def test_the_name_for_the_provider():
    cloning.check_preferred_name((create(),), SAID["name"], C)

    for calls in ((), (create("rollout gate a1 "),), (create("rollout_gate_a1_t"),)):
        with pytest.raises(AssertionError):
            cloning.check_preferred_name(calls, SAID["name"], C)


def test_the_reference_url():
    cloning.check_reference_opens(reply(200, b"RIFF"), b"RIFF", C)

    for heard in (None, reply(400, b"RIFF"), reply(200, b"RIFX")):
        with pytest.raises(AssertionError):
            cloning.check_reference_opens(heard, b"RIFF", C)


def test_a_repeated_finalize():
    cloning.check_replayed(reply(200, {"id": UUID}), UUID, C)

    for answer in (None, reply(409, {"id": UUID}), reply(200, {"id": OTHER})):
        with pytest.raises(AssertionError):
            cloning.check_replayed(answer, UUID, C)


@pytest.mark.parametrize("statuses", [(200, 200), (200, 409)])
def test_parallel_finalizes_with_one_voice_pass(statuses):
    cloning.check_parallel_answers(parallel(*statuses), C)


@pytest.mark.parametrize("statuses", [(409, 409), (200, 500)])
def test_parallel_finalizes_otherwise_fail(statuses):
    with pytest.raises(AssertionError):
        cloning.check_parallel_answers(parallel(*statuses), C)


def parallel(*statuses: int) -> ClonedInParallel:
    return ClonedInParallel(PREPARED, tuple(reply(status) for status in statuses), RICH, RICH, (), (), None)


def test_calls_where_none_are_due():
    cloning.check_no_calls([], "it", C)

    with pytest.raises(AssertionError, match=r"modal:design \(2\)"):
        cloning.check_no_calls(["modal:design", "modal:design"], "it", C)


def test_what_costs_nothing():
    spending.check_cost_nothing([("it", reply(502), RICH, RICH)], C)

    for costs in ([], [("it", reply(502), RICH, replace(RICH, clone_trials=1))]):
        with pytest.raises(AssertionError):
            spending.check_cost_nothing(costs, C)


@pytest.mark.parametrize(("before", "after"), [(RICH, Purse(100, 1, 2)), (Purse(5000, 0, 2), Purse(4000, 0, 2))])
def test_one_clone_charged_passes(before, after):
    spending.check_one_clone_charged(before, after, reply(), C)


@pytest.mark.parametrize(
    ("before", "after"), [(RICH, RICH), (RICH, Purse(100, 0, 2)), (Purse(5000, 0, 2), Purse(3000, 0, 2))]
)
def test_no_clone_or_two_charged_fail(before, after):
    with pytest.raises(AssertionError):
        spending.check_one_clone_charged(before, after, reply(), C)


RESULT = {
    "object_key": "u/preview.wav",
    "provider_voice_id": "p-2",
    "provider_target_model": "vd",
    "provider_voice_kind": "vd",
    "provider_request_id": "r-2",
}
WISHES = {"text": "It is said.", "instruct": "calm", "name": "n", "language": "English"}
VOICE = {
    "tts_provider": "qwen",
    "source": "designed",
    "description": "calm",
    "reference_transcript": "It is said.",
    "provider_voice_kind": "vd",
    "provider_target_model": "vd",
    "provider_voice_id": "p-2",
    "reference_object_key": "u/preview.wav",
    "provider_region": "intl",
    "provider_metadata": {"design_preview_task_id": UUID},
}
DONE = Watch(UUID, (reply(200, {"status": "completed"}),), True, 1.0)
DESIGNED = Designed(WISHES, DONE, {"result": RESULT}, voice=VOICE)


def test_a_whole_design_passes():
    designing.check_preview_result(DESIGNED, MODELS, C)
    designing.check_designed_row(DESIGNED, MODELS, C)


@pytest.mark.parametrize("name", list(RESULT))
def test_a_preview_that_lacks_something_fails(name):
    with pytest.raises(AssertionError, match=name):
        designing.check_preview_result(replace(DESIGNED, task={"result": {**RESULT, name: None}}), MODELS, C)


@pytest.mark.parametrize("name", list(VOICE))
def test_a_design_that_lacks_something_fails(name):
    with pytest.raises(AssertionError, match=name):
        designing.check_designed_row(replace(DESIGNED, voice={**VOICE, name: None}), MODELS, C)


def test_repeated_saves():
    same = (reply(200, {"id": UUID}), reply(200, {"id": UUID}))
    designing.check_one_voice(same, [VOICE], C)

    for replies_, voices in (
        (same[:1], [VOICE]),
        (same, [VOICE, VOICE]),
        ((same[0], reply(200, {"id": OTHER})), [VOICE]),
        ((same[0], reply(409)), [VOICE]),
    ):
        with pytest.raises(AssertionError):
            designing.check_one_voice(replies_, voices, C)


def test_parallel_saves():
    designing.check_some_saved([reply(200), reply(409)], C)

    for answers in ([reply(409)], [reply(200), reply(500)]):
        with pytest.raises(AssertionError):
            designing.check_some_saved(answers, C)


def failed(status: str, error: str | None) -> FailedPreview:
    watch = Watch(UUID, (reply(200, {"status": status, "error": error}),), True, 1.0)
    return FailedPreview("a 500", "trial", watch, RICH, RICH, RICH)


def test_failed_previews():
    designing.check_previews_failed([failed("failed", "It failed.")], C)

    for seen in ([], [failed("completed", None)], [failed("failed", None)]):
        with pytest.raises(AssertionError):
            designing.check_previews_failed(seen, C)


def test_audio_of_a_preview():
    designing.check_audio([reply(200, b"RIFF...."), reply(200, b"ID3")], C)

    for samples in ([], [None], [reply(404, b"RIFF")], [reply(200, b'{"status": "running"}')]):
        with pytest.raises(AssertionError):
            designing.check_audio(samples, C)


def test_a_refusal_for_one_of_several_reasons():
    replies.check_refused_for(refusal(400, "b"), 400, ("a", "b"), C)
    replies.check_refused_for(reply(400, "<p>b</p>", content_type="text/html"), 400, ("a",), C)

    for answer in (refusal(400, "c"), refusal(404, "a"), reply(200, {})):
        with pytest.raises(AssertionError):
            replies.check_refused_for(answer, 400, ("a", "b"), C)


def test_one_status_of_all():
    replies.check_statuses([("a", reply(502)), ("b", reply(502))], 502, C)

    for answers in ([], [("a", reply(502)), ("b", reply(200))]):
        with pytest.raises(AssertionError):
            replies.check_statuses(answers, 502, C)
