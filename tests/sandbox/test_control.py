"""Remote control of a running sandbox, over its socket."""

from __future__ import annotations

import pytest

from sandbox.faults import load
from tests.sandbox.running import Running, running


@pytest.fixture(scope="module")
def sandbox():
    with running("--mode", "qwen,modal") as started:
        yield started


@pytest.fixture(autouse=True)
def clean(sandbox: Running):
    """Every test leaves the sandbox as it found it."""
    yield
    for instance in ("qwen-task", "modal-task"):
        for provider, call in (("dashscope", "clone_create"), ("modal", "submit")):
            sandbox.control("POST", f"tts/{instance}/release", {"provider": provider, "call": call})
        for what in ("script", "requests", "log"):
            sandbox.control("DELETE", f"tts/{instance}/{what}")
    sandbox.control("PUT", "faults", {"on": []})


QWEN = "tts/qwen-task"
MODAL = "tts/modal-task"


def test_state_tells_instances_faults_and_clock(sandbox):
    state = sandbox.control("GET", "state").json()

    assert sorted(state["systems"]["tts"]) == ["modal-task", "qwen-task"]
    assert (state["faults"], state["systems"]["tts"]["qwen-task"]["text_cap"]) == ([], 600)


def test_state_holds_no_secret(sandbox):
    text = sandbox.control("GET", "state").text

    assert [name for name, value in sandbox.ready["variables"].items() if value in text] == []


def test_faults_are_switched_while_it_runs(sandbox):
    on = sandbox.control("PUT", "faults", {"on": ["tts:F-51"]}).json()["faults"]
    off = sandbox.control("PUT", "faults", {"on": []}).json()["faults"]

    assert (on, off) == (["tts:F-51"], [])


def test_a_fault_that_is_switched_on_takes_effect(sandbox):
    before = sandbox.get("qwen-task", "/no-such-route").headers["content-type"]
    sandbox.control("PUT", "faults", {"on": ["tts:F-10"]})
    after = sandbox.get("qwen-task", "/no-such-route").headers["content-type"]

    assert before.startswith("application/json")
    assert after.startswith("text/plain")


@pytest.mark.parametrize("fault", [one.name for one in load("tts").values() if one.built])
def test_every_built_fault_can_be_switched_on_and_off_while_it_runs(sandbox, fault):
    session = sandbox.sign_up("qwen-task")
    for on in ([fault], []):
        sandbox.control("PUT", "faults", {"on": on})
        voices = sandbox.get("qwen-task", "/voices", token=session["access_token"])

        assert sandbox.control("GET", "state").json()["faults"] == on
        assert (voices.status_code, voices.json()["voices"]) == (200, [])


def test_skipped_time_expires_a_token_but_not_a_fresh_one():
    with running() as aged:
        session = aged.sign_up("qwen-task")
        before = aged.get("qwen-task", "/credits/usage", token=session["access_token"]).status_code
        aged.control("POST", "clock", {"skip_s": 3700})
        after = aged.get("qwen-task", "/credits/usage", token=session["access_token"]).status_code
        fresh = aged.sign_up("qwen-task")["access_token"]
        again = aged.get("qwen-task", "/credits/usage", token=fresh).status_code

    assert (before, after, again) == (200, 401, 200)


def test_a_provider_is_scripted_and_its_log_read(sandbox):
    session = sandbox.sign_up("modal-task")
    sandbox.control("POST", f"{MODAL}/script", {"provider": "modal", "call": "design", "status": 500, "times": 1})
    preview = {"text": "Good morning.", "language": "Auto", "instruct": "calm"}
    task = sandbox.post("modal-task", "/voices/design/preview", preview, token=session["access_token"]).json()
    seen = sandbox.poll("modal-task", task["task_id"], session["access_token"])
    (entry,) = sandbox.control("GET", f"{MODAL}/requests?provider=modal").json()["requests"]

    assert seen["status"] == "failed"
    assert (entry["call"], entry["status"], entry["body"]["instruct"]) == ("design", 500, "calm")


def test_a_request_log_is_forgotten_on_demand(sandbox):
    sandbox.http.get(
        f"{sandbox.control('GET', 'state').json()['systems']['tts']['qwen-task']['providers']['modal']['url']}/x"
    )
    before = sandbox.control("GET", f"{QWEN}/requests").json()["requests"]
    sandbox.control("DELETE", f"{QWEN}/requests")

    assert (len(before), sandbox.control("GET", f"{QWEN}/requests").json()) == (1, {"requests": []})


def test_redeploying_changes_the_mode_without_a_restart(sandbox):
    before = sandbox.get("qwen-task", "/languages").json()["provider"]
    sandbox.control("POST", f"{QWEN}/variables", {"TTS_PROVIDER_MODE": " Modal "})
    during = sandbox.get("qwen-task", "/languages").json()["provider"]
    sandbox.control("POST", f"{QWEN}/variables", {"TTS_PROVIDER_MODE": "qwen"})

    assert (before, during) == ("qwen", "modal")


def test_removing_a_variable_falls_back_to_its_default(sandbox):
    sandbox.control("POST", f"{QWEN}/variables", {"TTS_PROVIDER_MODE": None})
    during = sandbox.get("qwen-task", "/languages").json()["provider"]
    sandbox.control("POST", f"{QWEN}/variables", {"TTS_PROVIDER_MODE": "qwen"})

    assert during == "modal"


def test_a_broken_function_of_the_database_is_felt_and_mended(sandbox):
    what = "rpc:rate_limit_check_and_increment"
    sandbox.control("POST", f"{QWEN}/break", {"what": what, "on": True})
    broken = sandbox.post("qwen-task", "/generate", {}).status_code
    sandbox.control("POST", f"{QWEN}/break", {"what": what, "on": False})

    assert (broken, sandbox.post("qwen-task", "/generate", {}).status_code) == (503, 401)


def test_a_broken_table_update_is_felt_and_mended(sandbox):
    session = sandbox.sign_up("qwen-task")
    name = {"display_name": "Nora"}
    sandbox.control("POST", f"{QWEN}/break", {"what": "update:profiles", "on": True})
    broken = sandbox.patch("qwen-task", "/profile", name, token=session["access_token"])
    sandbox.control("POST", f"{QWEN}/break", {"what": "update:profiles", "on": False})
    mended = sandbox.patch("qwen-task", "/profile", name, token=session["access_token"])

    assert (broken.status_code, broken.json()) == (500, {"detail": "Failed to update profile."})
    assert mended.status_code == 200


def test_broken_storage_refuses_writes_until_it_is_mended(sandbox):
    sandbox.control("POST", f"{QWEN}/break", {"what": "storage_write", "on": True})
    broken = sandbox.upload("qwen-task").status_code
    sandbox.control("POST", f"{QWEN}/break", {"what": "storage_write", "on": False})

    assert (broken >= 400, sandbox.upload("qwen-task").status_code) == (True, 200)


def test_an_option_of_a_provider_is_changed(sandbox):
    body = {"provider": "modal", "set": {"design_redirect": 303}}
    changed = sandbox.control("POST", f"{QWEN}/options", body).json()["options"]["design_redirect"]
    sandbox.control("POST", f"{QWEN}/options", {"provider": "modal", "set": {"design_redirect": 0}})

    assert changed == 303


def test_killing_the_worker_stops_work_in_flight(sandbox):
    session = sandbox.sign_up("qwen-task")
    sandbox.control("POST", f"{QWEN}/hold", {"provider": "dashscope", "call": "design_create", "count": 1})
    preview = {"text": "Good morning.", "language": "Auto", "instruct": "calm"}
    task = sandbox.post("qwen-task", "/voices/design/preview", preview, token=session["access_token"]).json()
    sandbox.until(lambda: sandbox.held("qwen-task", "dashscope").get("design_create"))
    killed = sandbox.control("POST", f"{QWEN}/kill_worker").json()["killed"]
    sandbox.control("POST", f"{QWEN}/release", {"provider": "dashscope", "call": "design_create"})
    status = sandbox.get("qwen-task", f"/tasks/{task['task_id']}", token=session["access_token"]).json()["status"]

    assert killed >= 1
    assert status in {"pending", "processing"}


def test_log_lines_of_the_api_can_be_read(sandbox):
    sandbox.get("qwen-task", "/languages", headers={"x-request-id": "abc-123"})
    (line,) = sandbox.control("GET", f"{QWEN}/log").json()["lines"]

    assert (line["request_id"], line["method"], line["status_code"]) == ("abc-123", "GET", 200)


@pytest.mark.parametrize(
    ("call", "status", "complaint"),
    [
        (("GET", "nothing", None), 404, "no such call: GET /_control/nothing"),
        (("GET", "tts/qwen-tsk/log", None), 404, "no instance tts/qwen-tsk; there are tts/qwen-task, tts/modal-task"),
        (("POST", f"{QWEN}/explode", None), 404, "no such call: POST explode"),
        (("PUT", "faults", {"on": ["tts:F-99"]}), 400, "no such fault: tts:F-99"),
        (("PUT", "faults", {"off": []}), 400, "unknown: off; the keys are on"),
        (("PUT", "faults", {"on": "tts:F-51"}), 400, "on has the wrong type: str"),
        (("PUT", "faults", ["tts:F-51"]), 400, "the body is not a JSON object"),
        (("POST", "clock", {"skip_s": -5}), 400, "cannot skip -5 seconds"),
        (("POST", "clock", {"skip_s": True}), 400, "skip_s has the wrong type: bool"),
        (("POST", f"{QWEN}/script", {"provider": "modal"}), 400, "missing: call"),
        (("POST", f"{QWEN}/script", {"provider": "modal", "call": "submit", "latency": 2}), 400, "unknown: latency"),
        (("POST", f"{QWEN}/hold", {"provider": "modal", "call": "sumbit"}), 400, "modal has no call sumbit"),
        (("POST", f"{QWEN}/hold", {"provider": "modle", "call": "submit"}), 400, "no provider modle"),
        (("POST", f"{QWEN}/options", {"provider": "modal", "set": {"x": 1}}), 400, "modal has no option x"),
        (("POST", f"{QWEN}/break", {"what": "everything", "on": True}), 400, "cannot break everything"),
        (("POST", f"{QWEN}/break", {"what": "update:nothing", "on": True}), 400, "no table nothing"),
        (("POST", f"{QWEN}/break", {"what": "rpc:nothing", "on": True}), 400, "no function nothing"),
        (("POST", f"{QWEN}/variables", {"lower": "x"}), 400, "a variable is an upper-case name"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(sandbox, call, status, complaint):
    reply = sandbox.control(*call)

    assert reply.status_code == status
    assert complaint in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]


def test_a_body_that_is_not_json_is_refused(sandbox):
    reply = sandbox.http.put(f"{sandbox.ready['control_url']}/faults", content=b"{on: }")

    assert (reply.status_code, reply.json()) == (400, {"detail": "the body is not JSON"})
