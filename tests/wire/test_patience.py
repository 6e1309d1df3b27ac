"""A target that does not answer is given up soon; a 429 is waited for as long as waiting helps."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from aiohttp import web

from rollout_gates.wire import BadAnswer, CouldNotJudge, Pace, TargetUnreachable, TimedOut
from rollout_gates.wire.patience import Patience
from rollout_gates.wire.urls import joined, origin
from tests.wire.scene import OK, asynchronous, http_server, raw_server, request_head, scene

URL = "http://target.test"


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def dead(problem, *, calls=6, paths=3):
    """A patience that knows of so many calls in a row without an answer, and its clock."""
    clock = Clock()
    patience = Patience(now=clock)
    for number in range(calls):
        patience.silent("GET", f"{URL}/{number % paths}", problem)
    return patience, clock


def gives_up(patience, url=f"{URL}/elsewhere", method="GET"):
    try:
        patience.ask(method, url)
    except CouldNotJudge as problem:
        return problem
    return None


def test_a_dead_target_is_given_up_in_the_same_words():
    patience, _ = dead(TargetUnreachable("target.test:80: no connection: connection refused"))

    problem = gives_up(patience)

    assert type(problem) is TargetUnreachable
    assert str(problem) == "target.test:80: no connection: connection refused"


def test_a_target_that_hangs_is_given_up_with_the_last_complaint():
    patience, _ = dead(TimedOut(f"GET {URL}/1: no answer within 2 s"))

    assert str(gives_up(patience)) == (
        f"{URL}: no whole answer to 6 calls in a row, so no more are sent; GET {URL}/1: no answer within 2 s"
    )


@pytest.mark.parametrize(("calls", "paths"), [(5, 3), (6, 2), (20, 1)])
def test_a_target_is_not_given_up_for_few_calls_or_few_routes(calls, paths):
    patience, _ = dead(TimedOut("x"), calls=calls, paths=paths)

    assert gives_up(patience) is None


def test_a_route_that_hangs_is_given_up_alone():
    patience, _ = dead(TimedOut(f"GET {URL}/0: no answer within 2 s"), paths=1)

    assert gives_up(patience, f"{URL}/0?page=2") is not None
    assert gives_up(patience, f"{URL}/0", method="POST") is None


def test_another_target_is_not_given_up_with_it():
    patience, _ = dead(TimedOut("x"))

    assert gives_up(patience, "http://target.test:81/1") is None


def test_one_answer_makes_good():
    patience, _ = dead(TimedOut("x"), calls=5)
    patience.answered("GET", f"{URL}/1")
    patience.silent("GET", f"{URL}/1", TimedOut("x"))

    assert gives_up(patience) is None


def test_a_given_up_target_is_tried_again_by_one_call_each_five_seconds():
    patience, clock = dead(TimedOut("x"))

    clock.now += 5.1
    assert gives_up(patience) is None
    assert gives_up(patience) is not None
    patience.answered("GET", f"{URL}/elsewhere")
    assert gives_up(patience) is None


def test_what_is_no_silence_does_not_count():
    patience, _ = dead(CouldNotJudge("out of budget", "x"))

    assert gives_up(patience) is None


@asynchronous
async def test_many_calls_to_a_target_that_hangs_cost_few_timeouts(tmp_path):
    requests = []

    async def silent(reader, writer):
        requests.append(await request_head(reader))
        await reader.read()

    async with raw_server(silent) as url, scene(tmp_path, timeout_s=0.2) as it:
        started = time.monotonic()
        for number in range(40):
            with pytest.raises(TimedOut):
                await it.wire.send("GET", f"{url}/{number}")
        took_s = time.monotonic() - started

    assert len(requests) == 6
    assert took_s < 2.5
    assert len(it.lines()) == 6, "what was not sent is no exchange"


@asynchronous
async def test_bodies_that_never_end_count_as_silence(tmp_path):
    async def drip(reader, writer):
        await request_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url, scene(tmp_path, timeout_s=0.2) as it:
        replies = [await it.wire.send("GET", f"{url}/{number}") for number in range(6)]
        with pytest.raises(TimedOut, match="the body did not end within 0.2 s"):
            await it.wire.send("GET", f"{url}/7")

    assert all(reply.fault for reply in replies)


@asynchronous
async def test_a_target_that_comes_back_is_used_again(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with scene(tmp_path) as it:
        clock = Clock()
        it.wire._patience = Patience(now=clock)
        for number in range(8):
            with pytest.raises(TargetUnreachable):
                await it.wire.send("GET", f"{url}/{number}")

        async def talk(reader, writer):
            await request_head(reader)
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", port)
        clock.now += 6
        assert (await it.wire.send("GET", f"{url}/8")).status == 200
        assert (await it.wire.send("GET", f"{url}/9")).status == 200
        server.close()


# 429


def refusing(status=429, after="0.2"):
    calls = []

    async def handler(request):
        calls.append(request.path)
        code = status(request) if callable(status) else status
        return web.Response(status=code, text=f'{{"retry_after_seconds": {after}}}')

    return handler, calls


@asynchronous
async def test_a_target_that_refuses_everything_is_waited_for_once(tmp_path):
    handler, calls = refusing()
    async with http_server(handler) as url, scene(tmp_path) as it:
        started = time.monotonic()
        replies = [await it.wire.send("GET", f"{url}/{number}", actor=f"user_{number}") for number in range(20)]
        took_s = time.monotonic() - started

    assert {reply.status for reply in replies} == {429}
    assert len(calls) == 21
    assert took_s < 1.5


@asynchronous
async def test_a_bucket_that_is_refused_for_ever_leaves_the_others_their_wait(tmp_path):
    handler, calls = refusing(lambda request: 429 if request.path == "/full" or calls.count("/other") == 1 else 200)
    async with http_server(handler) as url, scene(tmp_path) as it:
        assert (await it.wire.send("GET", f"{url}/free", actor="b")).status == 200
        assert [(await it.wire.send("GET", f"{url}/full", actor="a")).status for _ in range(3)] == [429] * 3
        assert (await it.wire.send("GET", f"{url}/other", actor="b")).status == 200

    assert calls.count("/full") == 4
    assert calls.count("/other") == 2


@asynchronous
async def test_a_paced_tier_that_is_refused_for_ever_ends(tmp_path):
    handler, _ = refusing(after="0.3")
    pace = Pace(tmp_path / "pace.json", {"tier": 100}, 300)
    async with http_server(handler) as url, scene(tmp_path, pace=pace) as it:
        sends = (it.wire.send("GET", f"{url}/{number}", actor="a", tier="tier") for number in range(20))
        replies = await asyncio.wait_for(asyncio.gather(*sends), 10)

    assert {reply.status for reply in replies} == {429}


@pytest.mark.parametrize("after", ["NaN", "Infinity", "-Infinity", "1e400", "-5", '"soon"', "null", "[]", "9" * 400])
@asynchronous
async def test_a_429_may_ask_for_nonsense(tmp_path, after):
    handler, calls = refusing(lambda _: 429 if len(calls) == 1 else 200, after=after)
    pace = Pace(tmp_path / "pace.json", {}, 0.1)
    async with http_server(handler) as url, scene(tmp_path, pace=pace) as it:
        reply = await it.wire.send("GET", url)

    assert reply.status == 200


# URLs out of answers


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/b?x=1", "http://h:1/b?x=1"),
        ("b", "http://h:1/a/b"),
        ("//other/b", "http://other/b"),
        ("https://other/b", "https://other/b"),
    ],
)
def test_an_address_in_an_answer_is_completed(target, url):
    assert joined("http://h:1/a/z", target) == url


@pytest.mark.parametrize("target", ["http://[::1", "file:///etc/passwd", "javascript:1", "http://h:99999/", "ftp://h/"])
def test_an_address_that_cannot_be_fetched_is_the_targets_mistake(target):
    with pytest.raises(BadAnswer, match="which is no http"):
        joined("http://h:1/a", f"{target}?token=secret")


def test_a_refused_address_does_not_show_its_query():
    with pytest.raises(BadAnswer) as caught:
        joined("http://h:1/a?token=first", "ftp://user:secret@h/x?token=second")

    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_the_origin_of_an_address_is_scheme_host_and_port():
    assert origin("https://h:8/a?b") == ("https", "h", 8) != origin("https://h/a")
    assert origin("http://[::1") != origin("http://[::2")
