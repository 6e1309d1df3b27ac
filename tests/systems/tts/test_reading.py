"""Names, samples and the reading of answers: small functions, each at its edges."""

from __future__ import annotations

import io
import wave

import pytest

from rollout_gates.systems.tts import replies, samples
from rollout_gates.systems.tts.names import TIER_1, TIER_2, TIER_3, tier_of
from rollout_gates.systems.tts.watching import Watch
from tests.suites.replies import UUID, reply

API = "https://p.example/functions/v1/api"


@pytest.mark.parametrize(
    ("method", "path", "tier"),
    [
        ("POST", "/generate", TIER_1),
        ("post", "/clone/upload-url", TIER_1),
        ("POST", "/voices/design", TIER_1),
        ("GET", "/generate", TIER_3),
        ("GET", "/tasks/x", TIER_2),
        ("HEAD", "/tasks/x", TIER_3),
        ("DELETE", "/tasks/x", TIER_2),
        ("POST", "/tasks/x/cancel", TIER_2),
        ("POST", "/tasks/x", TIER_3),
        ("GET", "/tasks", TIER_3),
        ("GET", "/voices?search=x", TIER_3),
        ("POST", "/webhooks/stripe", TIER_3),
        ("GET", "/nowhere", TIER_3),
        ("GET", "/health", None),
        ("HEAD", "/health", None),
        ("OPTIONS", "/generate", None),
        ("GET", "", None),
    ],
)
def test_a_call_belongs_to_the_tier_of_section_4(method, path, tier):
    assert tier_of(method, path) == tier


@pytest.mark.parametrize("length", [1, 2, 21, 22, 23, 24, 25, 600, 10_000])
def test_a_text_has_exactly_the_length_asked_for(length):
    said = samples.characters(length)

    assert samples.utf16_units(said) == len(said) == length
    assert said == said.strip()


def test_texts_of_a_run_are_found_by_its_tag():
    run_id = "20260301T120000Z-a1b2c3"

    assert samples.spoken(run_id, "Cancel", 24) != samples.spoken(run_id, "Cancel", 48)
    assert all("a1b2c3" in text for text in (samples.spoken(run_id, "Cancel", 24), samples.spoken(run_id, "Speech")))
    assert "a1b2c3" in samples.voice_name(run_id, "clone")
    assert not set("%_*") & set(samples.voice_name(run_id, "clone"))


@pytest.mark.parametrize("units", [1, 2, 599, 600, 601])
def test_wide_text_is_counted_in_units(units):
    said = samples.wide_characters(units)

    assert samples.utf16_units(said) == units
    assert len(said) == units - units // 2


def test_the_clip_is_speech_as_the_provider_wants_it():
    clip = samples.reference_clip()

    with wave.open(io.BytesIO(clip.audio)) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getframerate()) == (1, 2, 24_000)
        assert 3 < found.getnframes() / found.getframerate() < 60
    assert len(clip.audio) < 1_000_000
    assert clip.transcript


@pytest.mark.parametrize("body", ["<html>", "[1]", "null", "3", b"\xff\x00"])
def test_what_is_no_object_is_read_as_an_empty_one(body):
    assert replies.json_object(reply(200, body)) == {}
    assert replies.json_object(None) == {}
    assert replies.rows(reply(200, body), "voices") == ()
    assert replies.detail(reply(200, body)) is None


def test_a_renamed_member_is_still_found():
    assert replies.value({"task_id": 1, "taskId": 2}, "task_id") == 1
    assert replies.value({"taskId": 2}, "task_id") == 2
    assert replies.value({"task": 2}, "task_id") is None
    assert replies.text({"task_id": ""}, "task_id") is None
    assert replies.text({"task_id": 7}, "task_id") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/api/generations/1/audio", f"{API}/generations/1/audio"),
        ("/api", API),
        ("/apiary", "https://p.example/apiary"),
        ("/storage/v1/x?token=t", "https://p.example/storage/v1/x?token=t"),
        ("https://cdn.example/x", "https://cdn.example/x"),
        ("sibling", f"{API}/tasks/sibling"),
    ],
)
def test_an_address_out_of_an_answer_is_made_absolute(url, expected):
    assert replies.absolute(url, api_url=API, answered=f"{API}/tasks/1") == expected


@pytest.mark.parametrize(
    ("status", "body", "over"),
    [
        (200, {"status": "pending"}, False),
        (200, {"status": "processing"}, False),
        (200, {"status": "completed"}, True),
        (200, {"status": "nonsense"}, True),
        (200, "<html>", True),
        (404, {"detail": "x"}, True),
        (401, {"detail": "x"}, True),
        (500, {"detail": "x"}, False),
        (503, "<html>", False),
        (429, {"detail": "x"}, False),
    ],
)
def test_waiting_is_over_when_a_later_answer_could_not_mend_it(status, body, over):
    assert replies.is_terminal(reply(status, body)) is over


def test_a_watch_tells_each_change_once():
    words = ("pending", "pending", "processing", "completed")
    watch = Watch(UUID, (*(reply(200, {"status": word}) for word in words[:3]), reply(500), reply(200, {"status": words[3]})), True, 1.0)  # fmt: skip

    assert watch.statuses == ("pending", "processing", "500", "completed")
    assert watch.status == "completed"
    assert len(watch.active) == 3
    assert watch.terminal is watch.last


@pytest.mark.parametrize(
    ("word", "is_one"), [(UUID, True), (UUID.upper(), True), ("x", False), (None, False), (7, False)]
)
def test_a_uuid_is_recognised(word, is_one):
    assert replies.is_uuid(word) is is_one
