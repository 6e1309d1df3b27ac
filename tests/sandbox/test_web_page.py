"""The sandbox's web application, without a browser: it is served, and its origin leads to the API."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.sandbox.running import running


@pytest.fixture(scope="module")
def sandbox():
    with running() as started:
        yield started


@pytest.fixture
def web_url(sandbox):
    return sandbox.table("qwen-task")["web_url"]


@pytest.mark.parametrize("path", ["/", "/generate?text=Good%20morning."])
def test_the_page_is_served(web_url, path):
    answer = httpx.get(web_url + path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "{{" not in answer.text


def test_its_origin_leads_to_the_api(web_url, sandbox):
    languages = httpx.get(f"{web_url}/api/languages").json()

    assert languages == httpx.get(f"{sandbox.table('qwen-task')['api_url']}/languages").json()


def bundle_of(web_url):
    page = httpx.get(web_url).text
    named = re.findall(r'"(/assets/[^"]+)"', page)
    chunks = [f"/assets/{name}" for name in re.findall(r'"\./([\w-]+\.js)"', httpx.get(web_url + named[-1]).text)]
    return {path: httpx.get(web_url + path) for path in (*named, *chunks, f"{named[-1]}.map")}


def test_the_bundle_is_served_with_a_source_map(web_url):
    found = bundle_of(web_url)

    assert {answer.status_code for answer in found.values()} == {200}
    assert {answer.headers["content-type"].partition(";")[0] for answer in found.values()} == {
        "text/javascript",
        "text/css",
        "application/json",
    }
    assert len(found) == 5
    assert httpx.get(f"{web_url}/assets/no-such.js").status_code == 404


def test_a_key_in_bundle_answers_and_log_is_a_fault(sandbox, web_url):
    held = sandbox.ready["instances"]["tts/qwen-task"]["variables"]
    service, provider = held["TTS_SERVICE_ROLE_KEY"], held["DASHSCOPE_API_KEY"]

    def leaks():
        answer = httpx.get(f"{web_url}/api/languages")
        lines = sandbox.control("GET", "tts/qwen-task/log").json()["lines"]
        return [
            any(service in answer.text for answer in bundle_of(web_url).values()),
            provider in str(answer.headers),
            provider in json.dumps(lines[-1]),
        ]

    sandbox.control("PUT", "faults", {"on": ["tts:F-85"]})
    faulty = leaks()
    sandbox.control("PUT", "faults", {"on": []})

    assert (faulty, leaks()) == ([True] * 3, [False] * 3)


def test_the_source_tree_keeps_its_key_where_git_ignores_it(sandbox):
    root = Path(sandbox.table("qwen-task")["source_tree"])
    provider = sandbox.ready["instances"]["tts/qwen-task"]["variables"]["DASHSCOPE_API_KEY"]
    holding = [
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and provider in path.read_text()
    ]

    assert holding == [".env"]
    assert ".env" in (root / ".gitignore").read_text().splitlines()


def test_other_paths_stay_unknown(web_url):
    assert httpx.get(f"{web_url}/no-such-page").status_code == 404
    assert httpx.post(f"{web_url}/generate").status_code == 404


def test_a_page_with_a_cap_of_its_own_is_a_fault(sandbox, web_url):
    sandbox.control("PUT", "faults", {"on": ["tts:F-52"]})
    faulty = httpx.get(web_url).text
    sandbox.control("PUT", "faults", {"on": []})

    assert 'name="baked-in-cap" content="100"' in faulty
    assert 'name="baked-in-cap" content=""' in httpx.get(web_url).text
