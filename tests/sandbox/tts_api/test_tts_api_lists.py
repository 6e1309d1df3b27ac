"""Voices and generations: lists, playback, soft delete, and what another user sees of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.tts_api.deployed import Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

VOICE_FIELDS = [
    "id", "name", "reference_transcript", "language", "source", "description", "created_at", "tts_provider",
    "provider_voice_id", "provider_target_model", "provider_voice_kind",
]  # fmt: skip
GENERATION_FIELDS = [
    "id", "voice_id", "voice_name", "text", "audio_path", "duration_seconds", "language", "status",
    "generation_time_seconds", "error_message", "created_at",
]  # fmt: skip
START = datetime(2026, 1, 1, tzinfo=UTC)


def seeded_voices(user: User, *names: str) -> None:
    """Voices of alternating provider and source, each a second newer than the one before."""
    for number, name in enumerate(names):
        user.deployed.sql(
            "insert into public.voices (user_id, name, language, source, tts_provider, created_at)"
            " values (%s, %s, 'English', %s, %s, %s)",
            user.id,
            name,
            ("uploaded", "designed")[number % 2],
            ("modal", "qwen")[number % 2],
            START + timedelta(seconds=number),
        )


def seeded_generations(user: User, *texts: str) -> None:
    statuses = ("completed", "failed", "cancelled", "processing")
    for number, text in enumerate(texts):
        user.deployed.sql(
            "insert into public.generations (user_id, text, language, status, created_at)"
            " values (%s, %s, 'English', %s, %s)",
            user.id,
            text,
            statuses[number % 4],
            START + timedelta(seconds=number),
        )


def names(reply) -> list[str]:
    return [voice["name"] for voice in reply.json()["voices"]]


def texts(reply) -> list[str]:
    return [generation["text"] for generation in reply.json()["generations"]]


def test_voices_come_newest_first_with_twelve_fields_and_both_providers(qwen: Deployed):
    user = qwen.user()
    seeded_voices(user, "one", "two", "three")
    answer = user.get("/voices").json()
    assert [voice["name"] for voice in answer["voices"]] == ["three", "two", "one"]
    assert list(answer["voices"][0]) == VOICE_FIELDS
    assert [voice["tts_provider"] for voice in answer["voices"]] == ["modal", "qwen", "modal"]
    assert answer["pagination"] == {"page": 1, "per_page": 20, "total": 3, "pages": 1}
    assert answer["voices"][0]["created_at"] == "2026-01-01T00:00:02+00:00"


@pytest.mark.parametrize(
    ("query", "found", "pagination"),
    [
        ("?per_page=2", ["c", "b"], (1, 2, 3, 2)),
        ("?per_page=2&page=2", ["a"], (2, 2, 3, 2)),
        ("?per_page=3&page=2", [], (2, 3, 3, 1)),
        ("?page=99", [], (99, 20, 3, 1)),
        ("?page=0", ["c", "b", "a"], (1, 20, 3, 1)),
        ("?page=9999999999999999999999", [], (2**53, 20, 3, 1)),
        ("?search=B", ["b"], (1, 20, 1, 1)),
        ("?search=%20%20", ["c", "b", "a"], (1, 20, 3, 1)),
        ("?search=zzz", [], (1, 20, 0, 1)),
        ("?source=designed", ["b"], (1, 20, 1, 1)),
        ("?source=other", ["c", "b", "a"], (1, 20, 3, 1)),
    ],
)
def test_voices_are_paged_searched_and_filtered(qwen: Deployed, query, found, pagination):
    user = qwen.user()
    seeded_voices(user, "a", "b", "c")
    reply = user.get(f"/voices{query}")
    assert names(reply) == found
    assert tuple(reply.json()["pagination"].values()) == pagination


@pytest.mark.parametrize(
    ("search", "found"),
    [("no*a", ["Nora"]), ("no_a", ["Nora"]), ("no%a", ["Nora"]), ("*", ["Paul", "Nora"]), ("\\", [])],
)
def test_wildcards_work_in_a_search(qwen: Deployed, search, found):
    user = qwen.user()
    seeded_voices(user, "Nora", "Paul")
    assert names(user.get("/voices", params={"search": search})) == found


def test_a_search_that_the_database_refuses_is_a_plain_failure(qwen: Deployed):
    user = qwen.user()
    assert detail(user.get("/voices?search=%00")) == "Failed to load voices."
    assert detail(user.get("/generations?search=%00")) == "Failed to load generations."


def test_a_deleted_voice_is_hidden_and_kept(api: Deployed, user: User):
    voice_id = user.voice()
    for _ in range(2):
        reply = user.delete(f"/voices/{voice_id}")
        assert (reply.status_code, reply.json()) == (200, {"ok": True})
    assert names(user.get("/voices")) == []
    assert detail(user.get(f"/voices/{voice_id}/preview")) == "Voice not found."
    assert api.row("select deleted_at from public.voices where id = %s", voice_id)["deleted_at"] is not None
    assert len(api.objects("references", user.id)) == 1
    assert [entry["call"] for entry in api.heard("dashscope")] == (["clone_create"] if api.mode == "qwen" else [])


def test_a_voice_is_previewed_from_storage(api: Deployed, user: User):
    reply = user.get(f"/voices/{user.voice()}/preview")
    assert (reply.status_code, reply.content) == (302, b"")
    assert api.http.get(reply.headers["location"]).content[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("key", "status", "text"),
    [
        (None, 404, "Voice has no reference audio."),
        ("somebody/else.wav", 403, "Invalid storage object key."),
        ("{}/gone.wav", 500, "Failed to create signed URL."),
    ],
)
def test_a_key_is_checked_before_it_is_signed(api: Deployed, user: User, key, status, text):
    voice_id = user.voice()
    value = None if key is None else key.format(user.id)
    api.sql("update public.voices set reference_object_key = %s where id = %s", value, voice_id)
    reply = user.get(f"/voices/{voice_id}/preview")
    assert (reply.status_code, detail(reply)) == (status, text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["d", "c", "b", "a"]),
        ("?status=all", ["d", "c", "b", "a"]),
        ("?status=%20failed%20", ["b"]),
        ("?status=Failed", []),
        ("?status=odd", []),
        ("?search=C", ["c"]),
        ("?per_page=1&page=2", ["c"]),
        ("?page=50", []),
    ],
)
def test_the_history_is_paged_searched_and_filtered(qwen: Deployed, query, found):
    user = qwen.user()
    seeded_generations(user, "a", "b", "c", "d")
    assert texts(user.get(f"/generations{query}")) == found


def test_a_generation_keeps_the_name_of_a_deleted_voice(api: Deployed, user: User):
    voice_id = user.voice()
    answer = user.speech(voice_id)
    user.ended(answer["task_id"])
    user.delete(f"/voices/{voice_id}")
    (item,) = user.get("/generations").json()["generations"]
    assert list(item) == GENERATION_FIELDS
    assert (item["voice_name"], item["duration_seconds"]) == ("Nora", None)
    assert item["audio_path"] == f"/api/generations/{item['id']}/audio"
    api.sql("delete from public.voices where id = %s", voice_id)
    (item,) = user.get("/generations").json()["generations"]
    assert (item["voice_name"], item["voice_id"]) == (None, None)


@pytest.mark.parametrize(
    ("key", "status", "text"),
    [
        (None, 404, "Generation audio not available."),
        ("somebody/else.wav", 403, "Invalid storage object key."),
        ("{}/gone.wav", 500, "Failed to create signed URL."),
    ],
)
def test_generation_audio_is_signed_only_where_it_belongs(qwen: Deployed, key, status, text):
    user = qwen.user()
    seeded_generations(user, "a")
    generation_id = user.get("/generations").json()["generations"][0]["id"]
    value = None if key is None else key.format(user.id)
    qwen.sql("update public.generations set audio_object_key = %s where id = %s", value, generation_id)
    reply = user.get(f"/generations/{generation_id}/audio")
    assert (reply.status_code, detail(reply)) == (status, text)


def test_a_deleted_generation_takes_its_object_along(api: Deployed, user: User):
    answer = user.speech(user.voice())
    user.ended(answer["task_id"])
    assert user.delete(f"/generations/{answer['generation_id']}").json() == {"ok": True}
    assert api.objects("generations", user.id) == []
    assert detail(user.delete(f"/generations/{answer['generation_id']}")) == "Generation not found."


def test_regenerate_fills_the_form(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    answer = user.speech(voice_id, "Hello & good-bye (all)! ü")
    body = user.post(f"/generations/{answer['generation_id']}/regenerate").json()
    assert list(body) == ["voice_id", "text", "language", "redirect_url"]
    encoded = "Hello%20%26%20good-bye%20(all)!%20%C3%BC"
    assert body["redirect_url"] == f"/generate?voice={voice_id}&text={encoded}&language=Auto"
    assert len(user.ledger()) == 1


def test_regenerate_needs_a_voice(qwen: Deployed):
    user = qwen.user()
    seeded_generations(user, "a")
    generation_id = user.get("/generations").json()["generations"][0]["id"]
    reply = user.post(f"/generations/{generation_id}/regenerate")
    assert (reply.status_code, detail(reply)) == (400, "Generation has no voice_id.")


@pytest.fixture
def owned(api: Deployed, user: User) -> list[tuple[str, str]]:
    """Every call by id on things of `user`, for somebody else to try."""
    voice_id = user.voice()
    answer = user.speech(voice_id)
    user.ended(answer["task_id"])
    task, generation = f"/tasks/{answer['task_id']}", f"/generations/{answer['generation_id']}"
    return [
        ("GET", task),
        ("POST", f"{task}/cancel"),
        ("DELETE", task),
        ("GET", f"/voices/{voice_id}/preview"),
        ("DELETE", f"/voices/{voice_id}"),
        ("GET", f"{generation}/audio"),
        ("POST", f"{generation}/regenerate"),
        ("DELETE", generation),
    ]


def test_nothing_of_another_user_is_found(api: Deployed, user: User, owned):
    stranger = api.user()
    assert {stranger.send(method, path).status_code for method, path in owned} == {404}
    assert names(stranger.get("/voices")) == texts(stranger.get("/generations")) == []
    assert [user.send(method, path).status_code for method, path in owned] == [200, 400, 200, 302, 200, 302, 200, 200]


@pytest.mark.parametrize(
    ("broken", "method", "path", "text"),
    [
        ("select:voices", "GET", "/voices", "Failed to load voices."),
        ("select:voices", "DELETE", f"/voices/{uuid.UUID(int=1)}", "Failed to load voice."),
        ("select:generations", "GET", "/generations", "Failed to load generations."),
        ("select:generations", "GET", f"/generations/{uuid.UUID(int=1)}/audio", "Failed to load generation."),
        ("select:tasks", "GET", f"/tasks/{uuid.UUID(int=1)}", "Failed to load task."),
    ],
)
def test_what_cannot_be_loaded_is_said(qwen: Deployed, broken, method, path, text):
    user = qwen.user()
    qwen.breaking(broken)
    reply = user.send(method, path)
    assert (reply.status_code, detail(reply)) == (500, text)
