"""Expectations of the mode switch: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import modes
from rollout_gates.systems.tts.flows.matrix.flipping import Traffic
from rollout_gates.systems.tts.flows.matrix.misconfiguring import Configured, Modelled, Regions, Spelling
from rollout_gates.systems.tts.flows.matrix.seeds import SeededVoice, SeededVoices
from rollout_gates.systems.tts.watching import Watch
from tests.suites.replies import OTHER, UUID, page, refusal, reply

C = "TTS-MODE-02"
OK = reply(200, {})


def asked(*calls: str) -> tuple[dict[str, object], ...]:
    return tuple({"call": call} for call in calls)


QWEN = Traffic(
    "qwen", "task", OK, OK, OK, {"dashscope": asked("clone_create", "design_create", "synthesis"), "modal": ()}
)
MODAL = Traffic("modal", "task", OK, OK, OK, {"dashscope": (), "modal": asked("design", "submit", "status")})


@pytest.mark.parametrize(
    "seen",
    [
        QWEN,
        MODAL,
        replace(QWEN, asked={**QWEN.asked, "dashscope": asked("clone_create", "design_create", "realtime_session")}),
        replace(QWEN, generate=reply(409), asked={**QWEN.asked, "dashscope": asked("clone_create", "design_create")}),
    ],
)
def test_calls_to_the_provider_of_the_mode_pass(seen):
    modes.check_traffic(seen, C)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (replace(QWEN, asked={**QWEN.asked, "modal": asked("design")}), "modal was asked for {'design': 1}"),
        (replace(MODAL, asked={**MODAL.asked, "dashscope": asked("clone_create")}), "dashscope was asked for"),
        (replace(QWEN, asked={**QWEN.asked, "dashscope": asked("clone_create", "synthesis")}), "for the preview"),
        (replace(MODAL, asked={**MODAL.asked, "modal": asked("design")}), "for the generate"),
    ],
)
def test_calls_astray_fail(seen, told):
    with pytest.raises(AssertionError, match=told):
        modes.check_traffic(seen, C)


def test_the_provider_that_languages_names():
    modes.check_provider(reply(200, {"provider": "qwen"}), "qwen", C)

    for bad in (reply(200, {"provider": "modal"}), reply(500, {"provider": "qwen"}), reply(200, {})):
        with pytest.raises(AssertionError, match="expected"):
            modes.check_provider(bad, "qwen", C)


@pytest.mark.parametrize("times", [0, None])
def test_a_voice_that_is_refused_unasked_passes(times):
    modes.check_refused_voice(SeededVoice("x", {}, refusal(409, "no"), times), "no", C)


@pytest.mark.parametrize(
    "voice",
    [
        SeededVoice("x", {}, reply(200, {}), 0),
        SeededVoice("x", {}, refusal(409, "other"), 0),
        SeededVoice("x", {}, refusal(409, "no"), 1),
    ],
)
def test_a_voice_that_gets_through_fails(voice):
    with pytest.raises(AssertionError):
        modes.check_refused_voice(voice, "no", C)


def listed(*rows: dict[str, object], made: tuple[tuple[str, str], ...] = ((UUID, "qwen"), (OTHER, "modal"))):
    return SeededVoices({}, rows, made, page("voices", list(rows)))


def test_a_list_with_both_providers():
    mine, other = {"id": UUID, "tts_provider": "qwen"}, {"id": OTHER, "tts_provider": "modal"}
    modes.check_both_listed(listed(mine, other), "TTS-MODE-09")

    for seen in (listed(mine), listed(mine, {**other, "tts_provider": "qwen"}), listed(mine, made=((UUID, "qwen"),))):
        with pytest.raises(AssertionError):
            modes.check_both_listed(seen, "TTS-MODE-09")


def test_a_mistyped_mode():
    fixed = refusal(500, "Invalid TTS_PROVIDER_MODE: quen. Expected one of: modal, qwen")
    modes.check_wrong_mode((fixed, fixed), "quen", "TTS-MODE-06")

    for answers in ((fixed, reply(200, {})), (refusal(500, "Something else"), fixed)):
        with pytest.raises(AssertionError):
            modes.check_wrong_mode(answers, "quen", "TTS-MODE-06")


def test_spellings_of_the_mode():
    qwen, modal = refusal(400, modes.SAVE_WITHOUT["qwen"]), refusal(400, modes.SAVE_WITHOUT["modal"])
    modes.check_spelling([Spelling("QWEN", "qwen", OK, qwen), Spelling(None, "modal", OK, modal)], "TTS-MODE-08")

    for wrong in ([], [Spelling("QWEN", "qwen", OK, modal)], [Spelling(None, "modal", OK, refusal(500, "Invalid"))]):
        with pytest.raises(AssertionError):
            modes.check_spelling(wrong, "TTS-MODE-08")


@pytest.mark.parametrize(
    "bad", [{"status": "failed", "provider": "qwen"}, {"status": "completed", "provider": "modal"}]
)
def test_work_across_a_flip(bad):
    def watch(answer):
        return Watch(UUID, (reply(200, answer),), True, 1.0)

    modes.check_survived(watch({"status": "completed", "provider": "qwen"}), "qwen", "TTS-MODE-10")
    with pytest.raises(AssertionError):
        modes.check_survived(watch(bad), "qwen", "TTS-MODE-10")


def configured(advertised: int, enforced: int) -> Configured:
    languages = reply(200, {"capabilities": {"max_text_chars": advertised}})
    return Configured("77", 77, languages, refusal(400, f"Text cannot exceed {enforced} characters"))


def test_one_cap_everywhere():
    modes.check_cap_agrees([configured(77, 77)], "TTS-MODE-14")

    unbounded = replace(configured(77, 77), refused=reply(404, {"detail": "Voice not found"}))
    for wrong in ([], [configured(600, 77)], [configured(77, 600)], [unbounded]):
        with pytest.raises(AssertionError):
            modes.check_cap_agrees(wrong, "TTS-MODE-14")


def test_models_as_configured():
    modes.check_models([Modelled("a clone", "vc", "vc"), Modelled("a design", None, "vd")], "TTS-MODE-14")

    for wrong in ([], [Modelled("a clone", "other", "vc")], [Modelled("a clone", "vc", None)]):
        with pytest.raises(AssertionError):
            modes.check_models(wrong, "TTS-MODE-14")


SERVED = Regions(OK, {"provider_region": "cn"}, ({"authorized": True, "status": 200},), reply(502), None, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"asked": ()},
        {"asked": ({"authorized": False, "status": 200},)},
        {"asked": ({"authorized": True, "status": 401},)},
        {"row": {"provider_region": "intl"}},
    ],
)
def test_the_configured_region(wrong):
    modes.check_region(SERVED, "TTS-MODE-13")
    modes.check_region(replace(SERVED, row=None), "TTS-MODE-13")

    with pytest.raises(AssertionError):
        modes.check_region(replace(SERVED, **wrong), "TTS-MODE-13")
