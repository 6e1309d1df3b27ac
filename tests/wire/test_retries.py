"""Retries are bounded, asked for, and visible; a 429 is waited out once."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web

from rollout_gates.wire import Pace, TargetUnreachable
from rollout_gates.wire.retry import retry_after_s
from tests.wire.scene import OK, asynchronous, http_server, raw_server, request_head, scene


def statuses(*codes, body=None, headers=None):
    """Answer with *codes* one after the other, the last one for ever."""
    left = list(codes)

    async def handler(request):
        code = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response(body or {}, status=code, headers=headers)

    return handler


@pytest.mark.parametrize("code", [502, 503, 504])
@asynchronous
async def test_a_passing_failure_is_tried_again_when_asked_for(tmp_path, code):
    async with http_server(statuses(code, code, 200)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, retry="idempotent")

    assert reply.status == 200
    assert [(line["status"], line["retry_of"]) for line in it.lines()] == [
        (code, None),
        (code, "main-1"),
        (200, "main-1"),
    ]
    assert len({dict(line["request_headers"])["x-request-id"] for line in it.lines()}) == 3


@asynchronous
async def test_retries_end_after_two(tmp_path):
    async with http_server(statuses(503)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, retry="idempotent")

    assert (reply.status, len(it.lines())) == (503, 3)


@pytest.mark.parametrize("code", [200, 400, 404, 500])
@asynchronous
async def test_other_answers_are_not_tried_again(tmp_path, code):
    async with http_server(statuses(code, 200)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, retry="idempotent")

    assert (reply.status, len(it.lines())) == (code, 1)


@asynchronous
async def test_nothing_is_tried_again_unasked(tmp_path):
    async with http_server(statuses(503, 200)) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url)

    assert (reply.status, len(it.lines())) == (503, 1)


@asynchronous
async def test_a_call_that_is_not_idempotent_cannot_ask_for_retries(tmp_path):
    async with scene(tmp_path) as it:
        with pytest.raises(ValueError, match="POST is not idempotent"):
            await it.wire.send("POST", "http://127.0.0.1:1/", retry="idempotent")


@asynchronous
async def test_a_lost_connection_is_tried_again_when_asked_for(tmp_path):
    tries = []

    async def flaky(reader, writer):
        tries.append(await request_head(reader))
        if len(tries) > 1:
            writer.write(OK)
            await writer.drain()

    async with raw_server(flaky) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, retry="idempotent")

    assert (reply.status, len(tries)) == (200, 2)
    assert [line["error"] is None for line in it.lines()] == [False, True]


@asynchronous
async def test_a_dead_host_is_given_up_after_two_retries(tmp_path):
    async with scene(tmp_path) as it:
        with pytest.raises(TargetUnreachable):
            await it.wire.send("GET", "http://127.0.0.1:1/", retry="idempotent")

    assert len(it.lines()) == 3


@asynchronous
async def test_a_timeout_is_not_tried_again(tmp_path):
    async def silent(reader, writer):
        await reader.read()

    async with raw_server(silent) as url, scene(tmp_path, timeout_s=0.2) as it:
        call = it.wire.send("GET", url, retry="idempotent")
        await asyncio.gather(call, return_exceptions=True)

    assert len(it.lines()) == 1


# 429


@asynchronous
async def test_a_429_is_waited_out_once_and_is_no_sample(tmp_path):
    async with http_server(statuses(429, 200, body={"retry_after_seconds": 1})) as url, scene(tmp_path) as it:
        started = time.monotonic()
        reply = await it.wire.send("POST", url, json={}, actor="user_b")
        waited = time.monotonic() - started

    assert reply.status == 200
    assert 1 <= waited < 4
    assert [line["note"] for line in it.lines()] == ["rate limited: no sample; sent again after 1 s", None]
    assert it.lines()[1]["retry_of"] == "main-1"
    assert it.notes == [f"waiting 1 s: {url} refused user_b with 429"]


@asynchronous
async def test_a_second_429_is_handed_out(tmp_path):
    async with http_server(statuses(429, headers={"Retry-After": "0"})) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, retry="idempotent")

    assert (reply.status, len(it.lines())) == (429, 2)


@asynchronous
async def test_a_burst_gets_its_429_at_once(tmp_path):
    async with http_server(statuses(429, 200, body={"retry_after_seconds": 60})) as url, scene(tmp_path) as it:
        reply = await it.wire.send("GET", url, on_429="return")

    assert (reply.status, it.line()["note"], it.notes) == (429, None, [])


@asynchronous
async def test_a_429_tells_the_pace_so_that_all_callers_wait(tmp_path):
    pace = Pace(tmp_path / "pace.json", {"tier1": 100}, 1.0)
    server = http_server(statuses(429, 200, body={"retry_after_seconds": 300}))
    async with server as url, scene(tmp_path, pace=pace) as it:
        started = time.monotonic()
        await it.wire.send("GET", url, actor="user_a", tier="tier1")

    assert 0.9 < time.monotonic() - started < 10, "the wait is bounded by the window"
    assert len(it.lines()) == 2


class Said:
    """An answer as far as `retry_after_s` looks at it."""

    def __init__(self, body=None, header=""):
        self.body, self.value = body, header

    def json(self):
        if self.body is None:
            raise ValueError
        return self.body

    def header(self, name):
        return self.value


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Said({"retry_after_seconds": 12}), 12),
        (Said({"retry_after_seconds": 12}, "7"), 12),
        (Said({"detail": "slow down"}, "7"), 7),
        (Said(None, "Thu, 01 Jan 1970 00:01:40 GMT"), 60),
        (Said(None, "soon"), 1),
        (Said([]), 1),
        (Said({"retry_after_seconds": True}), 1),
        (Said({"retry_after_seconds": -5}), 0),
        (Said({"retry_after_seconds": 10**9}), 300),
    ],
)
def test_the_wait_after_a_429_is_read_and_bounded(answer, seconds):
    assert retry_after_s(answer, longest_s=300, now=40.0) == seconds
