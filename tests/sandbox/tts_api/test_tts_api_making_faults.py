"""Faults of mode, clone and design: each shows its signature when it is on, and nothing of it when it is off."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import DESIGN, VOICE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_design_save import FIELDS, save
from tests.sandbox.tts_api.test_tts_api_faults import both
from tests.sandbox.tts_api.test_tts_api_tasks import working
from tests.sandbox.tts_api.test_tts_api_work_faults import balance, finalize

DESCRIBED = {"description": "warm"}


def detail(reply) -> str:
    return reply.json()["detail"]


def voice_row(qwen: Deployed, voice_id: str) -> dict:
    return qwen.row("select * from public.voices where id = %s", voice_id)


def voices_of(qwen: Deployed, user: User) -> int:
    return len(qwen.rows("select 1 from public.voices where user_id = %s", user.id))


def seeded(api: Deployed, user: User, **columns: object) -> str:
    row = {"name": "Seeded", "source": "uploaded", "reference_transcript": "hello", **columns}
    names = ", ".join(row)
    marks = ", ".join(["%s"] * len(row))
    statement = f"insert into public.voices (user_id, {names}) values (%s, {marks}) returning id::text"
    return api.rows(statement, user.id, *row.values())[0]["id"]


def test_f_03_asks_the_job_service_for_a_preview_in_mode_qwen(qwen: Deployed):
    def look() -> tuple[str, int]:
        user = qwen.user()
        status = user.ended(user.design())["status"]
        return status, len(qwen.heard("modal"))

    assert both(qwen, "F-03", look) == (("completed", 0), ("completed", 1))


def test_f_03_asks_the_other_provider_for_a_clone_in_mode_modal(modal: Deployed):
    def look() -> int:
        modal.user().voice()
        return len(modal.heard("dashscope", "clone_create"))

    assert both(modal, "F-03", look) == (0, 1)


def test_f_04_lets_a_voice_of_the_other_provider_through(api: Deployed):
    other = "modal" if api.mode == "qwen" else "qwen"

    def look() -> bool:
        user = api.user()
        voice_id = seeded(api, user, tts_provider=other)
        reply = user.post("/generate", {"voice_id": voice_id, "text": "x"})
        return reply.status_code == 409 and f"provider '{other}'" in detail(reply)

    assert both(api, "F-04", look) == (True, False)


def test_f_04_lets_voices_without_metadata_or_with_a_strange_model_through(qwen: Deployed):
    def look() -> list[int]:
        bare = {"tts_provider": "qwen"}
        strange = {**bare, "provider_voice_id": "v", "provider_target_model": "qwen3-tts-vc-2020-01-01"}
        users = [qwen.user(), qwen.user()]
        ids = [seeded(qwen, user, **row) for user, row in zip(users, (bare, strange), strict=True)]
        made = zip(users, ids, strict=True)
        return [user.post("/generate", {"voice_id": each, "text": "x"}).status_code for user, each in made]

    assert both(qwen, "F-04", look) == ([409, 409], [200, 200])


def test_f_05_clones_without_a_key_and_forgets_the_region(qwen: Deployed):
    qwen.variables(DASHSCOPE_REGION="cn")
    user = qwen.user()

    def look() -> tuple[int, str]:
        described = finalize(user, user.uploaded(), **DESCRIBED).status_code
        plain = user.voice()
        return described, voice_row(qwen, plain)["provider_region"]

    assert both(qwen, "F-05", look) == ((200, "cn"), (502, "intl"))


@pytest.mark.parametrize(("raw", "off", "on"), [("quen", 500, 200), ("QWEN", 200, 500), ("qwen", 200, 200)])
def test_f_07_misreads_the_mode(qwen: Deployed, raw, off, on):
    qwen.variables(TTS_PROVIDER_MODE=raw)
    statuses = both(qwen, "F-07", lambda: qwen.http.get("/languages").status_code)

    assert statuses == (off, on)


def test_f_07_takes_a_mistyped_mode_for_modal_when_a_design_is_saved(qwen: Deployed):
    user = qwen.user()
    qwen.variables(TTS_PROVIDER_MODE="quen")
    off, on = both(qwen, "F-07", lambda: detail(user.form("/voices/design", FIELDS)))

    assert off.startswith("Invalid TTS_PROVIDER_MODE: quen.")
    assert on == "Audio file is required."


def test_f_12_gives_up_a_job_once_the_mode_is_qwen(modal: Deployed):
    def look() -> tuple[str, int]:
        user = modal.user()
        answer = user.speech(user.voice())
        modal.variables(TTS_PROVIDER_MODE="qwen")
        status = user.ended(answer["task_id"])["status"]
        modal.variables(TTS_PROVIDER_MODE="modal")
        return status, balance(user)

    assert both(modal, "F-12", look) == (("completed", 19_987), ("failed", 19_987))


def test_f_12_gives_up_a_speech_once_the_mode_is_modal(qwen: Deployed):
    def look() -> str:
        user = qwen.user()
        qwen.instance.providers.dashscope.clear_requests()
        answer = working(qwen, user)
        qwen.until_heard("dashscope", "synthesis")
        qwen.variables(TTS_PROVIDER_MODE="modal")
        qwen.release("dashscope", "synthesis")
        status = user.ended(answer["task_id"])["status"]
        qwen.variables(TTS_PROVIDER_MODE="qwen")
        return status

    assert both(qwen, "F-12", look) == ("completed", "failed")


def test_f_13_makes_and_refunds_a_replayed_clone_again(qwen: Deployed):
    def look() -> tuple[int, int, int]:
        user = qwen.user()
        qwen.instance.providers.dashscope.clear_requests()
        voice_id = user.voice()
        again = finalize(user, voice_id).status_code
        return again, len(qwen.heard("dashscope", "clone_create")), user.profile()["clone_trials_remaining"]

    assert both(qwen, "F-13", look) == ((200, 1, 1), (200, 2, 2))


def test_f_14_makes_as_many_voices_at_the_provider_as_there_are_calls(qwen: Deployed):
    def look() -> tuple[int, int]:
        user = qwen.user()
        qwen.instance.providers.dashscope.clear_requests()
        qwen.instance.providers.dashscope.set_option("clone_s", 0.3)
        voice_id = user.uploaded()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: finalize(user, voice_id), range(3)))
        return len(qwen.heard("dashscope", "clone_create")), voices_of(qwen, user)

    off, on = both(qwen, "F-14", look)
    assert off == (1, 1)
    assert on[0] > 1
    assert on[1] == 1


def test_f_14_still_knows_a_clone_that_has_failed(qwen: Deployed):
    user = qwen.user()
    with qwen.fault("F-14"):
        voice_id = user.uploaded()
        qwen.script("dashscope", "clone_create", status=500, body={})
        statuses = [finalize(user, voice_id).status_code for _ in range(2)]

    assert statuses == [502, 409]


@pytest.mark.parametrize("work", ["clone", "design", "speech"])
def test_f_19_keeps_the_charge_of_what_the_provider_refused(qwen: Deployed, work):
    def look() -> tuple[int, int, int]:
        user = qwen.user()
        voice_id = user.voice()
        for call in ("clone_create", "design_create", "synthesis"):
            qwen.instance.providers.dashscope.clear_scripts()
            qwen.script("dashscope", call, status=500, body={}, times=None)
            if call == "clone_create" and work == "clone":
                finalize(user, user.uploaded())
            elif call == "design_create" and work == "design":
                user.ended(user.design())
            elif call == "synthesis" and work == "speech":
                user.ended(user.speech(voice_id)["task_id"])
        qwen.instance.providers.dashscope.clear_scripts()
        profile = user.profile()
        return profile["clone_trials_remaining"], profile["design_trials_remaining"], profile["credits_remaining"]

    costs = {"clone": (1, 0, 0), "design": (0, 1, 0), "speech": (0, 0, 13)}[work]
    off, on = both(qwen, "F-19", look)
    assert tuple(a - b for a, b in zip(off, on, strict=True)) == costs


def test_f_19_keeps_the_charge_of_a_job_that_was_refused(modal: Deployed):
    def look() -> int:
        user = modal.user()
        voice_id = user.voice()
        modal.script("modal", "submit", status=500, body="no")
        user.post("/generate", {"voice_id": voice_id, "text": "x"})
        return balance(user)

    assert both(modal, "F-19", look) == (20_000, 19_999)


def test_f_19_gives_back_what_could_not_be_downloaded(qwen: Deployed):
    user = qwen.user()
    with qwen.fault("F-19"):
        qwen.script("audio_host", "download", status=403, body="gone")
        user.ended(user.speech(user.voice())["task_id"])

    assert balance(user) == 20_000


def test_f_20_makes_the_voice_again_when_it_is_saved(qwen: Deployed):
    def look() -> int:
        user = qwen.user()
        qwen.instance.providers.dashscope.clear_requests()
        save(user, user.ended(user.design())["id"])
        return len(qwen.heard("dashscope", "design_create"))

    assert both(qwen, "F-20", look) == (1, 2)


def test_f_22_makes_another_voice_of_a_second_save(qwen: Deployed):
    def look() -> int:
        user = qwen.user()
        task_id = user.ended(user.design())["id"]
        return len({save(user, task_id).json()["id"] for _ in range(2)})

    assert both(qwen, "F-22", look) == (1, 2)


def test_f_24_saves_previews_that_are_unfit(qwen: Deployed):
    def look() -> tuple[int, int, int]:
        owner, stranger = qwen.user(), qwen.user()
        foreign = owner.ended(owner.design())["id"]
        statement = (
            "insert into public.tasks (user_id, type, status, provider, result)"
            " values (%s, 'design_preview', %s, %s, %s) returning id::text"
        )
        result = f'{{"object_key": "{owner.id}/preview.wav"}}'
        other = qwen.rows(statement, owner.id, "completed", "modal", result)[0]["id"]
        pending = qwen.rows(statement, owner.id, "pending", "qwen", None)[0]["id"]
        cancelled = qwen.rows(statement, owner.id, "cancelled", "qwen", None)[0]["id"]
        save(stranger, foreign)
        for task_id in (other, pending):
            save(owner, task_id)
        return voices_of(qwen, stranger), voices_of(qwen, owner), save(owner, cancelled).status_code

    assert both(qwen, "F-24", look) == ((0, 0, 409), (1, 2, 409))


def test_f_27_takes_names_and_texts_of_any_length(api: Deployed, user: User):
    def look() -> tuple[int, int]:
        named = user.post("/clone/upload-url", {**VOICE, "name": "n" * 101}).status_code
        return named, user.post("/voices/design/preview", {**DESIGN, "text": "t" * 501}).status_code

    assert both(api, "F-27", look) == ((400, 400), (200, 200))


@pytest.mark.parametrize("size", [0, 1_000_001])
def test_f_27_takes_audio_of_any_size(modal: Deployed, size):
    def look() -> int:
        return save(modal.user(), audio=("a.wav", bytes(size), "audio/wav")).status_code

    assert both(modal, "F-27", look) == (400, 200)


def test_f_27_clones_from_a_clip_of_any_size(api: Deployed):
    def look() -> int:
        user = api.user()
        voice_id = str(uuid.uuid4())
        api.run(api.instance.storage.put("references", f"{user.id}/{voice_id}/reference.wav", b"x", "audio/wav"))
        statement = "update storage.objects set metadata = metadata || '{\"size\": 20000000}' where name like %s"

        async def grow() -> None:
            async with api.instance.db.as_role("service_role", {"role": "service_role"}) as connection:
                await connection.execute(statement, (f"%{voice_id}%",))

        api.run(grow())
        return finalize(user, voice_id).status_code

    off, on = both(api, "F-27", look)
    assert off == 400
    assert on == (200 if api.mode == "modal" else 502)
