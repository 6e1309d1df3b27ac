"""The old build, over sockets: what section 1.6 of the contract says of the build before the adapter, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.running import REFERENCE, Running, running

SEVEN = {"id", "name", "reference_transcript", "language", "source", "description", "created_at"}
WORDS = {"name": "Nora", "language": "English", "transcript": "hello there"}
DESIGN = {"text": "A preview of this voice.", "language": "English", "instruct": "calm and low"}
QUICK = ("--setting=tts.providers.modal.job_s=0", "--setting=tts.providers.modal.design_s=0")
OLD, OLD_ON_NEW = "old schema", "new schema"


@pytest.fixture(scope="module")
def sandbox():
    with running("--position", "old", *QUICK) as started:
        yield started


@pytest.fixture(scope="module")
def migrated():
    with running("--position", "old", "--setting", "tts.migrated=true", *QUICK) as started:
        yield started


@pytest.fixture(params=[OLD, OLD_ON_NEW])
def old(request):
    """A user of the old build, on either schema."""
    return Person(request.getfixturevalue("sandbox" if request.param == OLD else "migrated"), "qwen-task")


class Person:
    """A fresh user who calls one instance."""

    def __init__(self, sandbox: Running, instance: str) -> None:
        self.sandbox = sandbox
        self.instance = instance
        self.control = f"tts/{instance}"
        self.token = sandbox.sign_up(instance)["access_token"]

    def get(self, path: str) -> Any:
        return self.sandbox.get(self.instance, path, token=self.token)

    def post(self, path: str, body: Any = None) -> Any:
        return self.sandbox.post(self.instance, path, body, token=self.token)

    def delete(self, path: str) -> Any:
        return self.sandbox.delete(self.instance, path, token=self.token)

    def act(self, action: str, body: Any) -> Any:
        reply = self.sandbox.control("POST", f"{self.control}/{action}", body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def rows(self, table: str, query: str = "") -> Any:
        headers = {**self.sandbox.key(self.instance), "Authorization": f"Bearer {self.token}"}
        url = f"{self.sandbox.table(self.instance)['data_url']}/{table}{query}"
        return self.sandbox.http.get(url, headers=headers)

    def clone(self) -> str:
        given = self.post("/clone/upload-url", WORDS).json()
        self.sandbox.http.put(given["upload_url"], content=REFERENCE, headers={"Content-Type": "audio/wav"})
        done = self.post("/clone/finalize", {"voice_id": given["voice_id"], **WORDS})
        assert done.status_code == 200, done.text
        return given["voice_id"]

    def voices(self) -> list[dict[str, Any]]:
        return self.get("/voices").json()["voices"]

    def ended(self, task_id: str) -> dict[str, Any]:
        return self.sandbox.poll(self.instance, task_id, self.token)

    def save_design(self, **parts: Any) -> Any:
        url = f"{self.sandbox.table(self.instance)['api_url']}/voices/design"
        files = {name: (None, value) if isinstance(value, str) else value for name, value in parts.items()}
        return self.sandbox.http.post(url, files=files, headers={"Authorization": f"Bearer {self.token}"})


def test_languages_name_a_constant_and_no_capabilities(old):
    for mode in ("modal", "qwen", "nonsense"):
        old.act("variables", {"TTS_PROVIDER_MODE": mode})
        answer = old.get("/languages")

        assert answer.status_code == 200
        assert answer.json()["provider"] == "qwen"
        assert "capabilities" not in answer.json()
        assert answer.json()["default"] == "Auto"


def test_it_serves_modal_alone(old):
    old.act("variables", {"TTS_PROVIDER_MODE": "qwen"})
    old.sandbox.control("DELETE", f"{old.control}/requests")
    voice_id = old.clone()

    started = old.post("/generate", {"voice_id": voice_id, "text": "Good morning.", "language": "Auto"})

    assert started.status_code == 200
    assert old.ended(started.json()["task_id"])["status"] == "completed"
    audio = old.get(f"/generations/{started.json()['generation_id']}/audio")
    assert audio.status_code == 302
    assert old.sandbox.http.get(audio.headers["location"]).content[:4] == b"RIFF"
    asked = old.sandbox.control("GET", f"{old.control}/requests").json()["requests"]
    assert {entry["provider"] for entry in asked} == {"modal"}


def test_the_cap_is_ten_thousand(old):
    voice_id = old.clone()

    over = old.post("/generate", {"voice_id": voice_id, "text": "a" * 10_001})
    at = old.post("/generate", {"voice_id": voice_id, "text": "a" * 10_000})

    assert (over.status_code, over.json()["detail"]) == (400, "Text cannot exceed 10000 characters")
    assert at.status_code == 402  # long enough to be too dear: the cap let it through


def test_a_voice_has_seven_fields(old):
    old.clone()

    (voice,) = old.voices()

    assert voice.keys() == SEVEN


def test_a_task_has_no_provider_fields(old):
    started = old.post("/generate", {"voice_id": old.clone(), "text": "Good morning."})
    active = old.get(f"/tasks/{started.json()['task_id']}").json()
    ended = old.ended(started.json()["task_id"])

    expected = {"id", "type", "status", "error", "modal_status", "modal_elapsed_seconds", "modal_poll_count"}
    assert expected <= active.keys() <= expected | {"result"}
    assert ended.keys() == expected | {"result"}


def test_a_cancel_refunds_once_and_stays(old):
    old.act("options", {"provider": "modal", "set": {"job_s": 60}})
    started = old.post("/generate", {"voice_id": old.clone(), "text": "Good morning."}).json()
    balance = old.get("/credits/usage").json()["balance"]

    cancelled = old.post(f"/tasks/{started['task_id']}/cancel")
    again = old.post(f"/tasks/{started['task_id']}/cancel")
    old.act("options", {"provider": "modal", "set": {"job_s": 0}})

    assert (cancelled.status_code, again.status_code) == (200, 400)
    assert old.get("/credits/usage").json()["balance"] == balance + len("Good morning.")
    assert old.get(f"/tasks/{started['task_id']}").json()["status"] == "cancelled"
    (generation,) = old.get("/generations").json()["generations"]
    assert generation["status"] == "cancelled"


def test_its_delete_is_for_good(old):
    voice_id = old.clone()
    shown = old.get(f"/voices/{voice_id}/preview").headers["location"]

    assert old.delete(f"/voices/{voice_id}").json() == {"ok": True}

    assert old.voices() == []
    assert old.rows("voices", "?select=id").json() == []
    assert old.sandbox.http.get(shown).status_code >= 400
    assert old.delete(f"/voices/{voice_id}").status_code == 404


def test_a_design_is_saved_from_uploaded_audio_only(old):
    task_id = old.post("/voices/design/preview", DESIGN).json()["task_id"]
    assert old.ended(task_id)["status"] == "completed"
    fields = {"name": "Low", **DESIGN}

    by_task = old.save_design(**fields, task_id=task_id)
    by_audio = old.save_design(**fields, audio=("preview.wav", REFERENCE, "audio/wav"))

    assert (by_task.status_code, by_task.json()["detail"]) == (400, "Audio file is required.")
    assert by_audio.status_code == 200
    assert by_audio.json()["source"] == "designed"
    assert [voice["name"] for voice in old.voices()] == ["Low"]


def test_the_schema_is_the_one_before_or_the_one_after(sandbox, migrated):
    before, after = Person(sandbox, "qwen-task"), Person(migrated, "qwen-task")

    assert before.rows("voices", "?select=tts_provider").status_code == 400
    assert after.rows("voices", "?select=tts_provider").json() == []


def test_rows_that_it_writes_on_the_new_schema_take_the_defaults(migrated):
    old = Person(migrated, "qwen-task")
    started = old.post("/generate", {"voice_id": old.clone(), "text": "Good morning."}).json()
    old.ended(started["task_id"])

    (voice,) = old.rows("voices").json()
    (task,) = old.rows("tasks").json()
    (generation,) = old.rows("generations").json()

    assert (voice["tts_provider"], voice["provider_metadata"], voice["deleted_at"]) == ("modal", {}, None)
    assert (task["provider"], task["provider_status"], task["provider_poll_count"]) == ("modal", None, 0)
    assert task["modal_job_id"]
    assert (generation["tts_provider"], generation["output_format"], generation["status"]) == (
        "modal",
        None,
        "completed",
    )


def test_voices_that_the_new_build_hid_stay_hidden(migrated):
    person, _voice_id = after_a_rollback(migrated)

    assert person.voices() == []


def test_with_f_89_voices_that_the_new_build_hid_show_up_again_and_can_be_removed_for_good(migrated):
    assert migrated.control("PUT", "faults", {"on": ["tts:F-89"]}).status_code == 200
    try:
        person, voice_id = after_a_rollback(migrated)
    finally:
        migrated.control("PUT", "faults", {"on": []})

    assert [voice["id"] for voice in person.voices()] == [voice_id]
    assert person.get(f"/voices/{voice_id}/preview").status_code == 302
    assert person.delete(f"/voices/{voice_id}").status_code == 200
    assert person.rows("voices", "?select=id").json() == []


def after_a_rollback(migrated):
    """A user of the old build, and the voice that they had deleted in the new one."""
    person = Person(migrated, "qwen-task")
    person.act("build", {"build": "new"})
    person.act("variables", {"TTS_PROVIDER_MODE": "modal"})
    voice_id = person.clone()
    assert person.delete(f"/voices/{voice_id}").status_code == 200
    assert person.voices() == []

    person.act("build", {"build": "old"})
    return person, voice_id


def test_the_new_build_needs_the_migration_first(sandbox):
    made = sandbox.control("POST", "tts/instances", {"build": "new", "migrated": False, "mode": "modal"}).json()
    sandbox.ready["instances"][f"tts/{made['name']}"] = made
    person = Person(sandbox, made["name"])

    assert person.get("/voices").status_code == 500
    assert person.get("/generations").status_code == 200

    person.act("migrate", {})

    assert person.get("/voices").status_code == 200
    assert person.voices() == []
    assert sandbox.control("DELETE", f"tts/instances/{made['name']}").status_code == 200


def test_a_migrated_database_serves_both_builds_with_what_was_there(sandbox):
    made = sandbox.control("POST", "tts/instances", {"build": "old", "mode": "modal"}).json()
    sandbox.ready["instances"][f"tts/{made['name']}"] = made
    person = Person(sandbox, made["name"])
    voice_id = person.clone()

    for _ in range(2):
        person.act("migrate", {})
        assert [voice["id"] for voice in person.voices()] == [voice_id]
    person.act("build", {"build": "new"})

    (voice,) = person.voices()
    assert (voice["id"], voice["tts_provider"]) == (voice_id, "modal")
    assert person.get("/languages").json()["capabilities"]["max_text_chars"] == 10_000
    assert sandbox.control("DELETE", f"tts/instances/{made['name']}").status_code == 200


def test_a_playground_may_be_of_either_build(migrated):
    def languages(**wish):
        made = migrated.control("POST", "tts/instances", wish).json()
        answer = migrated.http.get(f"{made['settings']['api_url']}/languages").json()
        migrated.control("DELETE", f"tts/instances/{made['name']}")
        return "capabilities" in answer

    assert languages() is False
    assert languages(build="new") is True
    assert languages(build="old", migrated=True) is False
    assert migrated.control("POST", "tts/instances", {"build": "older"}).status_code == 400


def test_there_is_no_stream_in_any_lane():
    with running("--position", "old", "--lane", "realtime") as started:
        person = Person(started, "qwen-realtime")

        assert started.ready["position"] == "old"
        assert person.post("/generate/stream", {"voice_id": person.clone(), "text": "Hello."}).status_code == 404
