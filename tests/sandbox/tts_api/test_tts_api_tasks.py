"""Tasks: cancel and delete in both modes, and what reads of a modal task set going."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.tts_api.deployed import Deployed, User
from tests.sandbox.tts_api.test_tts_api_common import detail

UNAVAILABLE = "Provider is temporarily unavailable. Please try again."


def balance(user: User) -> int:
    return user.profile()["credits_remaining"]


def working(api: Deployed, user: User) -> dict:
    """An accepted generate that does not end by itself."""
    api.hold("dashscope", "synthesis")
    api.instance.providers.modal.set_option("job_s", 3600)
    return user.speech(user.voice())


def finished(user: User) -> dict:
    answer = user.speech(user.voice())
    assert user.ended(answer["task_id"])["status"] == "completed"
    return answer


def test_a_cancel_ends_both_rows_and_refunds_once(api: Deployed, user: User):
    answer = working(api, user)
    reply = user.post(f"/tasks/{answer['task_id']}/cancel")
    assert (reply.status_code, reply.json()) == (200, {"cancelled": True, "task_id": answer["task_id"]})
    task, generation = user.task(answer["task_id"]), user.generation(answer["generation_id"])
    assert (task["status"], task["provider_status"], task["error"]) == ("cancelled", "cancelled", "Cancelled by user")
    assert task["cancellation_requested"] is (api.mode == "qwen")
    assert (generation["status"], generation["error_message"]) == ("cancelled", "Cancelled by user")
    assert task["completed_at"] is not None
    assert generation["generation_time_seconds"] is not None
    assert [row["signed_amount"] for row in user.ledger()] == [-13, 13]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_task_cannot_be_cancelled(api: Deployed, user: User, status):
    answer = finished(user)
    api.sql("update public.tasks set status = %s where id = %s", status, answer["task_id"])
    reply = user.post(f"/tasks/{answer['task_id']}/cancel")
    assert (reply.status_code, detail(reply)) == (400, f"Cannot cancel task with status: {status}")
    assert len(user.ledger()) == 1
    api.sql("update public.tasks set status = 'completed' where id = %s", answer["task_id"])


def test_parallel_cancels_refund_once(api: Deployed, user: User):
    answer = working(api, user)
    with ThreadPoolExecutor(5) as pool:
        statuses = sorted(pool.map(lambda _: user.post(f"/tasks/{answer['task_id']}/cancel").status_code, range(5)))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {400, 409}
    assert balance(user) == 20_000


@pytest.mark.parametrize("broken", ["update:tasks", "update:generations", "rpc:credit_apply_event"])
def test_a_cancel_that_cannot_be_written_changes_nothing(api: Deployed, user: User, broken):
    answer = working(api, user)
    api.breaking(broken)
    reply = user.post(f"/tasks/{answer['task_id']}/cancel")
    assert (reply.status_code, detail(reply)) == (500, "Failed to cancel task.")
    api.mending(broken)
    assert user.task(answer["task_id"])["status"] in {"pending", "processing"}
    assert user.post(f"/tasks/{answer['task_id']}/cancel").status_code == 200


def test_of_cancel_and_completion_only_one_wins(qwen: Deployed):
    user = qwen.user()
    voice_id = user.voice()
    for _ in range(15):
        answer = user.speech(voice_id, "abc")
        status = user.post(f"/tasks/{answer['task_id']}/cancel").status_code
        qwen.idle()
        playable = user.get(f"/generations/{answer['generation_id']}/audio").status_code == 302
        stored = bool(qwen.objects("generations", f"{user.id}/{answer['generation_id']}"))
        refunds = [
            row for row in user.ledger() if row["idempotency_key"] == f"generate:{answer['generation_id']}:refund"
        ]
        assert status in {200, 400, 409}
        assert (status == 200) == (not playable) == (not stored) == bool(refunds)


def test_a_cancelled_trial_comes_back(api: Deployed, user: User):
    api.hold("dashscope", "design_create")
    task_id = user.design()
    assert user.profile()["design_trials_remaining"] == 1
    user.post(f"/tasks/{task_id}/cancel")
    assert user.profile()["design_trials_remaining"] == 2


def test_a_task_can_be_deleted_whatever_its_status(api: Deployed, user: User):
    answer = finished(user)
    reply = user.delete(f"/tasks/{answer['task_id']}")
    assert (reply.status_code, reply.json()) == (200, {"ok": True})
    assert user.get(f"/tasks/{answer['task_id']}").status_code == 404
    assert user.get(f"/generations/{answer['generation_id']}/audio").status_code == 302
    assert len(user.ledger()) == 1


def test_deleting_an_active_task_loses_no_money(api: Deployed, user: User):
    answer = working(api, user)
    assert user.delete(f"/tasks/{answer['task_id']}").status_code == 200
    api.release("dashscope", "synthesis")
    api.idle()
    assert user.generation(answer["generation_id"])["status"] == "cancelled"
    assert [row["signed_amount"] for row in user.ledger()] == [-13, 13]
    assert api.objects("generations", user.id) == []


def test_deleting_an_active_preview_gives_the_trial_back(api: Deployed, user: User):
    api.hold("dashscope", "design_create")
    user.delete(f"/tasks/{user.design()}")
    api.release("dashscope", "design_create")
    api.idle()
    assert user.profile()["design_trials_remaining"] == 2


def test_deleting_the_generation_of_an_active_task_frees_the_user(api: Deployed, user: User):
    answer = working(api, user)
    assert user.delete(f"/generations/{answer['generation_id']}").status_code == 200
    task = user.get(f"/tasks/{answer['task_id']}").json()
    assert task["status"] == "failed"
    assert balance(user) == 20_000
    api.release("dashscope", "synthesis")
    api.idle()
    assert api.objects("generations", user.id) == []


def test_a_task_follows_its_own_provider_after_a_flip(modal: Deployed):
    user = modal.user()
    answer = user.speech(user.voice())
    modal.variables(TTS_PROVIDER_MODE="qwen")
    assert user.ended(answer["task_id"])["status"] == "completed"


# Reads of modal tasks


def test_a_job_at_work_is_asked_and_counted(modal: Deployed):
    user = modal.user()
    answer = working(modal, user)
    first, second = (user.get(f"/tasks/{answer['task_id']}").json() for _ in range(2))
    elapsed = first["modal_elapsed_seconds"]
    assert elapsed >= 0
    assert first == {
        "id": answer["task_id"],
        "type": "generate",
        "status": "processing",
        "error": None,
        "provider": "modal",
        "provider_status": "running",
        "provider_poll_count": 1,
        "modal_status": "running",
        "modal_elapsed_seconds": elapsed,
        "modal_poll_count": 1,
    }
    assert (second["modal_poll_count"], second["provider_poll_count"]) == (2, 2)
    stored = user.task(answer["task_id"])
    assert (stored["provider_status"], stored["modal_poll_count"], stored["provider_poll_count"]) == (None, 2, 0)


def test_a_ready_job_is_brought_home(modal: Deployed):
    user = modal.user()
    answer = user.speech(user.voice())
    ending = user.get(f"/tasks/{answer['task_id']}").json()
    assert (ending["status"], ending["modal_status"], ending["provider_status"]) == ("completed",) * 3
    assert ending["modal_poll_count"] == ending["provider_poll_count"] == 1
    assert ending["result"] == {"audio_url": f"/api/generations/{answer['generation_id']}/audio"}
    later = user.get(f"/tasks/{answer['task_id']}").json()
    assert (later["modal_status"], later["modal_elapsed_seconds"]) == (None, None)
    assert (later["modal_poll_count"], later["provider_poll_count"]) == (1, 0)
    redirect = user.get(f"/generations/{answer['generation_id']}/audio")
    assert modal.http.get(redirect.headers["location"]).content[:4] == b"RIFF"
    assert user.generation(answer["generation_id"])["output_format"] is None


def test_parallel_reads_bring_a_job_home_once(modal: Deployed):
    user = modal.user()
    answer = user.speech(user.voice())
    with ThreadPoolExecutor(5) as pool:
        replies = list(pool.map(lambda _: user.get(f"/tasks/{answer['task_id']}").json(), range(5)))
    assert {reply["status"] for reply in replies} == {"completed"}
    assert len(modal.heard("modal", "result")) == 1


@pytest.mark.parametrize("how", [{"status": 500, "body": "canary"}, {"status": 200, "body": "canary"}, {"drop": True}])
def test_a_service_that_cannot_be_asked_changes_nothing(modal: Deployed, how):
    user = modal.user()
    answer = working(modal, user)
    modal.script("modal", "status", **how)
    task = user.get(f"/tasks/{answer['task_id']}").json()
    assert (task["status"], task["modal_status"], task["provider_status"]) == (
        "processing",
        "status_error",
        "status_error",
    )
    assert task["error"] == UNAVAILABLE
    assert user.task(answer["task_id"])["error"] is None


def test_a_failed_job_is_refunded_and_does_not_quote_the_service(modal: Deployed):
    user = modal.user()
    answer = working(modal, user)
    modal.script("modal", "status", status=200, body={"status": "failed", "error": "canary"})
    task = user.get(f"/tasks/{answer['task_id']}").json()
    assert (task["status"], task["modal_status"]) == ("failed", "failed")
    assert task["error"] == "Generation failed. Please try again."
    assert user.generation(answer["generation_id"])["status"] == "failed"
    assert balance(user) == 20_000


def test_a_job_that_the_service_cancelled_ends_its_task(modal: Deployed):
    user = modal.user()
    answer = working(modal, user)
    modal.script("modal", "status", status=200, body={"status": "cancelled"})
    assert user.get(f"/tasks/{answer['task_id']}").json()["status"] == "cancelled"
    assert user.generation(answer["generation_id"])["status"] == "cancelled"
    assert balance(user) == 20_000


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 202}, {"status": 200, "body": b""}])
def test_a_result_that_does_not_come_is_asked_for_again(modal: Deployed, how):
    user = modal.user()
    answer = user.speech(user.voice())
    modal.script("modal", "result", **how)
    task = user.get(f"/tasks/{answer['task_id']}").json()
    assert (task["status"], task["modal_status"]) == ("processing", "finalizing")
    assert user.get(f"/tasks/{answer['task_id']}").json()["status"] == "completed"


def test_a_result_that_cannot_be_stored_is_stored_later(modal: Deployed):
    user = modal.user()
    answer = user.speech(user.voice())
    modal.breaking("storage_write:generations")
    reply = user.get(f"/tasks/{answer['task_id']}")
    assert (reply.status_code, detail(reply)) == (500, "Failed to upload generation audio.")
    modal.mending("storage_write:generations")
    assert user.get(f"/tasks/{answer['task_id']}").json()["status"] == "completed"


def test_a_completion_that_cannot_be_written_is_tried_again(modal: Deployed):
    user = modal.user()
    answer = user.speech(user.voice())
    modal.breaking("update:generations")
    reply = user.get(f"/tasks/{answer['task_id']}")
    assert (reply.status_code, detail(reply)) == (500, "Failed to update task.")
    modal.mending("update:generations")
    assert user.get(f"/tasks/{answer['task_id']}").json()["status"] == "completed"


@pytest.mark.parametrize("call", ["status", "result"])
def test_a_cancel_during_a_read_wins(modal: Deployed, call):
    user = modal.user()
    answer = user.speech(user.voice())
    modal.hold("modal", call)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(user.get, f"/tasks/{answer['task_id']}")
        modal.until_heard("modal", call)
        assert user.post(f"/tasks/{answer['task_id']}/cancel").status_code == 200
        modal.release("modal", call)
        assert pending.result().json()["status"] == "cancelled"
    assert modal.objects("generations", user.id) == []
    assert user.generation(answer["generation_id"])["status"] == "cancelled"
    assert balance(user) == 20_000


def test_a_late_failure_does_not_move_a_cancelled_task(modal: Deployed):
    user = modal.user()
    answer = working(modal, user)
    modal.hold("modal", "status")
    modal.script("modal", "status", status=200, body={"status": "failed"})
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(user.get, f"/tasks/{answer['task_id']}")
        modal.until_heard("modal", "status")
        user.post(f"/tasks/{answer['task_id']}/cancel")
        modal.release("modal", "status")
        assert pending.result().json()["status"] == "cancelled"


@pytest.mark.parametrize("how", [{"status": 500}, {"drop": True}])
def test_the_job_is_cancelled_and_its_refusal_ignored(modal: Deployed, how):
    user = modal.user()
    answer = working(modal, user)
    modal.script("modal", "cancel", **how)
    assert user.post(f"/tasks/{answer['task_id']}/cancel").status_code == 200
    assert len(modal.heard("modal", "cancel")) == 1


def test_without_a_cancel_url_the_cancel_stays_here(modal: Deployed):
    user = modal.user()
    answer = working(modal, user)
    modal.variables(MODAL_JOB_CANCEL=None)
    assert user.post(f"/tasks/{answer['task_id']}/cancel").status_code == 200
    assert modal.heard("modal", "cancel") == []
