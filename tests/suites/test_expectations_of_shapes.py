"""Expectations of forms and capabilities: where each passes, and where it fails."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.expectations import capabilities, shapes
from rollout_gates.systems.tts import Settings
from rollout_gates.wire import BadAnswer
from tests.suites.replies import UUID, page, reply

C = "TTS-CON-02"
GENERATE = {
    "task_id": UUID,
    "status": "processing",
    "is_long_running": True,
    "estimated_duration_minutes": 0.1,
    "generation_id": UUID,
}
TASK = {
    "id": UUID,
    "type": "generate",
    "status": "processing",
    "error": None,
    "provider": "qwen",
    "provider_status": "provider_submitting",
    "provider_poll_count": 0,
    "modal_status": None,
    "modal_elapsed_seconds": None,
    "modal_poll_count": 0,
}
VOICE = {
    "id": UUID,
    "name": "n",
    "reference_transcript": None,
    "language": "English",
    "source": "uploaded",
    "description": None,
    "created_at": "2026-03-01T12:00:00Z",
    "tts_provider": "modal",
    "provider_voice_id": None,
    "provider_target_model": None,
    "provider_voice_kind": None,
}
CAPABILITIES = {
    "supports_generate": True,
    "supports_generate_stream": False,
    "default_generate_mode": "task",
    "allow_generate_mode_toggle": False,
    "max_text_chars": 600,
}


def without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def settings(**changes: Any) -> Settings:
    urls = {f"{name}_url": f"https://target.example/{name}" for name in ("api", "auth", "data", "storage")}
    table = {**urls, "provider_mode": "qwen", "lane": "task", "text_cap": 600, "vc_model": "vc", "vd_model": "vd"}
    return Settings.model_validate({**table, **changes})


def test_the_five_fields_of_generate_pass():
    shapes.check_shapes([reply(200, GENERATE)], shapes.GENERATE, C)


@pytest.mark.parametrize(
    "body",
    [
        *(without(GENERATE, name) for name in GENERATE),
        {**GENERATE, "more": 1},
        {**GENERATE, "task_id": "x"},
        {**GENERATE, "status": "pending"},
        {**GENERATE, "is_long_running": "true"},
        {**GENERATE, "estimated_duration_minutes": "0.1"},
    ],
)
def test_another_form_of_generate_fails(body):
    with pytest.raises(AssertionError, match=r"another form at \$"):
        shapes.check_shapes([reply(200, GENERATE), reply(200, body)], shapes.GENERATE, C)


def test_what_is_no_json_is_the_targets_mistake():
    with pytest.raises(BadAnswer):
        shapes.check_shapes([reply(200, "<html>")], shapes.GENERATE, C)


@pytest.mark.parametrize(
    "body",
    [TASK, {**TASK, "result": {"audio_url": "/api/x"}, "status": "completed"}, {**TASK, "more": 1}],
)
def test_a_task_with_its_fields_passes(body):
    shapes.check_shapes([reply(200, body)], shapes.task_of("qwen", active=True), C)


@pytest.mark.parametrize(
    "body",
    [
        *(without(TASK, name) for name in TASK),
        {**TASK, "result": None},
        {**TASK, "provider": "modal"},
        {**TASK, "provider_status": None},
        {**TASK, "modal_status": "running"},
        {**TASK, "modal_poll_count": 1},
        {**TASK, "provider_poll_count": "0"},
    ],
)
def test_a_task_at_work_with_qwen_says_what_it_does_and_nothing_of_modal(body):
    with pytest.raises(AssertionError):
        shapes.check_shapes([reply(200, body)], shapes.task_of("qwen", active=True), C)


def test_an_ended_task_may_say_nothing_of_its_provider():
    shapes.check_shapes([reply(200, {**TASK, "provider_status": None})], shapes.task_of("qwen", active=False), C)


def test_a_task_with_modal_has_its_own_words():
    body = {**TASK, "provider": "modal", "provider_status": None, "modal_status": "running", "modal_poll_count": 3}

    shapes.check_shapes([reply(200, body)], shapes.task_of("modal", active=True), C)
    with pytest.raises(AssertionError):
        shapes.check_shapes([reply(200, TASK)], shapes.task_of("modal", active=True), C)


def test_voices_with_eleven_fields_pass():
    shapes.check_shapes([page("voices", [VOICE, {**VOICE, "more": 1}])], shapes.VOICES, C)
    assert len(shapes.VOICE["required"]) == 11


@pytest.mark.parametrize("row", [*(without(VOICE, name) for name in VOICE), {**VOICE, "source": "stolen"}])
def test_a_voice_of_another_form_fails(row):
    with pytest.raises(AssertionError):
        shapes.check_shapes([page("voices", [VOICE, row])], shapes.VOICES, C)


def test_voices_without_paging_fail():
    with pytest.raises(AssertionError, match="pagination"):
        shapes.check_shapes([reply(200, {"voices": [VOICE]})], shapes.VOICES, C)


def usage(**changes: Any) -> dict[str, Any]:
    event = {
        "id": 1, "event_kind": "debit", "operation": "generate", "amount": 5, "signed_amount": -5, "balance_after": 95,
        "reference_type": "generation", "reference_id": None, "metadata": {}, "created_at": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    actions = ("Generate speech", "Voice design preview", "Voice clone")
    return {
        "credit_unit": "1 credit = 1 character",
        "window_days": 30,
        "plan": {"tier": "free"},
        "balance": 95,
        "trials": {"design_remaining": 2, "clone_remaining": 2},
        "usage": {"debited": 5, "credited": 0, "net": -5},
        "rate_card": [{"action": action, "cost": "1", "note": "n"} for action in actions],
        "events": [event],
        **changes,
    }


def test_usage_with_all_its_parts_passes():
    shapes.check_shapes([reply(200, usage()), reply(200, usage(events=[]))], shapes.USAGE, C)


@pytest.mark.parametrize(
    "body",
    [
        *(without(usage(), name) for name in usage()),
        usage(balance="95"),
        usage(window_days=0),
        usage(events=[{"id": 1}]),
        usage(rate_card=usage()["rate_card"][:2]),
    ],
)
def test_usage_of_another_form_fails(body):
    with pytest.raises(AssertionError):
        shapes.check_shapes([reply(200, body)], shapes.USAGE, C)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, CAPABILITIES),
        ({"text_cap": 100}, CAPABILITIES),
        ({"provider_mode": "modal"}, {**CAPABILITIES, "max_text_chars": 10000}),
        ({"lane": "realtime", "provider_mode": "modal"}, {**CAPABILITIES, "max_text_chars": 10000}),
        (
            {"lane": "realtime"},
            {
                "supports_generate_stream": True,
                "default_generate_mode": "stream",
                "allow_generate_mode_toggle": True,
            },
        ),
    ],
)
def test_capabilities_of_mode_and_lane_pass(changes, found):
    capabilities.check_capabilities(reply(200, {"capabilities": found}), settings(**changes), C)


@pytest.mark.parametrize(
    "found",
    [
        None,
        {},
        *(without(CAPABILITIES, name) for name in CAPABILITIES),
        {**CAPABILITIES, "supports_generate_stream": True},
        {**CAPABILITIES, "supports_generate": 1},
        {**CAPABILITIES, "default_generate_mode": "stream"},
        {**CAPABILITIES, "max_text_chars": 10000},
        {**CAPABILITIES, "max_text_chars": "600"},
        {**CAPABILITIES, "max_text_chars": True},
    ],
)
def test_capabilities_of_another_mode_fail(found):
    with pytest.raises(AssertionError, match="provider_mode qwen, lane task"):
        capabilities.check_capabilities(reply(200, {"capabilities": found}), settings(), C)


def test_the_cap_of_qwen_fails_in_modal():
    with pytest.raises(AssertionError, match="expected 10000"):
        capabilities.check_capabilities(reply(200, {"capabilities": CAPABILITIES}), settings(provider_mode="modal"), C)


@pytest.mark.parametrize("found", [601, "600", None, 600.5])
def test_the_advertised_cap_is_the_configured_one(found):
    capabilities.check_advertised_cap(reply(200, {"capabilities": CAPABILITIES}), 600, C)

    with pytest.raises(AssertionError, match="as configured"):
        capabilities.check_advertised_cap(reply(200, {"capabilities": {"max_text_chars": found}}), 600, C)
