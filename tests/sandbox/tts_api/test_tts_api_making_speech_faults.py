"""Faults of speech, durability, cancels and money: each shows its signature when it is on, and nothing when it is off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.sandbox.tts_api.deployed import VOICE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_design_save import save
from tests.sandbox.tts_api.test_tts_api_faults import both
from tests.sandbox.tts_api.test_tts_api_money import bought, deliver
from tests.sandbox.tts_api.test_tts_api_tasks import finished, working
from tests.sandbox.tts_api.test_tts_api_work_faults import balance, finalize


def generate(user: User, voice_id: str):
    return user.post("/generate", {"voice_id": voice_id, "text": "Good morning."})


def audio_of(user: User, answer: dict) -> str:
    return user.get(f"/generations/{answer['generation_id']}/audio").headers["location"]


def refunds(user: User) -> int:
    return sum(row["event_kind"] == "refund" for row in user.ledger())


def held(api: Deployed, user: User, provider: str, call: str) -> dict:
    """An accepted generate that waits for *call*."""
    api.instance.providers.named(provider).clear_requests()
    voice_id = user.voice()
    api.hold(provider, call)
    answer = user.speech(voice_id)
    if api.mode == "qwen":
        api.until_heard(provider, call)
    return answer


def test_f_28_asks_the_provider_about_a_task_that_is_read_often(qwen: Deployed):
    def look() -> tuple[int, str]:
        user = qwen.user()
        answer = finished(user)
        qwen.instance.providers.dashscope.clear_requests()
        statuses = {user.get(f"/tasks/{answer['task_id']}").json()["status"] for _ in range(10)}
        return len(qwen.heard("dashscope")), "/".join(statuses)

    off, on = both(qwen, "F-28", look)
    assert off == (0, "completed")
    assert on[0] > 0
    assert on[1] == "completed"


def test_f_30_plays_from_the_provider(api: Deployed):
    def look() -> tuple[str, bytes]:
        user = api.user()
        url = audio_of(user, finished(user))
        return urlsplit(url).netloc, api.http.get(url).content[:4]

    off, on = both(api, "F-30", look)
    own = urlsplit(api.instance.base_url).netloc
    assert off == (own, b"RIFF")
    assert (on[0] != own, on[1]) == (True, b"RIFF")


@pytest.mark.parametrize(("status", "on"), [(403, ("completed", 19_987)), (500, ("failed", 20_000))])
def test_f_31_completes_when_a_url_has_expired(qwen: Deployed, status, on):
    def look() -> tuple[str, int]:
        user = qwen.user()
        qwen.script("audio_host", "download", status=status, body="no", times=None)
        ended = user.ended(user.speech(user.voice())["task_id"])
        qwen.instance.providers.audio_host.clear_scripts()
        return ended["status"], balance(user)

    assert both(qwen, "F-31", look) == (("failed", 20_000), on)


def test_f_32_completes_without_an_object(api: Deployed):
    def look() -> tuple[str, int]:
        user = api.user()
        voice_id = user.voice()
        api.breaking("storage_write:generations")
        answer = user.speech(voice_id)
        if api.mode == "qwen":
            api.idle()
        status = user.get(f"/tasks/{answer['task_id']}").json().get("status", "500")
        api.mending("storage_write:generations")
        return status, len(api.objects("generations", user.id))

    off, on = both(api, "F-32", look)
    assert off == (("failed" if api.mode == "qwen" else "500"), 0)
    assert on == ("completed", 0)


def test_f_34_stores_the_audio_with_every_read(api: Deployed):
    def look() -> tuple[bool, int]:
        user = api.user()
        answer = finished(user)

        def version() -> str:
            statement = "select updated_at::text as at from storage.objects where name like %s"
            return api.row(statement, f"%{answer['generation_id']}%")["at"]

        before = version()
        api.instance.providers.modal.clear_requests()
        user.get(f"/tasks/{answer['task_id']}")
        return before == version(), len(api.heard("modal", "result"))

    off, on = both(api, "F-34", look)
    assert off == (True, 0)
    assert on == (False, 1 if api.mode == "modal" else 0)


def test_f_35_leaves_a_generation_without_its_task(api: Deployed):
    def look() -> int:
        answer = finished(api.user())
        return len(api.rows("select 1 from public.tasks where generation_id = %s", answer["generation_id"]))

    assert both(api, "F-35", look) == (1, 0)


def test_f_36_cuts_mislabels_and_forgets(api: Deployed):
    def look() -> tuple[int, str, bool]:
        user = api.user()
        answer = finished(user)
        reply = api.http.get(audio_of(user, answer))
        trace = user.generation(answer["generation_id"])["provider_metadata"]
        return len(reply.content), reply.headers["content-type"], bool(trace)

    off, on = both(api, "F-36", look)
    assert (off[1], on[1]) == ("audio/wav", "application/octet-stream")
    assert on[0] < off[0]
    assert (off[2], on[2]) == (api.mode == "qwen", False)


def test_f_38_lets_a_second_generate_in(api: Deployed):
    def look() -> list[int]:
        user = api.user()
        voice_id = user.voice()
        working(api, user)
        statuses = [generate(user, voice_id).status_code for _ in range(2)]
        api.release("dashscope", "synthesis")
        return statuses

    assert both(api, "F-38", look) == ([409, 409], [200, 409])


def test_f_38_has_no_index_and_puts_it_back(qwen: Deployed):
    def look() -> int:
        qwen.user()
        statement = "select 1 from pg_indexes where indexname = 'idx_tasks_generate_one_active_per_user'"
        return len(qwen.rows(statement))

    assert both(qwen, "F-38", look) == (1, 0)
    assert look() == 1


def test_f_39_speaks_a_designed_voice_with_the_model_of_clones(qwen: Deployed):
    def look() -> tuple[bool, bool]:
        user = qwen.user()
        voice_id = save(user, user.ended(user.design())["id"]).json()["id"]
        qwen.instance.providers.dashscope.clear_requests()
        answer = user.speech(voice_id)
        qwen.idle()
        (asked,) = qwen.heard("dashscope", "synthesis")
        own = qwen.instance.deployment.vd_model
        return asked["body"]["model"] == own, user.generation(answer["generation_id"])["provider_model"] == own

    assert both(qwen, "F-39", look) == ((True, True), (False, False))


def test_f_41_shows_a_status_that_goes_back(api: Deployed):
    def look() -> list[str]:
        user = api.user()
        qwen = api.mode == "qwen"
        answer = held(api, user, "dashscope", "synthesis") if qwen else working(api, user)
        return [user.get(f"/tasks/{answer['task_id']}").json()["status"] for _ in range(3)]

    off, on = both(api, "F-41", look)
    assert off == ["processing"] * 3
    assert on == ["processing", "pending", "processing"]


def test_f_41_judges_the_body_before_the_mode(api: Deployed, user: User):
    api.variables(TTS_PROVIDER_MODE="neither")
    off, on = both(api, "F-41", lambda: user.send("POST", "/generate", content=b"{").status_code)

    assert (off, on) == (500, 400)


def test_f_42_lists_and_uses_deleted_voices_and_deletes_them_at_the_provider(api: Deployed):
    def look() -> tuple[int, int, int]:
        user = api.user()
        voice_id = user.voice()
        api.instance.providers.dashscope.clear_requests()
        user.delete(f"/voices/{voice_id}")
        listed = len(user.get("/voices").json()["voices"])
        return listed, generate(user, voice_id).status_code, len(api.heard("dashscope", "clone_delete"))

    assert both(api, "F-42", look) == ((0, 404, 0), (1, 200, 1 if api.mode == "qwen" else 0))


def test_f_44_refunds_a_cancel_that_lost(qwen: Deployed):
    def look() -> tuple[int, int]:
        user = qwen.user()
        answer = working(qwen, user)
        lock = qwen.run(_locked(qwen, answer["task_id"]))
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(user.post, f"/tasks/{answer['task_id']}/cancel")
            qwen.until(lambda: _waiting(qwen))
            qwen.run(lock())
            return cancelling.result().status_code, refunds(user)

    assert both(qwen, "F-44", look) == ((409, 0), (409, 1))


async def _locked(qwen: Deployed, task_id: str):
    """Hold the task's row, and complete it when the returned function is called."""
    connection = await psycopg.AsyncConnection.connect(qwen.instance.db.dsn)
    await connection.execute("update public.tasks set status = 'completed' where id = %s", (task_id,))

    async def let_go() -> None:
        await connection.commit()
        await connection.close()

    return let_go


def _waiting(qwen: Deployed) -> bool:
    statement = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' limit 1"

    async def ask() -> bool:
        async with await psycopg.AsyncConnection.connect(qwen.instance.db.dsn) as connection:
            return await (await connection.execute(statement)).fetchone() is not None

    return qwen.run(ask())


def test_f_45_overwrites_a_task_that_was_cancelled_before_its_completion(modal: Deployed):
    def look() -> tuple[str, int]:
        user = modal.user()
        answer = held(modal, user, "modal", "result")
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(user.get, f"/tasks/{answer['task_id']}")
            modal.until_heard("modal", "result")
            user.post(f"/tasks/{answer['task_id']}/cancel")
            modal.release("modal", "result")
            reading.result()
        return user.task(answer["task_id"])["status"], len(modal.objects("generations", user.id))

    assert both(modal, "F-45", look) == (("cancelled", 0), ("completed", 0))


def test_f_48_refunds_every_cancel(api: Deployed):
    def look() -> tuple[list[int], int]:
        user = api.user()
        answer = working(api, user)
        cancels = [user.post(f"/tasks/{answer['task_id']}/cancel").status_code for _ in range(3)]
        return cancels, refunds(user)

    assert both(api, "F-48", look) == (([200, 400, 400], 1), ([200, 400, 400], 3))


def test_f_48_leaves_what_was_completed_alone(api: Deployed, user: User):
    with api.fault("F-48"):
        answer = finished(user)
        user.post(f"/tasks/{answer['task_id']}/cancel")

    assert refunds(user) == 0


def test_f_50_goes_on_after_a_cancel(qwen: Deployed):
    def look() -> tuple[int, str, int]:
        user = qwen.user()
        qwen.instance.providers.audio_host.clear_requests()
        answer = held(qwen, user, "dashscope", "synthesis")
        user.post(f"/tasks/{answer['task_id']}/cancel")
        qwen.release("dashscope", "synthesis")
        qwen.idle()
        status = user.task(answer["task_id"])["status"]
        return len(qwen.heard("audio_host", "download")), status, len(qwen.objects("generations", user.id))

    assert both(qwen, "F-50", look) == ((0, "cancelled", 0), (1, "cancelled", 0))


def test_f_62_charges_too_much_and_tells_too_little(api: Deployed):
    def look() -> tuple[int, int, int]:
        user = api.user()
        answer = finished(user)
        usage = user.get("/credits/usage").json()
        paid = -user.ledger()[0]["signed_amount"]
        before = balance(user)
        audio_of(user, answer)
        return paid, usage["usage"]["debited"], before - balance(user)

    assert both(api, "F-62", look) == ((13, 13, 0), (14, 13, 1))


def test_f_62_lets_parallel_clones_overspend(api: Deployed):
    def look() -> int:
        user = api.user(balance=1000)
        api.sql("update public.profiles set clone_trials_remaining = 0 where id = %s", user.id)
        ready = [user.uploaded() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            return sum(reply.status_code == 200 for reply in pool.map(lambda each: finalize(user, each), ready))

    off, on = both(api, "F-62", look)
    assert off == 1
    assert on > 1


@pytest.mark.parametrize("how", ["unsigned", "stale", "twice", "unpaid"])
def test_f_65_grants_whatever_is_delivered(qwen: Deployed, how):
    def look() -> int:
        user = qwen.user(balance=0)
        event = bought(user, **({"payment_status": "unpaid"} if how == "unpaid" else {}))
        for _ in range(2 if how == "twice" else 1):
            deliver(qwen, event, header="" if how == "unsigned" else None, age_s=900 if how == "stale" else 0)
        return balance(user) // 150_000

    assert both(qwen, "F-65", look) == ((1, 2) if how == "twice" else (0, 1))


def test_f_75_signs_the_object_of_somebody_else(api: Deployed):
    owner = api.user()
    voice_id = owner.voice()
    key = f"{owner.id}/{voice_id}/reference.wav"

    def look() -> int:
        user = api.user()
        statement = (
            "insert into public.voices (user_id, name, source, reference_object_key)"
            " values (%s, 'mine', 'uploaded', %s) returning id::text"
        )
        mine = api.rows(statement, user.id, key)[0]["id"]
        return user.get(f"/voices/{mine}/preview").status_code

    assert both(api, "F-75", look) == (403, 302)


def test_f_83_does_not_try_a_download_again(qwen: Deployed):
    def look() -> str:
        user = qwen.user()
        qwen.script("audio_host", "download", status=503, body="busy", times=1)
        return user.ended(user.speech(user.voice())["task_id"])["status"]

    assert both(qwen, "F-83", look) == ("completed", "failed")


def test_what_a_fault_of_names_does_not_touch_stays_checked(api: Deployed, user: User):
    with api.fault("F-27"):
        statuses = [user.post("/clone/upload-url", {**VOICE, name: " "}).status_code for name in VOICE]

    assert statuses == [400, 400, 400]
