"""What `Wire.send` puts on the socket, and what it hands back."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import uuid
import zlib

import pytest
from aiohttp import web

from tests.wire.scene import OK, asynchronous, http_server, raw_server, request_head, saying, scene


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": [[name.lower(), value] for name, value in request.headers.items()],
            "body": body.decode("latin-1"),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    )


def heard(reply, name):
    return [value for key, value in reply.json()["headers"] if key == name]


@asynchronous
async def test_a_json_request_and_its_answer_come_through_whole(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("post", f"{url}/a?b=1", json={"text": "Grüße \u2028"}, actor="user_a")

    assert (reply.status, reply.fault, reply.actor, reply.request.method) == (200, None, "user_a", "POST")
    assert reply.json()["body"].encode("latin-1").decode() == '{"text":"Grüße \u2028"}'
    assert heard(reply, "content-type") == ["application/json"]
    assert 0 < reply.first_byte_s <= reply.elapsed_s < 5


@asynchronous
async def test_a_request_names_the_tool_and_the_run(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert heard(reply, "user-agent")[0].startswith("rollout-gates/")
    assert heard(reply, "user-agent")[0].endswith(" run/run-1")


@asynchronous
async def test_every_exchange_has_a_request_id_of_its_own(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        replies = [await it.wire.send("GET", url) for _ in range(3)]

    ids = [uuid.UUID(heard(reply, "x-request-id")[0]) for reply in replies]
    assert len(set(ids)) == 3
    assert [str(found) for found in ids] == [reply.request_id for reply in replies]


@asynchronous
async def test_a_request_id_can_be_given_or_left_out(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        given = await it.wire.send("GET", url, headers={"X-Request-Id": " mine "})
        none = await it.wire.send("GET", url, request_id=False)

    assert heard(given, "x-request-id") == ["mine"]
    assert heard(none, "x-request-id") == []


@asynchronous
async def test_a_header_may_be_repeated_or_left_out(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        twice = await it.wire.send("GET", url, headers=[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")])
        bare = await it.wire.send("POST", url, json={}, headers={"content-type": None, "accept": None})

    assert heard(twice, "x-forwarded-for") == ["1.1.1.1", "2.2.2.2"]
    assert heard(bare, "content-type") == []
    assert heard(bare, "accept") == []


@asynchronous
async def test_content_has_no_content_type_unless_it_is_given(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("POST", url, content='{"broken": ')

    assert heard(reply, "content-type") == []
    assert reply.json()["body"] == '{"broken": '


@pytest.mark.parametrize("size", [1, 65_537, 3_000_000])
@asynchronous
async def test_bytes_arrive_as_they_are(tmp_path, size):
    content = bytes(range(256)) * (size // 256) + b"\xff" * (size % 256)
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("PUT", url, content=content, headers={"content-type": "audio/wav"})

    assert reply.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert heard(reply, "content-length") == [str(size)]


@asynchronous
async def test_a_multipart_form_is_understood_by_a_server(tmp_path):
    async def form(request: web.Request) -> web.Response:
        fields = await request.post()
        clip = fields["audio"]
        return web.json_response([fields["name"], clip.filename, clip.content_type, len(clip.file.read())])

    async with http_server(form) as url, scene(tmp_path) as it:
        files = [("name", (None, "Zoë")), ("audio", ("clip.wav", b"\x00\xff" * 40_000, "audio/wav"))]
        reply = await it.wire.send("POST", url, files=files)

    assert reply.json() == ["Zoë", "clip.wav", "audio/wav", 80_000]


@asynchronous
async def test_a_form_is_url_encoded(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("POST", url, data={"a": "1 2", "b": "ü"})

    assert (heard(reply, "content-type"), reply.json()["body"]) == (
        ["application/x-www-form-urlencoded"],
        "a=1+2&b=%C3%BC",
    )


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("//a//b/", "//a//b/"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/a%2fb%2E%41", "/a%2fb%2E%41"),
        ("/x?q=100%25&r=a+b;c", "/x?q=100%25&r=a+b;c"),
        ("/x?q=100%", "/x?q=100%"),
        ("/voices?search=a b", "/voices?search=a%20b"),
        ("/ü", "/%C3%BC"),
    ],
)
@asynchronous
async def test_a_path_goes_out_as_written(tmp_path, path, sent):
    seen = []

    async def talk(reader, writer):
        seen.append((await request_head(reader)).split(b" ")[1].decode())
        writer.write(OK)

    async with raw_server(talk) as url, scene(tmp_path) as it:
        await it.wire.send("GET", f"{url}{path}")

    assert seen == [sent]


@asynchronous
async def test_repeated_response_headers_are_all_kept(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nVary: Origin\r\nX-A: 1\r\nx-a: 2\r\nSet-Cookie: s=1\r\nSet-Cookie: t=2\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(saying(answer)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert reply.headers.get_list("X-A") == ["1", "2"]
    assert reply.headers.get_list("set-cookie") == ["s=1", "t=2"]
    assert (reply.header("VARY"), reply.header("absent"), reply.header("absent", "-")) == ("Origin", "", "-")


@asynchronous
async def test_head_has_headers_and_no_body(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12345\r\n\r\n"
    async with raw_server(saying(answer)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("HEAD", url)

    assert (reply.status, reply.body, reply.header("content-length"), reply.fault) == (200, b"", "12345", None)


@asynchronous
async def test_a_redirect_is_not_followed(tmp_path):
    async def away(request):
        raise web.HTTPFound("/elsewhere")

    async with http_server(away) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert (reply.status, reply.header("location"), len(it.lines())) == (302, "/elsewhere", 1)


@asynchronous
async def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request(tmp_path):
    async def handler(request):
        answer = await echo(request)
        answer.set_cookie("session", "of-user-a")
        return answer

    async with http_server(handler) as url, scene(tmp_path) as it:
        await it.wire.send("GET", url, actor="user_a")
        reply = await it.wire.send("GET", url, actor="user_b")

    assert heard(reply, "cookie") == []


@asynchronous
async def test_a_proxy_in_the_environment_is_ignored(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert reply.status == 200


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"a": 1}')),
        ("gzip", gzip.compress(b'{"a": ') + gzip.compress(b"1}")),
        ("deflate", zlib.compress(b'{"a": 1}')),
        ("deflate", zlib.compress(b'{"a": 1}')[2:-4]),
        ("identity", b'{"a": 1}'),
    ],
    ids=["gzip", "gzip-twice", "deflate", "deflate-raw", "identity"],
)
@asynchronous
async def test_a_compressed_body_is_unpacked(tmp_path, encoding, packed):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with raw_server(saying(head + packed)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert (reply.json(), reply.fault) == ({"a": 1}, None)


@asynchronous
async def test_sixteen_requests_at_once_share_the_wire(tmp_path):
    async def slow(request):
        await asyncio.sleep(0.1)
        return web.json_response({"path": request.path})

    async with http_server(slow) as url, scene(tmp_path) as it:
        loop = asyncio.get_running_loop()
        started = loop.time()
        replies = await asyncio.gather(*(it.wire.send("GET", f"{url}/{number}") for number in range(16)))

    assert [reply.json()["path"] for reply in replies] == [f"/{number}" for number in range(16)]
    assert loop.time() - started < 1.5, "one by one they take 1.6 s"
    assert len({reply.exchange_id for reply in replies}) == 16


@asynchronous
async def test_a_reply_shows_no_secret_when_it_is_printed(tmp_path):
    async def leaks(request):
        return web.json_response({"access_token": "token-in-body-123456"}, headers={"x-key": "token-in-header-123456"})

    async with http_server(leaks) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", f"{url}/p?token=token-in-url-123456", headers={"authorization": "Bearer abc"})

    assert "123456" not in repr(reply)
    assert "abc" not in repr(reply.request.headers)
    assert "GET" in repr(reply)
    assert json.loads(reply.body)["access_token"] == "token-in-body-123456"


@asynchronous
async def test_fetch_follows_redirects_and_keeps_each_hop(tmp_path):
    async def hop(request):
        number = int(request.path.strip("/") or 0)
        if number < 3:
            raise web.HTTPFound(f"/{number + 1}")
        return await echo(request)

    async with http_server(hop) as url, scene(tmp_path) as it:
        reply = await it.wire.fetch(f"{url}/0", headers={"authorization": "Bearer same-origin"})

    assert ([found.status for found in reply.hops], reply.status) == ([302, 302, 302], 200)
    assert heard(reply, "authorization") == ["Bearer same-origin"]
    assert len(it.lines()) == 4


@asynchronous
async def test_fetch_takes_no_credentials_to_another_origin(tmp_path):
    async with http_server(echo) as other:

        async def away(request):
            raise web.HTTPFound(other)

        async with http_server(away) as url, scene(tmp_path) as it:
            reply = await it.wire.fetch(url, headers={"authorization": "Bearer secret", "apikey": "k", "x-kept": "1"})

    assert (heard(reply, "authorization"), heard(reply, "apikey"), heard(reply, "x-kept")) == ([], [], ["1"])
