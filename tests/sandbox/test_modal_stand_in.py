"""The Modal stand-in: jobs, design, scripts, holds, request log."""

from __future__ import annotations

import asyncio
import base64

import aiohttp
import pytest

from sandbox.tts.providers.audio import speech_wav
from tests.sandbox.provider_fixtures import Bench, on_bench, until

SUBMIT = {"text": "Good morning.", "language": "Auto", "ref_audio_base64": "UklG", "ref_text": "hello"}
DESIGN = {"text": "Good morning.", "language": "Auto", "instruct": "calm"}


async def submit(bench: Bench) -> str:
    status, body = await bench.json("POST", f"{bench.providers.modal.url}/submit", json=SUBMIT)
    assert (status, body["status"]) == (200, "submitted")
    return str(body["job_id"])


async def job_status(bench: Bench, job_id: str) -> dict:
    return (await bench.json("GET", f"{bench.providers.modal.url}/status", params={"job_id": job_id}))[1]


def test_jobs_are_numbered_from_one():
    async def act(bench: Bench):
        return [await submit(bench), await submit(bench)]

    assert on_bench(act) == ["mock-job-1", "mock-job-2"]


def test_a_finished_job_gives_the_speech_of_its_text():
    async def act(bench: Bench):
        job = await submit(bench)
        told = await job_status(bench, job)
        return told, await bench.data("GET", f"{bench.providers.modal.url}/result", params={"job_id": job})

    told, (status, data, kind) = on_bench(act)

    assert (told["status"], told["result_ready"]) == ("completed", True)
    assert (status, kind) == (200, "audio/wav")
    assert data == speech_wav("Good morning.")


def test_a_job_at_work_is_running_and_its_result_not_ready():
    async def act(bench: Bench):
        bench.providers.modal.set_option("job_s", 60)
        job = await submit(bench)
        told = await job_status(bench, job)
        return told, await bench.json("GET", f"{bench.providers.modal.url}/result", params={"job_id": job})

    told, (status, _) = on_bench(act)

    assert (told["status"], told["result_ready"], status) == ("running", False, 202)


def test_a_job_whose_reference_is_no_audio_fails():
    async def act(bench: Bench):
        hopeless = {**SUBMIT, "ref_audio_base64": base64.b64encode(b"no audio " * 64).decode()}
        job = (await bench.json("POST", f"{bench.providers.modal.url}/submit", json=hopeless))[1]["job_id"]
        told = await job_status(bench, job)
        return told, await bench.json("GET", f"{bench.providers.modal.url}/result", params={"job_id": job})

    told, (status, _) = on_bench(act)

    assert (told["status"], told["result_ready"], status) == ("failed", False, 500)
    assert told["error"] == "reference audio could not be decoded"


def test_a_cancelled_job_never_gets_ready():
    async def act(bench: Bench):
        bench.providers.modal.set_option("job_s", 60)
        job = await submit(bench)
        await bench.json("POST", f"{bench.providers.modal.url}/cancel", json={"job_id": job})
        bench.providers.modal.set_option("job_s", 0)
        return await job_status(bench, job)

    told = on_bench(act)

    assert (told["status"], told["result_ready"]) == ("cancelled", False)


@pytest.mark.parametrize("path", ["status", "result"])
def test_an_unknown_job_is_404(path):
    async def act(bench: Bench):
        return await bench.json("GET", f"{bench.providers.modal.url}/{path}", params={"job_id": "mock-job-9"})

    assert on_bench(act)[0] == 404


@pytest.mark.parametrize(("path", "body"), [("submit", {"text": "hello"}), ("design", {"text": "hello"})])
def test_missing_fields_are_422(path, body):
    async def act(bench: Bench):
        return await bench.json("POST", f"{bench.providers.modal.url}/{path}", json=body)

    assert on_bench(act)[0] == 422


def test_design_answers_speech_at_once():
    async def act(bench: Bench):
        return await bench.data("POST", f"{bench.providers.modal.url}/design", json=DESIGN)

    assert on_bench(act) == (200, speech_wav("Good morning."), "audio/wav")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_design_can_redirect_to_a_result_that_is_polled(code):
    async def act(bench: Bench):
        bench.providers.modal.set_option("design_redirect", code)
        bench.providers.modal.set_option("design_interim", 2)
        url = f"{bench.providers.modal.url}/design"
        async with bench.http.post(url, json=DESIGN, allow_redirects=False) as reply:
            first, target = reply.status, reply.headers["Location"]
        return [first] + [(await bench.data("GET", target))[0] for _ in range(3)]

    assert on_bench(act) == [code, 202, 202, 200]


def test_a_scripted_answer_is_given_as_often_as_asked():
    async def act(bench: Bench):
        bench.providers.modal.script("submit", status=500, body={"detail": "boom"}, times=2)
        url = f"{bench.providers.modal.url}/submit"
        return [await bench.json("POST", url, json=SUBMIT) for _ in range(3)]

    answers = on_bench(act)

    assert answers[:2] == [(500, {"detail": "boom"})] * 2
    assert answers[2] == (200, {"job_id": "mock-job-1", "status": "submitted"})


def test_a_script_without_times_goes_on_until_it_is_cleared():
    async def act(bench: Bench):
        bench.providers.modal.script("submit", status=503, body="busy", times=None)
        url = f"{bench.providers.modal.url}/submit"
        seen = [(await bench.data("POST", url, json=SUBMIT))[0] for _ in range(3)]
        bench.providers.modal.clear_scripts()
        return [*seen, (await bench.data("POST", url, json=SUBMIT))[0]]

    assert on_bench(act) == [503, 503, 503, 200]


def test_a_script_may_change_headers_and_body_only():
    async def act(bench: Bench):
        bench.providers.modal.script("design", body=b"RIFF", headers={"Content-Type": "audio/x-wav"})
        return await bench.data("POST", f"{bench.providers.modal.url}/design", json=DESIGN)

    assert on_bench(act) == (200, b"RIFF", "audio/x-wav")


def test_a_dropped_connection_gives_no_answer():
    async def act(bench: Bench):
        bench.providers.modal.script("submit", drop=True)
        with pytest.raises(aiohttp.ClientError):
            await submit(bench)
        return bench.providers.modal.requests[0]["status"], await submit(bench)

    assert on_bench(act) == (0, "mock-job-2")


def test_a_held_answer_has_happened_but_is_not_heard_until_released():
    async def act(bench: Bench):
        modal = bench.providers.modal
        modal.hold("submit", 1)
        waiting = asyncio.create_task(submit(bench))
        await until(lambda: modal.held("submit"))
        happened, heard = len(modal.jobs), waiting.done()
        other = await submit(bench)
        released = modal.release("submit")
        return happened, heard, other, released, await waiting

    assert on_bench(act) == (1, False, "mock-job-2", 1, "mock-job-1")


def test_held_answers_are_released_oldest_first():
    async def act(bench: Bench):
        modal = bench.providers.modal
        modal.hold("submit")
        waiting = []
        for count in (1, 2):
            waiting.append(asyncio.create_task(submit(bench)))
            await until(lambda count=count: modal.held("submit") == count)
        modal.release("submit", 1)
        first = await waiting[0]
        left = (waiting[1].done(), modal.held("submit"))
        modal.release("submit")
        return first, left, await waiting[1]

    assert on_bench(act) == ("mock-job-1", (False, 1), "mock-job-2")


def test_closing_lets_held_answers_go():
    async def act(bench: Bench):
        bench.providers.modal.hold("submit")
        waiting = asyncio.create_task(submit(bench))
        await until(lambda: bench.providers.modal.held("submit"))
        await bench.providers.close()
        await asyncio.gather(waiting, return_exceptions=True)
        return waiting.done()

    assert on_bench(act) is True


def test_requests_are_logged_without_their_secrets():
    async def act(bench: Bench):
        url = f"{bench.providers.modal.url}/submit"
        await bench.json("POST", url, json=SUBMIT, headers={"Authorization": "Bearer secret-word"})
        return bench.providers.modal.requests

    (entry,) = on_bench(act)

    assert (entry["call"], entry["method"], entry["path"], entry["status"]) == ("submit", "POST", "/submit", 200)
    assert entry["body"]["text"] == "Good morning."
    assert entry["authorized"] is True
    assert "secret-word" not in str(entry)


def test_an_unknown_path_is_404_and_logged():
    async def act(bench: Bench):
        status, _ = await bench.json("GET", f"{bench.providers.modal.url}/nothing")
        return status, bench.providers.modal.requests[0]["call"]

    assert on_bench(act) == (404, None)


@pytest.mark.parametrize("act", ["script", "hold", "release", "held"])
def test_a_misspelt_call_is_refused(act):
    async def try_it(bench: Bench):
        with pytest.raises(KeyError, match="modal has no call sumbit"):
            getattr(bench.providers.modal, act)("sumbit")

    on_bench(try_it)
