"""Instances that are made over remote control while the sandbox runs."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.sandbox.running import Running, running


@pytest.fixture(scope="module")
def sandbox():
    with running("--setting", "tts.text_cap=77") as started:
        yield started


@pytest.fixture
def made(sandbox: Running):
    """Makes playgrounds and ends them after the test."""
    names: list[str] = []

    def make(**wish):
        reply = sandbox.control("POST", "tts/instances", wish)
        assert reply.status_code == 201, reply.text
        names.append(reply.json()["name"])
        return reply.json()

    yield make
    for name in names:
        sandbox.control("DELETE", f"tts/instances/{name}")
    sandbox.control("PUT", "faults", {"on": []})


def languages(sandbox: Running, ground: dict) -> dict:
    return sandbox.http.get(f"{ground['settings']['api_url']}/languages").json()


def sign_up(sandbox: Running, ground: dict) -> str:
    reply = sandbox.http.post(
        f"{ground['settings']['auth_url']}/signup",
        json={"email": "nora@example.test", "password": "sandbox-password"},
        headers={"apikey": ground["variables"]["TTS_ANON_KEY"]},
    )
    return reply.json()["access_token"]


def test_a_playground_tells_where_it_is_and_how_it_is_controlled(sandbox, made):
    ground = made(mode="modal")

    assert sorted(ground) == ["control", "name", "settings", "variables"]
    assert ground["control"] == f"{sandbox.ready['control_url']}/tts/{ground['name']}"
    assert (ground["settings"]["provider_mode"], languages(sandbox, ground)["provider"]) == ("modal", "modal")


def test_a_playground_is_like_the_first_instance_unless_it_is_said(sandbox, made):
    ground = made()

    assert (ground["settings"]["provider_mode"], ground["settings"]["lane"]) == ("qwen", "task")
    assert languages(sandbox, ground)["capabilities"]["max_text_chars"] == 77


def test_values_that_are_meant_for_one_lane_do_not_reach_the_other(sandbox, made):
    ground = made(lane="realtime")

    assert ground["settings"]["text_cap"] == 2000


def test_variables_are_set_and_removed(sandbox, made):
    ground = made(variables={"QWEN_MAX_TEXT_CHARS": "50", "DASHSCOPE_API_KEY": None})
    names = sandbox.http.get(f"{ground['control']}/state").json()["variables"]

    assert languages(sandbox, ground)["capabilities"]["max_text_chars"] == 50
    assert "DASHSCOPE_API_KEY" not in names


def test_a_mode_that_is_none_can_be_deployed(sandbox, made):
    ground = made(mode="qwen", variables={"TTS_PROVIDER_MODE": "qwenn"})
    reply = sandbox.http.get(f"{ground['settings']['api_url']}/languages")

    assert (reply.status_code, ground["settings"]["provider_mode"]) == (500, "qwen")
    assert reply.json()["detail"].startswith("Invalid TTS_PROVIDER_MODE: qwenn.")


def test_a_playground_shares_neither_users_nor_rows_nor_keys(sandbox, made):
    first, second = made(), made()
    token = sign_up(sandbox, first)
    headers = {"Authorization": f"Bearer {token}"}
    own = sandbox.http.get(f"{first['settings']['api_url']}/voices", headers=headers).status_code
    other = sandbox.http.get(f"{second['settings']['api_url']}/voices", headers=headers).status_code

    assert (own, other) == (200, 401)


def test_time_passes_in_one_playground_alone(sandbox, made):
    first, second = made(), made()
    tokens = {ground["name"]: sign_up(sandbox, ground) for ground in (first, second)}
    sandbox.http.post(f"{first['control']}/clock", json={"skip_s": 3700})

    def status(ground: dict) -> int:
        headers = {"Authorization": f"Bearer {tokens[ground['name']]}"}
        return sandbox.http.get(f"{ground['settings']['api_url']}/voices", headers=headers).status_code

    assert (status(first), status(second)) == (401, 200)


def test_faults_are_those_of_the_whole_sandbox(sandbox, made):
    ground = made()
    sandbox.control("PUT", "faults", {"on": ["tts:F-10"]})
    reply = sandbox.http.get(f"{ground['settings']['api_url']}/no-such-route")

    assert reply.headers["content-type"].startswith("text/plain")


def test_many_are_made_at_once(sandbox, made):
    with ThreadPoolExecutor(12) as pool:
        grounds = list(pool.map(lambda _: made(), range(12)))

    assert len({ground["settings"]["api_url"] for ground in grounds}) == 12
    assert {languages(sandbox, ground)["provider"] for ground in grounds} == {"qwen"}


def test_ending_one_frees_its_address_and_its_database(sandbox, made):
    ground = made()
    databases = "select count(*) from pg_database where datname like 'tts_qwen_task_%%'"
    with psycopg.connect(ground["variables"]["TTS_DATABASE_DSN"].replace(_database(ground), "postgres")) as connection:
        before = connection.execute(databases).fetchone()[0]
        reply = sandbox.control("DELETE", f"tts/instances/{ground['name']}")
        after = connection.execute(databases).fetchone()[0]

    assert (reply.status_code, before - after) == (200, 1)
    with pytest.raises(OSError, match="refused"):
        _knock(ground["settings"]["api_url"])


def test_the_instances_of_the_start_cannot_be_ended(sandbox):
    reply = sandbox.control("DELETE", "tts/instances/qwen-task")

    assert (reply.status_code, reply.json()["detail"]) == (404, "no such playground: qwen-task; there are none")


def test_the_end_of_the_sandbox_ends_a_playground_at_work():
    with running() as started:
        ground = started.control("POST", "tts/instances", {}).json()
        started.http.post(f"{ground['control']}/hold", json={"provider": "dashscope", "call": "design_create"})
        preview = {"text": "Good morning.", "language": "Auto", "instruct": "calm"}
        headers = {"Authorization": f"Bearer {sign_up(started, ground)}"}
        started.http.post(f"{ground['settings']['api_url']}/voices/design/preview", json=preview, headers=headers)

    with pytest.raises(OSError, match="refused"):
        _knock(ground["settings"]["api_url"])


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        ({"mood": "qwen"}, "unknown: mood"),
        ({"mode": "qwn"}, "no such mode: qwn. Did you mean qwen?"),
        ({"lane": "tasks"}, "no such lane: tasks. Did you mean task?"),
        ({"variables": {"QWEN_MAX_TEXT": "5"}}, "no such setting: tts.QWEN_MAX_TEXT"),
        ({"variables": {"QWEN_MAX_TEXT_CHARS": 5}}, "a variable is a text or null: QWEN_MAX_TEXT_CHARS"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_one_line(sandbox, wish, complaint):
    reply = sandbox.control("POST", "tts/instances", wish)

    assert reply.status_code == 400
    assert complaint in reply.json()["detail"]


def test_a_system_that_does_not_run_has_no_playgrounds(sandbox):
    reply = sandbox.control("POST", "tss/instances", {})

    assert (reply.status_code, reply.json()["detail"]) == (404, "no system tss; there are tts")


def _database(ground: dict) -> str:
    return f"tts_{ground['name'].replace('-', '_')}"


def _knock(url: str) -> None:
    parts = urlsplit(url)
    socket.create_connection((parts.hostname, parts.port), timeout=5).close()
