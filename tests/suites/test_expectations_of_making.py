"""Expectations of what is made: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import making
from rollout_gates.systems.tts.replies import Playback
from rollout_gates.systems.tts.watching import Watch
from tests.suites.replies import UUID, page, reply
from tests.suites.test_expectations_of_shapes import VOICE, settings

C = "TTS-SMOKE-05"
QWEN = {**VOICE, "tts_provider": "qwen", "provider_voice_id": "p-1", "provider_target_model": "vc"}


def watch(*statuses: str, ended: bool = True) -> Watch:
    return Watch(UUID, tuple(reply(200, {"status": status}) for status in statuses), ended, 2.0)


def heard(body: bytes = b"RIFF", status: int = 200, fault: str | None = None) -> Playback:
    return Playback(reply(302), reply(status, body, content_type="audio/wav", fault=fault))


def test_a_task_that_ended_as_it_should_passes():
    making.check_ended(watch("pending", "completed"), "completed", C)


@pytest.mark.parametrize("seen", [watch("pending", "failed"), watch("processing", ended=False)])
def test_a_task_that_ended_otherwise_fails_with_its_way(seen):
    with pytest.raises(AssertionError, match=" > ".join(seen.statuses)):
        making.check_ended(seen, "completed", C)


def test_a_task_that_never_began_fails():
    with pytest.raises(AssertionError, match="no task was begun"):
        making.check_ended(None, "completed", C)
    with pytest.raises(AssertionError, match="no task was begun"):
        making.check_in_time(None, 0.0, 1.0, C)


def test_a_task_in_time():
    making.check_in_time(watch("completed"), 2.0, 2.0, C)

    with pytest.raises(AssertionError, match=r"one after 2\.1 s, expected an end within 2 s"):
        making.check_in_time(watch("completed"), 2.1, 2.0, C)


def test_bytes_that_are_heard_pass():
    making.check_heard(heard(), "it", C)


@pytest.mark.parametrize(
    "playback",
    [
        None,
        Playback(reply(404, {"detail": "x"})),
        heard(b""),
        heard(b"x", 404),
        heard(b"x", fault="the connection was lost after 1 of 2 bytes"),
    ],
)
def test_bytes_that_are_not_heard_fail(playback):
    with pytest.raises(AssertionError):
        making.check_heard(playback, "it", C)


def test_fetched_bytes():
    making.check_bytes(reply(200, b"x"), "it", C)

    with pytest.raises(AssertionError, match="no address"):
        making.check_bytes(None, "it", C)
    with pytest.raises(AssertionError, match="without any"):
        making.check_bytes(reply(200), "it", C)
    with pytest.raises(AssertionError, match="returned 403"):
        making.check_bytes(reply(403, b"x"), "it", C)


def test_the_same_bytes_twice():
    making.check_same_bytes(heard(b"ab"), heard(b"ab"), C)


@pytest.mark.parametrize(
    ("first", "second"),
    [(heard(b"ab"), heard(b"ac")), (heard(b""), heard(b"")), (heard(), None), (None, None)],
)
def test_other_bytes_or_none_fail(first, second):
    with pytest.raises(AssertionError):
        making.check_same_bytes(first, second, C)


@pytest.mark.parametrize(
    ("row", "mode"),
    [
        (QWEN, "qwen"),
        (VOICE, "modal"),
        ({name: value for name, value in QWEN.items() if name != "provider_target_model"}, "qwen"),
    ],
)
def test_a_voice_of_the_active_provider_passes(row, mode):
    making.check_voice_row(row, page("voices", [row]), settings(provider_mode=mode), C)


@pytest.mark.parametrize(
    "row",
    [
        None,
        {**QWEN, "tts_provider": "modal"},
        {**QWEN, "provider_voice_id": None},
        {**QWEN, "provider_voice_id": ""},
        {**QWEN, "provider_target_model": None},
        {**QWEN, "provider_target_model": "vd"},
    ],
)
def test_a_voice_that_cannot_speak_fails(row):
    with pytest.raises(AssertionError):
        making.check_voice_row(row, page("voices", []), settings(), C)


def test_a_list_that_was_never_asked_for_fails():
    with pytest.raises(AssertionError, match="never listed"):
        making.check_voice_row(VOICE, None, settings(), C)
    with pytest.raises(AssertionError, match="never listed"):
        making.check_row_status({"status": "completed"}, None, "completed", C)


def test_a_row_with_its_status():
    making.check_row_status({"status": "cancelled"}, page("generations", []), "cancelled", C)

    with pytest.raises(AssertionError, match="'processing'"):
        making.check_row_status({"status": "processing"}, page("generations", []), "cancelled", C)
    with pytest.raises(AssertionError, match="without it"):
        making.check_row_status(None, page("generations", []), "cancelled", C)


def test_a_task_with_its_status():
    making.check_task_status(reply(200, {"status": "cancelled"}), "cancelled", C)

    with pytest.raises(AssertionError):
        making.check_task_status(reply(200, {"status": "processing"}), "cancelled", C)
    with pytest.raises(AssertionError, match="never asked for"):
        making.check_task_status(None, "cancelled", C)
