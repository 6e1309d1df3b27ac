"""The line repeats the request in a real shell, with variables in place of secrets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess

import pytest
from aiohttp import web

from rollout_gates.evidence.curl import curl
from tests.wire.scene import asynchronous, http_server, scene

VARIABLES = {
    "TOKEN": "tok-1",
    "ANON_KEY": "anon-1",
    "SERVICE_ROLE_KEY": "role-1",
    "USER_B_TOKEN": "tok-b",
    "URL_TOKEN": "url-1",
}
JSON = [("content-type", "application/json")]


def words(command):
    """What the shell hands to curl."""
    shell = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    done = subprocess.run(["sh", "-c", shell], env={**os.environ, **VARIABLES}, capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def headers_of(command):
    found = words(command)
    return [found[at + 1] for at, word in enumerate(found) if word == "--header"]


def test_a_get_is_short():
    assert curl("GET", "http://h:1/a?b=1", [("accept", "*/*")], None) == (
        "curl --include 'http://h:1/a?b=1' --header 'accept: */*'"
    )


def test_secrets_become_variables():
    line = curl(
        "POST",
        "http://h/x?token=[redacted:url_token]",
        [("authorization", "Bearer [redacted:user_a_token]"), ("apikey", "[redacted:anon_key]"), *JSON],
        '{"a": "[redacted:user_b_token]"}',
    )

    assert headers_of(line) == ["authorization: Bearer tok-1", "apikey: anon-1", "content-type: application/json"]
    assert words(line)[1] == "http://h/x?token=url-1"
    assert words(line)[-2:] == ["--data-raw", '{"a": "tok-b"}']
    assert '"authorization: Bearer $TOKEN"' in line


def test_the_service_role_has_a_variable_of_its_own():
    line = curl("GET", "http://h/", [("authorization", "Bearer [redacted:service_role_key]")], None)

    assert headers_of(line) == ["authorization: Bearer role-1"]


@pytest.mark.parametrize(
    "body",
    ["it's", '"', "$HOME `id` \\ !x", "a\nb\n", "@file", "", "ü ", '{"a":"[redacted:user_b_token]it\'s $x"}', "-x"],
)
def test_a_body_survives_the_shell(body):
    found = words(curl("POST", "http://h/", JSON, body))

    assert found[-2:] == ["--data-raw", body.replace("[redacted:user_b_token]", "tok-b")]


def test_a_binary_body_is_a_file():
    line = curl("PUT", "http://h/", [("content-type", "audio/wav")], None, "exchange-main-1.body")

    assert words(line)[-2:] == ["--data-binary", "@exchange-main-1.body"]


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("GET", None, []),
        ("GET", "x", ["--request", "GET"]),
        ("POST", "x", []),
        ("POST", None, ["--request", "POST"]),
        ("HEAD", None, ["--head"]),
        ("DELETE", None, ["--request", "DELETE"]),
    ],
)
def test_the_method_is_said_only_when_curl_would_take_another(method, body, expected):
    found = words(curl(method, "http://h/", JSON, body))

    assert found[1 : 1 + len(expected)] == expected
    assert found[1 + len(expected)] == "http://h/"


def test_headers_that_curl_sets_itself_are_left_out():
    pairs = [("Host", "h"), ("content-length", "3"), ("user-agent", "x"), ("x-request-id", "1"), ("x-empty", "")]

    assert headers_of(curl("GET", "http://h/", pairs, None)) == ["x-empty;"]


def test_a_body_without_a_content_type_gets_none_from_curl():
    assert headers_of(curl("POST", "http://h/", [], "x")) == ["content-type:"]


def test_odd_paths_are_sent_as_written():
    assert "--path-as-is" in words(curl("GET", "http://h/a/../b", [], None))
    assert "--path-as-is" not in words(curl("GET", "http://h/a..b", [], None))
    assert "--globoff" in words(curl("GET", "http://h/a[1]{2}", [], None))
    assert "--globoff" not in words(curl("GET", "http://h/?token=[redacted:url_token]", [], None))


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@asynchronous
async def test_the_recorded_line_repeats_the_request(tmp_path):
    seen = []

    async def watch(request):
        body = await request.read()
        kept = {name.lower(): value for name, value in request.headers.items()}
        seen.append((request.method, request.raw_path, kept["authorization"], kept.get("content-type"), body))
        return web.Response(text=hashlib.sha256(body).hexdigest())

    async with http_server(watch) as url, scene(tmp_path) as it:
        it.redactor.register("tok-1-with-some-length", "user_a_token")
        await it.wire.send(
            "POST",
            f"{url}//a/../b?q=it's",
            content=json.dumps({"text": 'it\'s "so"\n$HOME', "n": 1}),
            headers={"authorization": "Bearer tok-1-with-some-length"},
        )
        run = await asyncio.create_subprocess_exec(
            "sh", "-c", f"{it.line()['curl']} --silent --noproxy '*'",
            env={**os.environ, "TOKEN": "tok-1-with-some-length"}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert await run.wait() == 0

    assert seen[0] == seen[1]
