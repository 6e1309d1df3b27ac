"""The sandbox's web application, without a browser: it is served, and its origin leads to the API."""

from __future__ import annotations

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


def test_other_paths_stay_unknown(web_url):
    assert httpx.get(f"{web_url}/no-such-page").status_code == 404
    assert httpx.post(f"{web_url}/generate").status_code == 404


def test_a_page_with_a_cap_of_its_own_is_a_fault(sandbox, web_url):
    sandbox.control("PUT", "faults", {"on": ["tts:F-52"]})
    faulty = httpx.get(web_url).text
    sandbox.control("PUT", "faults", {"on": []})

    assert 'name="baked-in-cap" content="100"' in faulty
    assert 'name="baked-in-cap" content=""' in httpx.get(web_url).text
