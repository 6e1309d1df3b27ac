"""Expectations of a stream: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fixtures import tts_streaming as fixtures
from fixtures.expectations import streaming
from rollout_gates.reasons import Reason
from rollout_gates.streams import Doubt, Finding, Judgement, Kind
from rollout_gates.systems.tts.flows.speaking import Start
from rollout_gates.systems.tts.flows.stream import Stream
from rollout_gates.systems.tts.flows.streaming.doors import ForeignStream
from rollout_gates.systems.tts.flows.streaming.failing import FailedStream
from rollout_gates.systems.tts.flows.streaming.fallback import WayBack
from rollout_gates.systems.tts.flows.streaming.hearing import GENERATION, PROVIDER, TASK, Hearing, judged
from rollout_gates.systems.tts.flows.streaming.kept import KeptStream
from rollout_gates.systems.tts.flows.streaming.refused import RefusedStream, UnbegunStream
from rollout_gates.systems.tts.replies import Playback
from rollout_gates.wire import Arrivals, Chunk, CouldNotJudge, End
from sandbox.tts.providers.audio import speech_pcm
from tests.suites.replies import OTHER, UUID, page, refusal, reply
from tests.suites.test_expectations_of_aftermath import DEBIT, FAILED, OBJECT, REFUND, left
from tests.test_sound import mp3

C = "TTS-SMOKE-12"
TEXT = "Good morning, how are you today? It has been a while, and there is much to tell."
SPEECH = mp3(speech_pcm(TEXT))
QWEN, MODAL = SimpleNamespace(is_qwen=True), SimpleNamespace(is_qwen=False)


def stream(body: bytes = SPEECH, *, content_type: str = "audio/mpeg", fault: str | None = None, **headers: str):
    return reply(200, body, content_type=content_type, fault=fault, headers=headers)


def arriving(times, body=SPEECH, end=End.COMPLETE):
    size = len(body) // len(times)
    sizes = [size] * (len(times) - 1) + [len(body) - size * (len(times) - 1)]
    chunks = tuple(Chunk(at, part) for at, part in zip(times, sizes, strict=True))
    return replace(stream(body), arrivals=Arrivals(chunks, 0.2, times[-1] + 0.01, end))


STEADY = [0.3 + 0.05 * number for number in range(40)]
AT_ONCE = [2.3, 2.301]


def hearing(answer=None, *kinds, doubts=(), said=TEXT):
    found = tuple(Finding(kind, f"it is {kind}") for kind in kinds)
    undecided = (Doubt(frozenset(doubts), "it is short"),) if doubts else ()
    return Hearing(said, answer or arriving(STEADY), None, Judgement(found, undecided), UUID, OTHER)


def fails(check, *arguments, match=None):
    with pytest.raises(AssertionError, match=match) as caught:
        check(*arguments)
    assert C in str(caught.value)


def observed(answer=None, generation_id=UUID, listing=None, **more):
    heard = Hearing("said", answer or stream(), generation_id=generation_id)
    return Stream(heard, reply(204, **more), "https://app.example", listing)


def test_a_stream_that_plays():
    streaming.check_plays(stream(), C)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (stream(content_type="audio/wav"), "expected content type audio/mpeg"),
        (stream(b"<html>"), "6 bytes that are no MPEG audio"),
        (stream(b""), "0 bytes that are no MPEG audio"),
        (stream(mp3(bytes(48_000))), "s of silence, expected something to hear"),
        (stream(fault="the body was cut"), "the body was cut, expected a body to its end"),
    ],
)
def test_a_stream_that_does_not_play(answer, words):
    with pytest.raises(AssertionError, match=words):
        streaming.check_plays(answer, C)


@pytest.mark.parametrize("generation_id", [UUID, None])
def test_a_stream_that_is_in_the_history(generation_id):
    listing = page("generations", [{"id": UUID, "text": "said"}])

    streaming.check_in_history(observed(generation_id=generation_id, listing=listing), C)


def test_a_stream_that_is_not_in_the_history():
    listing = page("generations", [{"id": OTHER, "text": "something else"}])

    with pytest.raises(AssertionError, match=f"generation {UUID} among them"):
        streaming.check_in_history(observed(listing=listing), C)
    with pytest.raises(AssertionError, match="never asked for"):
        streaming.check_in_history(observed(reply(503)), C)


# --- how it comes


def test_a_chunked_stream_does_not_say_its_length():
    streaming.check_not_measured_before(stream(), C)

    fails(streaming.check_not_measured_before, stream(**{"content-length": "9"}), C, match="with content-length 9")


def test_a_whole_sound_that_comes_as_it_is_spoken():
    heard = Hearing(TEXT, arriving(STEADY), judgement=judged(arriving(STEADY), TEXT))

    streaming.check_whole(heard, C)
    streaming.check_comes_as_spoken(heard, C)


def test_a_stream_that_was_held_back():
    heard = Hearing(TEXT, arriving(AT_ONCE), judgement=judged(arriving(AT_ONCE), TEXT))

    streaming.check_whole(heard, C)
    fails(streaming.check_comes_as_spoken, heard, C, match="buffered")


def test_a_stream_that_is_not_whole():
    twice = arriving(STEADY, SPEECH + SPEECH)
    heard = Hearing(TEXT, twice, judgement=judged(twice, TEXT))

    fails(streaming.check_whole, heard, C, match="one whole sound")
    fails(streaming.check_whole, hearing(None, Kind.TRUNCATED, Kind.BUFFERED), C, match="it is truncated, expected")
    streaming.check_whole(hearing(None, Kind.DISJOINTED), C)


@pytest.mark.parametrize("kind", [Kind.BUFFERED, Kind.HEAD_BUFFERED, Kind.COALESCED, Kind.STALLED])
def test_each_wrong_pace_is_told(kind):
    fails(streaming.check_comes_as_spoken, hearing(None, kind, Kind.TRUNCATED), C, match=f"it is {kind}, expected")


def test_a_body_that_nobody_can_judge_is_in_doubt():
    huge = replace(stream(bytes(9 * 2**20)), arrivals=Arrivals((), 0.1, 0.2, End.COMPLETE))

    assert judged(huge, TEXT).doubts(Kind.BUFFERED, Kind.UNREADABLE)


def test_what_is_too_short_to_tell_is_not_judged():
    heard = hearing(doubts=[Kind.BUFFERED])

    with pytest.raises(CouldNotJudge, match="it is short") as problem:
        fixtures.decided(heard.judgement.doubts(Kind.BUFFERED))
    assert problem.value.reason is Reason.TOO_FEW_SAMPLES
    fixtures.decided(heard.judgement.doubts(Kind.MIXED))
    with pytest.raises(CouldNotJudge, match="answered 503"):
        fixtures.answered(hearing(reply(503)))
    assert fixtures.answered(heard) is heard


# --- headers

NAMES = {PROVIDER: "qwen", GENERATION: UUID, TASK: OTHER}


def test_the_three_headers():
    streaming.check_names_itself(stream(**NAMES), "qwen", C)
    streaming.check_names_itself(stream(**{**NAMES, TASK: ""}), "qwen", C)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({PROVIDER: "modal"}, "expected 'qwen'"),
        ({PROVIDER: None}, "x-utter-provider: nothing"),
        ({GENERATION: "7"}, "x-utter-generation-id: 7, expected a UUID"),
        ({TASK: None}, "x-utter-task-id: nothing"),
        ({TASK: "7"}, "a UUID, or an empty value"),
    ],
)
def test_a_header_that_is_not_there_or_not_right(change, words):
    given = {name: value for name, value in {**NAMES, **change}.items() if value is not None}

    fails(streaming.check_names_itself, stream(**given), "qwen", C, match=words)


@pytest.mark.parametrize("shown", ["X-Utter-Provider, X-Utter-Generation-Id,X-Utter-Task-Id, X-Request-Id", "*"])
def test_headers_that_a_browser_may_read(shown):
    streaming.check_exposed(stream(**{"access-control-expose-headers": shown}), C)


def test_headers_that_a_browser_may_not_read():
    fails(streaming.check_exposed, stream(), C, match="absent")
    shown = {"access-control-expose-headers": "X-Utter-Provider, X-Utter-Task-Id"}
    fails(streaming.check_exposed, stream(**shown), C, match="expected x-utter-generation-id exposed")


PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "Authorization, Content-Type",
}


def test_a_preflight_that_lets_the_call_through():
    streaming.check_preflight(reply(204, headers=PREFLIGHT), C)


@pytest.mark.parametrize("name", PREFLIGHT)
def test_a_preflight_that_does_not(name):
    fails(streaming.check_preflight, reply(204, headers={**PREFLIGHT, name: ""}), C)
    fails(streaming.check_preflight, reply(404, headers=PREFLIGHT), C, match="204 to a preflight")


# --- what is kept

AUDIO = Playback(reply(302), stream())
THERE = replace(OBJECT, fetched=stream())


def kept(status="completed", **changes):
    return KeptStream(observed(), left(status, **{"route": AUDIO, "objects": (THERE,), **changes}), 24)


def test_a_stream_that_was_completed():
    streaming.check_completed(kept(), C)
    streaming.check_completed(replace(kept(), left=replace(kept().left, task=None)), C)

    fails(streaming.check_completed, kept("processing"), C, match="a completed generation in the end")
    fails(streaming.check_completed, kept(generation="processing"), C, match="generation processing")


def test_the_bytes_that_were_streamed_are_kept():
    streaming.check_kept_as_heard(kept(), C)

    fails(streaming.check_kept_as_heard, kept(route=Playback(refusal(404, "no"))), C, match="audio to play back")
    fails(
        streaming.check_kept_as_heard, kept(route=Playback(reply(302), stream(SPEECH[:-1]))), C, match="audio route has"
    )
    other = replace(OBJECT, fetched=stream(SPEECH + b"."))
    fails(streaming.check_kept_as_heard, kept(objects=(other,)), C, match="that were streamed")
    fails(streaming.check_kept_as_heard, kept(objects=()), C, match="an object in storage")


@pytest.mark.parametrize("ledger", [(), (DEBIT, DEBIT), (DEBIT, REFUND), ({**DEBIT, "signed_amount": -25},)])
def test_a_stream_is_charged_once_and_exactly(ledger):
    streaming.check_charged(kept().left, 24, C)

    fails(streaming.check_charged, kept(ledger=ledger).left, 24, C, match="one debit of 24 credits")


def test_a_stream_at_work_is_not_completed():
    streaming.check_not_completed_yet({"status": "processing"}, stream(), C)

    fails(streaming.check_not_completed_yet, {"status": "completed"}, stream(), C, match="is completed")
    fails(streaming.check_not_completed_yet, {}, stream(), C, match="is None")


def test_one_generation_at_a_time():
    streaming.check_one_at_a_time((refusal(409, "busy"), refusal(409, "busy")), C)

    fails(streaming.check_one_at_a_time, (refusal(409, "busy"), reply(200, {})), C, match="409 beside a stream")


# --- what fails


def test_refusals_in_the_words_of_generate():
    good = RefusedStream("no voice", refusal(400, "Please select a voice"), 400, "Please select a voice")
    streaming.check_refused_streams([good], C)

    fails(streaming.check_refused_streams, [], C, match="nothing was refused")
    for answer in (
        refusal(400, "No."),
        refusal(422, "Please select a voice"),
        reply(400, "<p>", content_type="text/html"),
    ):
        fails(streaming.check_refused_streams, [replace(good, reply=answer)], C, match="no voice: ")


def failed(answer, **changes):
    return FailedStream("it fails", hearing(answer), changes.get("left", FAILED))


def test_a_stream_that_breaks_off():
    streaming.check_broken_off(failed(arriving([0.3], SPEECH[:900], End.BROKEN)), C)
    streaming.check_broken_off(failed(arriving([0.3], SPEECH[:900])), C)
    streaming.check_broken_off(failed(replace(refusal(502, "no"), arrivals=arriving([0.3]).arrivals)), C)

    for end in (End.IDLE, End.OVERTIME):
        fails(
            streaming.check_broken_off, failed(arriving([0.3], SPEECH[:900], end)), C, match="an end of the connection"
        )
    silent = replace(stream(b""), arrivals=Arrivals((), 0.1, 0.2, End.COMPLETE))
    fails(streaming.check_broken_off, failed(silent), C, match="something to hear")
    nowhere = replace(refusal(404, "no"), arrivals=silent.arrivals)
    fails(streaming.check_broken_off, failed(nowhere), C, match="200 and then an end, or an error")


def test_a_stream_that_was_not_begun_leaves_nothing_or_a_refund():
    streaming.check_nothing_lost(UnbegunStream("it fails", refusal(502, "no"), None), C)
    streaming.check_nothing_lost(UnbegunStream("it fails", refusal(502, "no"), FAILED), C)

    fails(streaming.check_nothing_lost, UnbegunStream("it fails", refusal(502, "no"), left("failed")), C)


def test_a_stream_without_a_listener_converges():
    for status in ("completed", "failed", "cancelled"):
        streaming.check_converged(left(status), stream(), C)
    streaming.check_converged(replace(left("failed"), task=None), stream(), C)

    fails(streaming.check_converged, left("processing"), stream(), C, match="a terminal state")
    fails(streaming.check_converged, left("completed", generation="processing"), stream(), C)
    fails(streaming.check_converged, replace(left("failed"), generation=None), stream(), C)


def test_money_fits_the_state():
    streaming.check_money_fits_state(kept().left, stream(), C)
    streaming.check_money_fits_state(FAILED, stream(), C)

    fails(streaming.check_money_fits_state, left("failed"), stream(), C, match="audio that is paid for")
    fails(streaming.check_money_fits_state, left("completed"), stream(), C)
    fails(streaming.check_money_fits_state, kept(ledger=(DEBIT, REFUND)).left, stream(), C)
    fails(streaming.check_money_fits_state, replace(FAILED, objects=(THERE,)), stream(), C)


def test_a_task_does_the_work():
    started = Start("said", reply(200, {}), OTHER, UUID)
    streaming.check_way_back(WayBack("after it", started, kept().left), C)

    fails(
        streaming.check_way_back,
        WayBack("after it", Start("said", refusal(409, "no")), None),
        C,
        match="a task after it",
    )
    fails(streaming.check_way_back, WayBack("after it", started, FAILED), C)


def test_a_stream_that_is_switched_off():
    streaming.check_switched_off(refusal(409, "off"), C)
    streaming.check_switched_off(refusal(404, "off"), C)

    fails(streaming.check_switched_off, stream(), C, match="a refusal")
    fails(streaming.check_switched_off, refusal(401, "off"), C)


# --- who is let in


@pytest.mark.parametrize(
    ("settings", "good", "bad"), [(QWEN, (404,), (200, 401, 409)), (MODAL, (404, 409), (200, 401))]
)
def test_who_is_let_in(settings, good, bad):
    for status in good:
        streaming.check_twin_let_in(refusal(status, "no"), settings, C)
    for status in bad:
        fails(streaming.check_twin_let_in, refusal(status, "no"), settings, C, match="with a good token")


def test_a_stranger_is_kept_out():
    absent = refusal(404, "Voice not found")
    streaming.check_stranger_kept_out(ForeignStream(absent, absent, reply(302)), QWEN, C)

    for status in (200, 401, 409):
        reached = ForeignStream(refusal(status, "x"), absent, reply(302))
        fails(streaming.check_stranger_kept_out, reached, QWEN, C, match="does not exist")
    fails(streaming.check_stranger_kept_out, ForeignStream(absent, absent, reply(404)), QWEN, C, match="for its owner")
    told_apart = ForeignStream(refusal(409, "x"), absent, reply(302))
    fails(streaming.check_stranger_kept_out, told_apart, MODAL, C, match="expected 404, as for")


def test_nothing_changes_where_nothing_is_streamed():
    streaming.check_same_trace((1, ()), (1, ()), refusal(404, "no"), C)

    fails(streaming.check_same_trace, (1, ()), (0, ("g",)), refusal(404, "no"), C, match="no side effect")


# --- the dialogue

VOICE = {"provider_voice_id": "v-1", "provider_target_model": "vc-rt"}
SESSION = {"voice": "v-1", "mode": "server_commit", "response_format": "mp3", "sample_rate": 24_000}
UPDATE, APPEND, FINISH = "session.update", "input_text_buffer.append", "session.finish"


def dialogue(session=SESSION, *, text="text", end=FINISH, model="vc-rt", authorized=True):
    events = [{"type": UPDATE, "session": session}, {"type": APPEND, text: TEXT}, {"type": end}]
    return {"query": {"model": model}, "authorized": authorized, "events": events}


def test_a_dialogue_as_agreed():
    streaming.check_dialogue(dialogue(), VOICE, TEXT, stream(), C)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "which the voice was made for"),
        (dialogue(model="vd-rt"), "model 'vd-rt' in the URL"),
        (dialogue(authorized=False), "without an Authorization header"),
        (dialogue({**SESSION, "voice": "v-2"}), "session.voice = 'v-2'"),
        (dialogue({**SESSION, "response_format": "pcm"}), "session.response_format = 'pcm'"),
        (dialogue({**SESSION, "mode": "commit"}), "session.mode = 'commit'"),
        (dialogue({**SESSION, "sample_rate": 16_000}), "session.sample_rate = 16000"),
        (dialogue(text="delta"), "under 'text'"),
        (dialogue(end="input_text_buffer.clear"), "session.finish as the last one"),
    ],
)
def test_a_dialogue_that_is_not_as_agreed(asked, words):
    fails(streaming.check_dialogue, asked, VOICE, TEXT, stream(), C, match=words)
