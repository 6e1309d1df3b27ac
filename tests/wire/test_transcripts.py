"""Every exchange is one redacted line; several processes write to the same folder."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import multiprocessing
import re

import pytest
from aiohttp import web

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.transcript import MOST_TEXT, Exchange, Recorder
from rollout_gates.wire import TargetUnreachable, current_transcript
from tests.wire.scene import asynchronous, http_server, scene

TOKEN = "planted-token-0123456789-abcdef"
KEYS = {
    *("id", "t", "actor", "method", "url", "request_headers", "request_body", "status", "response_headers"),
    *("response_body", "first_byte_s", "elapsed_s", "retry_of", "fault", "error", "note", "curl"),
}


async def echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.Response(body=body, headers={"x-echo": request.headers.get("authorization", "-")})


@asynchronous
async def test_an_exchange_is_written_whole(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("POST", f"{url}/voices?page=1", json={"text": "Grüße"}, actor="user_a")
    line = it.line()

    assert set(line) == KEYS
    assert (line["id"], line["actor"], line["method"], line["status"]) == (reply.exchange_id, "user_a", "POST", 200)
    assert line["url"] == f"{url}/voices?page=1"
    assert line["request_body"] == line["response_body"] == '{"text":"Grüße"}'
    assert ["content-type", "application/json"] in line["request_headers"]
    assert dt.datetime.fromisoformat(line["t"]).utcoffset() == dt.timedelta(0)
    assert 0 < line["first_byte_s"] <= line["elapsed_s"]
    assert line["fault"] is line["error"] is line["retry_of"] is line["note"] is None


@asynchronous
async def test_a_flow_has_a_transcript_of_its_own(tmp_path):
    async def flow(it, url, name):
        current_transcript.set(name)
        return await it.wire.send("GET", url)

    async with http_server(echo) as url, scene(tmp_path) as it:
        replies = await asyncio.gather(*(asyncio.create_task(flow(it, url, name)) for name in ("clone", "golden:a/b")))
        named = await it.wire.send("GET", url, transcript="preflight")

    assert [reply.transcript for reply in replies] == ["clone", "golden:a/b"]
    assert sorted(path.name for path in (tmp_path / "transcripts").iterdir()) == [
        "clone.jsonl",
        "golden-a-b.jsonl",
        "preflight.jsonl",
    ]
    assert it.lines("clone")[0]["id"] == replies[0].exchange_id
    assert it.lines("preflight")[0]["id"] == named.exchange_id


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", None),
        ("Grüße".encode(), "Grüße"),
        (b"RIFF\x00\x00", {"bytes": 6, "sha256": hashlib.sha256(b"RIFF\x00\x00").hexdigest()}),
        (b"\xff\xfe\xfd", {"bytes": 3, "sha256": hashlib.sha256(b"\xff\xfe\xfd").hexdigest()}),
    ],
)
@asynchronous
async def test_text_is_kept_and_bytes_are_counted(tmp_path, body, kept):
    async with http_server(echo) as url, scene(tmp_path) as it:
        await it.wire.send("POST", url, content=body)

    assert it.line()["request_body"] == kept
    assert it.line()["response_body"] == kept


@asynchronous
async def test_a_long_text_is_cut_and_its_digest_is_that_of_the_whole(tmp_path):
    body = ("ü" * 100_000).encode()
    async with http_server(echo) as url, scene(tmp_path) as it:
        reply = await it.wire.send("POST", url, content=body)
    kept = it.line()["response_body"]

    assert reply.body == body
    assert (kept["bytes"], kept["cut"], kept["sha256"]) == (200_000, True, hashlib.sha256(body).hexdigest())
    assert set(kept["text"]) == {"ü"}
    assert MOST_TEXT // 3 < len(kept["text"]) <= MOST_TEXT


@pytest.mark.parametrize("before", range(MOST_TEXT - 40, MOST_TEXT + 1, 8))
@asynchronous
async def test_a_secret_across_the_cut_is_not_shown_in_part(tmp_path, before):
    async with http_server(echo) as url, scene(tmp_path) as it:
        it.redactor.register(TOKEN, "user_a_token")
        await it.wire.send("POST", url, content=("x" * before + TOKEN + "y" * 20_000 + TOKEN + "z" * 100_000).encode())
    kept = it.line()["response_body"]["text"]

    assert not re.search("planted|token-0|0123|abcdef", kept.replace("[redacted:user_a_token]", ""))


@asynchronous
async def test_planted_secrets_are_in_no_transcript(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        it.redactor.register(TOKEN, "user_a_token")
        await it.wire.send(
            "POST",
            f"{url}/{TOKEN}?token={TOKEN}&other={TOKEN}",
            json={"password": "hunter2", "deep": [{"note": f"has {TOKEN} in it"}]},
            headers={"authorization": f"Bearer {TOKEN}", "apikey": "unregistered-key", "x-mine": TOKEN},
            actor="user_a",
        )
        with pytest.raises(TargetUnreachable):
            await it.wire.send("GET", f"http://127.0.0.1:1/{TOKEN}", headers={"authorization": f"Bearer {TOKEN}"})
    text = (tmp_path / "transcripts" / "main.jsonl").read_text(encoding="utf-8")

    for secret in (TOKEN, "hunter2", "unregistered-key"):
        assert secret not in text
    assert it.redactor.counts["user_a_token"] >= 8
    assert ["x-echo", "Bearer [redacted:user_a_token]"] in it.lines()[0]["response_headers"]
    assert all(json.loads(line) for line in text.splitlines())


@asynchronous
async def test_a_token_that_nobody_registered_is_known_once_it_was_sent(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        await it.wire.send("POST", url, content=TOKEN, headers={"authorization": f"Bearer {TOKEN}"}, actor="user_b")

    assert it.line()["response_body"] == "[redacted:user_b_token]"


@asynchronous
async def test_a_short_wrong_token_does_not_take_words_away(tmp_path):
    async with http_server(echo) as url, scene(tmp_path) as it:
        it.redactor.allow("garbage")
        await it.wire.send("POST", url, content="collected garbage", headers={"authorization": "Bearer garbage"})

    assert it.line()["response_body"] == "collected garbage"
    assert ["authorization", "Bearer garbage"] in it.line()["request_headers"]


def _write(folder, worker, count):
    recorder = Recorder(folder, Redactor(), worker=worker)
    for _ in range(count):
        exchange = Exchange(
            recorder.next_id(), dt.datetime.now(dt.UTC), "anon", "GET", "http://h/", (), b"", response_body=b"x" * 9000
        )
        recorder.record("shared", exchange)
    recorder.close()


def test_workers_write_to_the_same_transcript_without_tearing_lines(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(tmp_path, f"gw{number}", 200)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    lines = [json.loads(line) for line in (tmp_path / "shared.jsonl").read_text().splitlines()]

    assert len({line["id"] for line in lines}) == 400
    assert {len(line["response_body"]) for line in lines} == {9000}


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "", "...", "ü"])
def test_a_transcript_stays_in_its_folder(tmp_path, name):
    recorder = Recorder(tmp_path / "transcripts", Redactor())
    recorder.record(name, Exchange("main-1", dt.datetime.now(dt.UTC), "anon", "GET", "http://h/", (), b""))
    recorder.close()

    assert [path.suffix for path in (tmp_path / "transcripts").iterdir()] == [".jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["transcripts"]
