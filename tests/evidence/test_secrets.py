"""Secrets are planted wherever a run writes down what it met; none of them may be found in any file."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from rollout_gates.evidence.events import EventLog
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.render import render
from rollout_gates.evidence.transcript import Exchange, Recorder
from tests.evidence import story

SECRET = "p4ss/w&rd+very secret=="
FORMS = (SECRET, quote(SECRET, safe=""), quote(SECRET), base64.b64encode(SECRET.encode()).decode())


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Path, Redactor]:
    redactor = Redactor()
    redactor.register(SECRET, "user_a_token")
    run = story.Story(tmp_path)
    run.log.close()
    run.log = EventLog(tmp_path / "events.jsonl", redactor.redact)
    recorder = Recorder(tmp_path / "transcripts", redactor)
    recorder.record(
        "order",
        Exchange(
            id="main-1",
            sent=datetime.now(UTC),
            actor="buyer_a",
            method="POST",
            url=f"https://shop.example/orders?token={quote(SECRET)}",
            request_headers=[("authorization", f"Bearer {SECRET}"), ("apikey", SECRET)],
            request_body=SECRET.encode(),
            status=200,
            response_headers=[("set-cookie", f"session={SECRET}")],
            response_body=f'{{"echo":"{SECRET}","basic":"{FORMS[3]}"}}'.encode(),
            error=f"refused {SECRET}",
        ),
    )
    recorder.close()
    run.begin(argv=["pytest", f"--token={SECRET}"]).collect().flow("order", 1.0, f"Failed: {SECRET}")
    for kind in ("note", "problem"):
        run.log.append(kind, text=f"the token is {SECRET}")
    for kind in ("worker_lost", "collect_error"):
        run.log.append(kind, message=f"Traceback … {SECRET}", nodeid="suites/x.py", worker="gw1", clauses=[])
    run.log.append("resource_left", system="shop", kind="order", id="1", owner="a", how=f"DELETE with {SECRET} failed")
    run.check_rest("SHOP-CON-03", exchanges=[{"transcript": "transcripts/order.jsonl", "id": None}])
    run.check("SHOP-CON-03", "failed", message=f"got {FORMS[3]} and {FORMS[1]}, expected 1 of 2 nodes")
    render(run.end("NO-GO", 1))
    return tmp_path, redactor


def test_no_file_holds_a_planted_secret(planted):
    directory, _ = planted

    found = [
        (path.name, form)
        for path in directory.rglob("*")
        if path.is_file()
        for form in (*FORMS, "p4ss/w&amp;rd", "p4ss/w\\u0026rd")
        if form in path.read_text()
    ]
    assert found == []


def test_what_was_taken_out_is_named_and_the_rest_stays(planted):
    directory, redactor = planted

    assert redactor.total > 10
    for name in ("events.jsonl", "evidence.json", "index.html", "junit.xml", "ctrf.json", "go-no-go.md"):
        text = (directory / name).read_text()
        assert "[redacted:user_a_token]" in text.replace("\\[", "[").replace("\\_", "_").replace("\\]", "]")
    assert "expected 1 of 2 nodes" in (directory / "junit.xml").read_text()
