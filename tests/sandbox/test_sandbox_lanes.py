"""Lanes of the sandbox: all cells in one process, each a deployment of its own, over sockets as a gate does."""

from __future__ import annotations

import json

import miniaudio
import pytest

from tests.sandbox.running import Running, running

CELLS = ["qwen-task", "qwen-realtime", "modal-task", "modal-realtime"]
VC = {"task": "qwen3-tts-vc-2026-01-22", "realtime": "qwen3-tts-vc-realtime-2026-01-15"}
TEXT = "Good morning from a stream."


@pytest.fixture(scope="module")
def sandbox():
    with running("--mode", "qwen,modal", "--lane", "task,realtime") as started:
        yield started


def test_every_cell_is_an_instance_of_its_own(sandbox: Running):
    tables = {name: sandbox.table(name) for name in CELLS}
    dsns = {sandbox.ready["instances"][f"tts/{name}"]["variables"]["TTS_DATABASE_DSN"] for name in CELLS}

    assert list(sandbox.ready["instances"]) == [f"tts/{name}" for name in CELLS]
    assert {name: f"{one['provider_mode']}-{one['lane']}" for name, one in tables.items()} == dict(
        zip(CELLS, CELLS, strict=True)
    )
    assert len({one["api_url"] for one in tables.values()}) == len(dsns) == len(CELLS)


def test_the_first_cell_is_the_one_that_is_told(sandbox: Running):
    assert sandbox.ready["systems"]["tts"] == sandbox.table("qwen-task")


@pytest.mark.parametrize("cell", CELLS)
def test_models_and_cap_are_those_of_the_lane(sandbox: Running, cell):
    table, lane = sandbox.table(cell), cell.split("-")[1]

    assert (table["vc_model"], table["text_cap"]) == (VC[lane], {"task": 600, "realtime": 2000}[lane])


@pytest.mark.parametrize(
    ("cell", "cap", "streams"),
    [
        ("qwen-task", 600, False),
        ("qwen-realtime", 2000, True),
        ("modal-task", 10_000, False),
        ("modal-realtime", 10_000, False),
    ],
)
def test_capabilities_are_those_of_the_cell(sandbox: Running, cell, cap, streams):
    capabilities = sandbox.get(cell, "/languages").json()["capabilities"]

    assert capabilities["max_text_chars"] == cap
    assert capabilities["supports_generate_stream"] is streams
    assert capabilities["default_generate_mode"] == ("stream" if streams else "task")


def cloned(sandbox: Running, cell: str) -> tuple[str, str]:
    """A fresh user's token and voice id."""
    session = sandbox.sign_up(cell)
    voice_id = sandbox.upload(cell, session).request.headers["x-voice-id"]
    wanted = {"voice_id": voice_id, "name": "Nora", "language": "English", "transcript": "hello"}
    reply = sandbox.post(cell, "/clone/finalize", wanted, token=session["access_token"])
    assert reply.status_code == 200, reply.text
    return session["access_token"], voice_id


def test_a_stream_is_heard_from_clone_to_history(sandbox: Running):
    token, voice_id = cloned(sandbox, "qwen-realtime")
    wanted = {"voice_id": voice_id, "text": TEXT}
    reply = sandbox.post("qwen-realtime", "/generate/stream", wanted, token=token)
    listed = sandbox.get("qwen-realtime", "/generations", token=token).json()["generations"]

    assert (reply.status_code, reply.headers["content-type"]) == (200, "audio/mpeg")
    assert miniaudio.decode(reply.content, nchannels=1).duration > 1
    assert [row["id"] for row in listed] == [reply.headers["x-utter-generation-id"]]


@pytest.mark.parametrize(("cell", "status"), [("qwen-task", 404), ("modal-task", 404), ("modal-realtime", 409)])
def test_nothing_else_streams(sandbox: Running, cell, status):
    token = sandbox.sign_up(cell)["access_token"]

    assert sandbox.post(cell, "/generate/stream", {}, token=token).status_code == status


def test_a_session_can_be_held_and_scripted_by_remote_control(sandbox: Running):
    cell = "qwen-realtime"
    token, voice_id = cloned(sandbox, cell)
    target = {"provider": "dashscope", "call": "realtime_session"}
    wrong = sandbox.control("POST", f"tts/{cell}/script", {**target, "body": {"do": "explode"}})
    right = sandbox.control("POST", f"tts/{cell}/script", {**target, "body": {"do": "error", "code": "AccessDenied"}})
    reply = sandbox.post(cell, "/generate/stream", {"voice_id": voice_id, "text": TEXT}, token=token)
    requests = sandbox.control("GET", f"tts/{cell}/requests?provider=dashscope").json()["requests"]
    (session,) = [one for one in requests if one["call"] == "realtime" and one["closed"]["code"] == 1007]

    assert (wrong.status_code, right.status_code) == (400, 200)
    assert "a mishap does one of" in wrong.json()["detail"]
    assert (reply.status_code, reply.json()) == (502, {"detail": "Qwen synthesis request failed"})
    assert session["events"][1]["text"] == TEXT


def test_a_voice_of_the_other_lane_does_not_exist_here(sandbox: Running):
    token, _ = cloned(sandbox, "qwen-realtime")
    _, other = cloned(sandbox, "qwen-task")
    reply = sandbox.post("qwen-realtime", "/generate/stream", {"voice_id": other, "text": TEXT}, token=token)

    assert (reply.status_code, json.loads(reply.content)) == (404, {"detail": "Voice not found"})
