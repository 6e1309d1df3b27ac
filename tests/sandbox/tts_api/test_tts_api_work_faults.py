"""Each fault of money and work shows its signature when it is on, and nothing of it when it is off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import DESIGN, VOICE, Deployed, User
from tests.sandbox.tts_api.test_tts_api_design_save import save
from tests.sandbox.tts_api.test_tts_api_faults import both
from tests.sandbox.tts_api.test_tts_api_tasks import working


def balance(user: User) -> int:
    return user.profile()["credits_remaining"]


def finalize(user: User, voice_id: str, **fields: object):
    return user.post("/clone/finalize", {**VOICE, "voice_id": voice_id, **fields})


@pytest.mark.parametrize(
    ("path", "trials"), [("clone", "clone_trials_remaining"), ("design", "design_trials_remaining")]
)
def test_f_06_charges_before_it_looks_at_the_mode(api: Deployed, path, trials):
    def look() -> tuple[int, int]:
        user = api.user()
        voice_id = user.uploaded()
        api.variables(TTS_PROVIDER_MODE="both")
        reply = finalize(user, voice_id) if path == "clone" else user.post("/voices/design/preview", DESIGN)
        api.variables(TTS_PROVIDER_MODE=api.mode)
        return reply.status_code, user.profile()[trials]

    assert both(api, "F-06", look) == ((500, 2), (500, 1))


def test_f_16_and_f_37_write_no_orphaned_voice_down(qwen: Deployed):
    user = qwen.user()

    def look() -> int:
        finalize(user, user.uploaded(), name="a\x00b")
        lines = [line for line in qwen.instance.log.lines if line.get("event") == "orphaned_provider_voice"]
        qwen.instance.log.lines.clear()
        return len(lines)

    assert both(qwen, "F-16", look) == (1, 0)
    assert both(qwen, "F-37", look) == (1, 0)


def test_f_17_deletes_the_audio_of_the_voice_that_was_there_first(api: Deployed, user: User):
    def look() -> int:
        voice_id = user.uploaded()
        statement = "insert into public.voices (id, user_id, name, source) values (%s, %s, 'first', 'uploaded')"
        api.sql(statement, voice_id, user.id)
        finalize(user, voice_id)
        return len(api.objects("references", f"{user.id}/{voice_id}"))

    assert both(api, "F-17", look) == (1, 0)


def test_f_21_makes_several_voices_of_concurrent_saves(qwen: Deployed):
    user = qwen.user()

    def look() -> int:
        task_id = user.ended(user.design())["id"]
        with ThreadPoolExecutor(6) as pool:
            return len({reply.json()["id"] for reply in pool.map(lambda _: save(user, task_id), range(6))})

    off, on = both(qwen, "F-21", look)
    assert off == 1
    assert on > 1


def test_f_25_completes_a_cancelled_preview(qwen: Deployed):
    def look() -> tuple[str, int]:
        user = qwen.user()
        qwen.instance.providers.dashscope.clear_requests()
        qwen.hold("dashscope", "design_create")
        task_id = user.design()
        qwen.until_heard("dashscope", "design_create")
        user.post(f"/tasks/{task_id}/cancel")
        qwen.release("dashscope", "design_create")
        qwen.idle()
        return user.task(task_id)["status"], save(user, task_id).status_code

    assert both(qwen, "F-25", look) == (("cancelled", 409), ("completed", 200))


def test_f_26_takes_an_interim_answer_for_audio(modal: Deployed):
    modal.instance.providers.modal.set_option("design_redirect", 303)
    modal.instance.providers.modal.set_option("design_interim", 1)
    user = modal.user()

    def look() -> bytes:
        return modal.http.get(user.ended(user.design())["result"]["audio_url"]).content[:4]

    off, on = both(modal, "F-26", look)
    assert off == b"RIFF"
    assert on != b"RIFF"


def test_f_33_completes_although_the_generation_was_not_updated(qwen: Deployed):
    def look() -> tuple[str, str, int]:
        user = qwen.user()
        qwen.instance.providers.audio_host.clear_requests()
        qwen.hold("audio_host", "download")
        answer = user.speech(user.voice())
        qwen.until_heard("audio_host", "download")
        qwen.breaking("update:generations")
        qwen.release("audio_host", "download")
        status = user.ended(answer["task_id"])["status"]
        qwen.mending("update:generations")
        return status, user.generation(answer["generation_id"])["status"], balance(user)

    assert both(qwen, "F-33", look) == (("failed", "processing", 20_000), ("completed", "processing", 19_987))


def test_f_37_keeps_no_trace_of_a_failure(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()

    def look() -> tuple[dict, int, bool]:
        qwen.instance.log.lines.clear()
        qwen.script("dashscope", "synthesis", status=400, body={"request_id": "r-1", "message": "m"})
        answer = user.speech(voice_id)
        user.ended(answer["task_id"])
        qwen.idle()
        lines = qwen.instance.log.lines
        kept = user.generation(answer["generation_id"])["provider_metadata"]
        return kept, sum("outcome" in line for line in lines), any("provider" in line for line in lines)

    off, on = both(qwen, "F-37", look)
    assert off == ({"request_id": "r-1", "error_category": "validation"}, 1, True)
    assert on == ({}, 0, False)


def test_f_40_leaves_a_task_without_worker_active(qwen: Deployed):
    def look() -> tuple[str, int]:
        user = qwen.user()
        voice_id = user.voice()
        qwen.instance.providers.dashscope.clear_requests()
        qwen.hold("dashscope", "synthesis")
        answer = user.speech(voice_id)
        qwen.until_heard("dashscope", "synthesis")
        qwen.run(qwen.instance.kill_workers())
        qwen.clock.skip(650)
        qwen.release("dashscope", "synthesis")
        return (
            user.get(f"/tasks/{answer['task_id']}").json()["status"],
            user.post("/generate", {"voice_id": voice_id, "text": "x"}).status_code,
        )

    assert both(qwen, "F-40", look) == (("failed", 200), ("processing", 409))


def test_f_46_accepts_a_cancel_between_the_two_writes(qwen: Deployed):
    def look() -> tuple[int, str, int, int]:
        user = qwen.user()
        answer = user.speech(user.voice())
        qwen.until(lambda: user.generation(answer["generation_id"])["status"] == "completed")
        cancel = user.post(f"/tasks/{answer['task_id']}/cancel").status_code
        qwen.idle()
        audio = user.get(f"/generations/{answer['generation_id']}/audio").status_code
        return cancel, user.task(answer["task_id"])["status"], audio, balance(user)

    assert both(qwen, "F-46", look) == ((400, "completed", 302, 19_987), (200, "cancelled", 302, 20_000))


def test_f_47_revives_a_task_that_was_cancelled_during_its_submit(modal: Deployed):
    def look() -> tuple[str, int]:
        user = modal.user()
        voice_id = user.voice()
        modal.instance.providers.modal.clear_requests()
        modal.hold("modal", "submit")
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(user.speech, voice_id)
            modal.until_heard("modal", "submit")
            task = modal.row("select id from public.tasks where user_id = %s", user.id)
            user.post(f"/tasks/{task['id']}/cancel")
            modal.release("modal", "submit")
            pending.result()
        status = user.get(f"/tasks/{task['id']}").json()["status"]
        return status, len(modal.objects("generations", user.id))

    assert both(modal, "F-47", look) == (("cancelled", 0), ("completed", 1))


def test_f_49_waits_for_ever_for_a_cancelled_job(modal: Deployed):
    def look() -> str:
        user = modal.user()
        answer = working(modal, user)
        modal.script("modal", "status", status=200, body={"status": "cancelled"})
        return user.get(f"/tasks/{answer['task_id']}").json()["status"]

    assert both(modal, "F-49", look) == ("cancelled", "processing")


def test_f_49_lets_a_late_failure_overwrite_a_cancel(modal: Deployed):
    def look() -> tuple[str, int]:
        user = modal.user()
        answer = working(modal, user)
        modal.instance.providers.modal.clear_requests()
        modal.hold("modal", "status")
        modal.script("modal", "status", status=200, body={"status": "failed"})
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(user.get, f"/tasks/{answer['task_id']}")
            modal.until_heard("modal", "status")
            user.post(f"/tasks/{answer['task_id']}/cancel")
            modal.release("modal", "status")
            pending.result()
        return user.task(answer["task_id"])["status"], balance(user)

    assert both(modal, "F-49", look) == (("cancelled", 20_000), ("failed", 20_000))


def test_f_64_loses_the_money_of_a_deleted_job(modal: Deployed):
    def look() -> tuple[int, str]:
        user = modal.user()
        answer = working(modal, user)
        user.delete(f"/tasks/{answer['task_id']}")
        return balance(user), user.generation(answer["generation_id"])["status"]

    assert both(modal, "F-64", look) == ((20_000, "cancelled"), (19_987, "processing"))


def test_f_64_keeps_blocking_after_the_generation_was_deleted(modal: Deployed):
    def look() -> tuple[int, int]:
        user = modal.user()
        answer = working(modal, user)
        user.delete(f"/generations/{answer['generation_id']}")
        blocked = user.post("/generate", {"voice_id": user.voice(), "text": "x"}).status_code
        user.post(f"/tasks/{answer['task_id']}/cancel")
        return blocked, balance(user)

    assert both(modal, "F-64", look) == ((200, 19_999), (409, 20_000))


@pytest.mark.parametrize("what", ["task", "generation"])
def test_f_64_lets_the_qwen_worker_settle(qwen: Deployed, what):
    with qwen.fault("F-64"):
        user = qwen.user()
        answer = working(qwen, user)
        user.delete(f"/{what}s/{answer[f'{what}_id']}")
        qwen.release("dashscope", "synthesis")
        qwen.idle()
    assert balance(user) == 20_000
