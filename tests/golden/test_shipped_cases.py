"""The cases that come with the project: complete, unique, within the limits of the system, and free of charge."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from rollout_gates import golden
from rollout_gates.golden.schemas import compiled
from rollout_gates.systems.tts import GOLDEN_NAMES
from tests.golden.making import SHIPPED

MODES = ("modal", "qwen")
ENDPOINTS = (
    "languages",
    "generate",
    "clone/upload-url",
    "clone/finalize",
    "design/preview",
    "voices",
    "tasks",
    "generations",
)
TIER_1 = (
    "/generate",
    "/clone/upload-url",
    "/clone/finalize",
    "/voices/design/preview",
    "/voices/design",
    "/billing/checkout",
    "/transcriptions",
)
MOST_TIER_1_CALLS_A_FOLDER = 16
MOST_TIER_3_CALLS = 110
CASES = golden.load_cases(SHIPPED, ["tts"], names={"tts": GOLDEN_NAMES})
FILES = [file for file in sorted(SHIPPED.rglob("*.json")) if file.name != "payload.schema.json"]
SCHEMAS = sorted((SHIPPED / "tts/schemas").iterdir())
UUID = "0c5b1e5a-2b9e-4a57-9a41-6f1f6f0a1b2c"
TIME = "2026-02-26T15:30:00.123456+00:00"
PAGING = {"page": 1, "per_page": 20, "total": 1, "pages": 1}
VOICE = {
    "id": UUID,
    "name": "A voice",
    "reference_transcript": None,
    "language": "Auto",
    "source": "uploaded",
    "description": None,
    "created_at": TIME,
    "tts_provider": "modal",
    "provider_voice_id": None,
    "provider_target_model": None,
    "provider_voice_kind": None,
}
GENERATION = {
    "id": UUID,
    "voice_id": None,
    "voice_name": None,
    "text": "Hello",
    "audio_path": "/api/x",
    "duration_seconds": None,
    "language": "Auto",
    "status": "completed",
    "generation_time_seconds": 1.5,
    "error_message": None,
    "created_at": TIME,
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
CAPABILITIES = {
    "supports_generate": True,
    "supports_generate_stream": False,
    "default_generate_mode": "task",
    "allow_generate_mode_toggle": False,
    "max_text_chars": 600,
}
PROFILE = {
    "id": UUID,
    "handle": None,
    "display_name": None,
    "avatar_url": None,
    "subscription_tier": "free",
    "credits_remaining": 100,
    "created_at": TIME,
    "updated_at": TIME,
}
EVENT = {
    "id": 1,
    "event_kind": "debit",
    "operation": "generate",
    "amount": 5,
    "signed_amount": -5,
    "balance_after": 95,
    "reference_type": "generation",
    "reference_id": UUID,
    "metadata": {},
    "created_at": TIME,
}
RATES = [
    {"action": action, "cost": "1", "note": ""} for action in ("Generate speech", "Voice design preview", "Voice clone")
]
GOOD = {
    "detail": {"detail": "no"},
    "pagination": PAGING,
    "languages": {
        "languages": ["Auto"],
        "default": "Auto",
        "provider": "qwen",
        "capabilities": CAPABILITIES,
        "transcription": {"enabled": False, "provider": "mistral", "model": "voxtral"},
    },
    "generate": {
        "task_id": UUID,
        "status": "processing",
        "is_long_running": True,
        "estimated_duration_minutes": 0.1,
        "generation_id": UUID,
    },
    "upload-url": {"voice_id": UUID, "upload_url": "http://x/y", "object_key": f"{UUID}/{UUID}/reference.wav"},
    "voices": {"voices": [VOICE], "pagination": PAGING},
    "generations": {"generations": [GENERATION], "pagination": PAGING},
    "task": TASK,
    "me": {"signed_in": True, "user": {"id": UUID}, "profile": PROFILE},
    "credits-usage": {
        "credit_unit": "1 credit = 1 character",
        "window_days": 30,
        "plan": {"tier": "free"},
        "balance": 95,
        "trials": {"design_remaining": 2, "clone_remaining": 2},
        "usage": {"debited": 5, "credited": 0, "net": -5},
        "rate_card": RATES,
        "events": [EVENT],
    },
}
BAD = [
    ("detail", {"detail": ""}),
    ("detail", {"error": "no"}),
    ("pagination", PAGING | {"per_page": 101}),
    ("pagination", PAGING | {"pages": 0}),
    ("languages", GOOD["languages"] | {"provider": "other"}),
    ("languages", GOOD["languages"] | {"capabilities": {}}),
    ("generate", GOOD["generate"] | {"sixth": 1}),
    ("generate", {key: value for key, value in GOOD["generate"].items() if key != "generation_id"}),
    ("generate", GOOD["generate"] | {"estimated_duration_minutes": "0.1"}),
    ("upload-url", GOOD["upload-url"] | {"object_key": "reference.wav"}),
    (
        "voices",
        {
            "voices": [{key: value for key, value in VOICE.items() if key != "provider_voice_kind"}],
            "pagination": PAGING,
        },
    ),
    ("voices", {"voices": [VOICE | {"name": None}], "pagination": PAGING}),
    ("voices", {"voices": [VOICE], "pagination": {}}),
    ("generations", {"generations": [GENERATION | {"status": "done"}], "pagination": PAGING}),
    ("task", {key: value for key, value in TASK.items() if key != "modal_status"}),
    ("task", TASK | {"provider_status": None}),
    ("task", TASK | {"modal_poll_count": 3}),
    ("me", GOOD["me"] | {"profile": None}),
    ("credits-usage", GOOD["credits-usage"] | {"rate_card": RATES[:2] * 2}),
    ("credits-usage", GOOD["credits-usage"] | {"window_days": 0}),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_has_valid_and_invalid_cases_in_both_modes(endpoint, mode):
    cases = [case for case in CASES if case.folder == endpoint and case.collected(mode, {"lane": "task"})]
    kinds = Counter(case.archetype for case in cases)

    assert len(cases) >= 8
    assert kinds["valid"]
    assert kinds["invalid"]


@pytest.mark.parametrize(
    "clause",
    [
        "TTS-SMOKE-07",
        "TTS-SMOKE-09",
        "TTS-CAP-01",
        "TTS-CAP-02",
        "TTS-CAP-04",
        *(f"TTS-CON-{n:02}" for n in range(1, 11)),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_each_clause_of_requests_and_answers_has_a_case(clause, mode):
    assert [case.id for case in CASES if clause in case.clauses and case.collected(mode, {"lane": "task"})]


@pytest.mark.parametrize("known_red", ["TTS-CON-05", "TTS-CON-06", "TTS-CON-07", "TTS-CON-10"])
def test_a_clause_that_the_reference_build_fails_drags_no_other_along(known_red):
    assert [case.id for case in CASES if known_red in case.clauses and len(case.clauses) > 1] == []


def test_no_case_costs_anything():
    assert [case.id for case in CASES if case.billable] == []


def test_what_is_denied_is_denied_beside_a_twin_that_gets_through():
    alone = [case.id for case in CASES if case.archetype == "denied" and case.twin is None]

    assert alone == []


def test_a_folder_stays_below_the_limit_of_one_user():
    by_users = [case for case in CASES if case.request and case.actor != "anon"]
    calls = Counter(case.folder for case in by_users if case.request.method == "POST" and case.request.path in TIER_1)

    assert all(number <= MOST_TIER_1_CALLS_A_FOLDER for number in calls.values()), calls


def test_all_folders_together_stay_below_the_limit_of_one_address():
    requests = [case.request for case in CASES if case.request]
    others = [r for r in requests if r.path not in TIER_1 and not (r.path.startswith("/tasks/") and r.method != "HEAD")]

    assert len(others) <= MOST_TIER_3_CALLS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(SHIPPED).as_posix())
def test_a_file_is_written_as_an_update_would_write_it(file):
    text = file.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


def test_every_body_schema_is_used_and_tried():
    used = {expectation.body_schema for case in CASES for expectation in case.expect.values()} - {None}

    assert used | {"pagination.schema.json"} == {file.name for file in SCHEMAS}
    assert set(GOOD) == {file.name.removesuffix(".schema.json") for file in SCHEMAS} == {name for name, _ in BAD}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_body_schema_takes_the_body_that_the_contract_shows(name):
    assert compiled(SHIPPED / f"tts/schemas/{name}.schema.json").errors(GOOD[name]) == []


@pytest.mark.parametrize(("name", "body"), BAD)
def test_a_body_schema_refuses_a_wrong_body(name, body):
    assert compiled(SHIPPED / f"tts/schemas/{name}.schema.json").errors(body)


def test_the_counts_list_every_folder_and_both_modes():
    counts = json.loads((SHIPPED / "counts.json").read_text())["tts"]

    assert counts["modes"] == list(MODES)
    assert counts["folders"] == dict(sorted(Counter(case.folder for case in CASES).items()))
