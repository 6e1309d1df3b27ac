"""What breaks after the header block is a fault of the reply, since the target was judged; other bad answers too."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct

import pytest
from aiohttp import web

from rollout_gates.wire import BadAnswer, NotJson, RedirectLoop
from tests.wire.scene import OK, asynchronous, http_server, raw_server, request_head, saying, scene

SECRET = "s3cr3t-t0k3n-value"


@asynchronous
async def test_a_connection_reset_in_the_body_is_a_fault(tmp_path):
    async def reset(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.05)
        handle = writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with raw_server(reset) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert (reply.status, reply.body) == (200, b"hello")
    assert reply.fault is not None
    assert reply.fault.startswith("body broke off after 5 bytes (")
    assert it.line()["fault"] == reply.fault


@asynchronous
async def test_fewer_bytes_than_announced_are_a_fault(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"
    async with raw_server(saying(answer)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert (reply.body, reply.fault) == (b"12345", "body broke off after 5 bytes (fewer bytes than its content-length)")


@asynchronous
async def test_a_chunked_body_without_its_end_is_a_fault(tmp_path):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"
    async with raw_server(saying(answer)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert reply.body == b"12345"
    assert "chunked encoding is not complete" in (reply.fault or "")


@asynchronous
async def test_chunk_sizes_that_are_no_numbers_are_a_fault(tmp_path):
    async def talk(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"zz\r\n")
        await reader.read()

    async with raw_server(talk) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert reply.body == b"12345"
    assert "chunked encoding is not complete or not valid" in (reply.fault or "")


@asynchronous
async def test_a_body_that_drips_for_ever_ends_at_the_limit(tmp_path):
    async def drip(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url, scene(tmp_path, timeout_s=0.5) as it:
        reply = await it.wire.send("GET", url)

    assert reply.fault == f"body did not end within 0.5 s ({len(reply.body)} bytes received)"
    assert 1 <= len(reply.body) <= 12
    assert reply.elapsed_s < 3


@asynchronous
async def test_a_body_that_stops_in_the_middle_ends_at_the_limit(tmp_path):
    async def stall(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        await reader.read()

    async with raw_server(stall) as url, scene(tmp_path, timeout_s=0.4) as it:
        reply = await it.wire.send("GET", url)

    assert reply.fault == "body did not end within 0.4 s (3 bytes received)"


@asynchronous
async def test_an_endless_fast_body_ends_at_the_size_limit(tmp_path):
    async def flood(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"y" * 65_536)
            await writer.drain()

    async with raw_server(flood) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, max_bytes=1_000_000)

    assert (len(reply.body), reply.fault) == (1_000_000, "body is longer than 1000000 bytes")


@asynchronous
async def test_a_compressed_bomb_ends_at_the_size_limit(tmp_path):
    bomb = gzip.compress(bytes(50_000_000), compresslevel=9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with raw_server(saying(head + bomb)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, max_bytes=100_000)

    assert (len(reply.body), reply.fault) == (100_000, "body is longer than 100000 bytes")


@pytest.mark.parametrize(
    ("encoding", "body", "fault"),
    [
        ("gzip", b"not gzip at all", "the body is not valid gzip"),
        ("gzip", gzip.compress(b"a" * 1000)[:-9], "the gzip body stops in the middle"),
        ("br", b"\x8b\x01\x80", "content-encoding 'br' was not asked for"),
    ],
)
@asynchronous
async def test_a_body_that_is_not_its_encoding_is_a_fault(tmp_path, encoding, body, fault):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with raw_server(saying(head + body)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert reply.fault == fault


@asynchronous
async def test_a_wire_works_on_after_a_broken_body(tmp_path):
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", OK]

    async def talk(reader, writer):
        await request_head(reader)
        writer.write(answers.pop(0))
        await writer.drain()

    async with raw_server(talk) as url, scene(tmp_path) as it:
        broken = await it.wire.send("GET", url)
        whole = await it.wire.send("GET", url)

    assert broken.fault is not None
    assert (whole.fault, whole.json()) == (None, {})


@asynchronous
async def test_html_where_json_was_expected_is_said_in_one_line(tmp_path):
    async def page(request):
        return web.Response(status=502, text="<html>\n<body>Bad gateway" + "!" * 200, content_type="text/html")

    async with http_server(page) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", f"{url}/voices?token={SECRET}")
        with pytest.raises(NotJson) as caught:
            reply.json()

    message = str(caught.value)
    assert message.startswith(f"GET {url}/voices answered 502 with text/html where JSON was expected; the body starts ")
    assert "'<html> <body>Bad gateway!!!" in message
    assert message.endswith("(exchange main-1)")
    assert "\n" not in message
    assert SECRET not in message
    assert len(message) < 300


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{", b"[" * 100_000])
@asynchronous
async def test_no_body_is_read_as_json_that_is_none(tmp_path, body):
    async def handler(request):
        return web.Response(body=body)

    async with http_server(handler) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)
        with pytest.raises(NotJson):
            reply.json()


@pytest.mark.parametrize(("follow", "said"), [(5, "in a circle"), (1, "more than 1 redirects")])
@asynchronous
async def test_redirects_that_end_nowhere_are_bounded(tmp_path, follow, said):
    async def around(request):
        raise web.HTTPFound({"/a": "/b", "/b": "/c", "/c": "/a"}[request.path])

    async with http_server(around) as url, scene(tmp_path) as it:
        with pytest.raises(RedirectLoop, match=said) as caught:
            await it.wire.fetch(f"{url}/a", follow=follow)

    assert str(caught.value).startswith(f"{url}/a: ")
    assert len(it.lines()) <= 3


@asynchronous
async def test_a_redirect_to_another_scheme_is_not_followed(tmp_path):
    async def away(request):
        raise web.HTTPFound("file:///etc/passwd")

    async with http_server(away) as url, scene(tmp_path) as it:
        with pytest.raises(BadAnswer) as caught:
            await it.wire.fetch(url)

    assert str(caught.value) == f"{url}: the answer leads to 'file:///etc/passwd', which is no http(s) address"


@asynchronous
async def test_a_cancelled_call_is_recorded(tmp_path):
    async def silent(reader, writer):
        await reader.read()

    async with raw_server(silent) as url, scene(tmp_path) as it:
        call = asyncio.create_task(it.wire.send("GET", url))
        await asyncio.sleep(0.1)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    assert it.line()["error"] == "cancelled by the run"
