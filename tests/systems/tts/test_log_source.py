"""Reading the log of a deployment: from a file, from a command, and from neither."""

from __future__ import annotations

import sys

import pytest

from rollout_gates.systems.tts import log_source
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.settings import Feed
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.wire.scene import asynchronous

LINES = '{"path": "/api/me"}\nplain words\n\n["no", "object"]\n'
READ = ({"path": "/api/me"}, {"text": "plain words"}, {"text": '["no", "object"]'})


@asynchronous
async def test_lines_are_read_from_a_file(tmp_path):
    file = tmp_path / "api.log"
    file.write_text(LINES)

    assert await log_lines(Feed(file=file)) == READ


@asynchronous
async def test_lines_are_read_from_a_command():
    assert await log_lines(Feed(command=(sys.executable, "-c", f"print({LINES!r}, end='')"))) == READ


@asynchronous
async def test_no_more_than_the_end_of_a_long_log_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(log_source, "MOST_BYTES", 12)
    file = tmp_path / "api.log"
    file.write_text("the first line\nthe last one")

    assert await log_lines(Feed(file=file)) == ({"text": "the last one"},)
    told = (sys.executable, "-c", "print('the first line'); print('the last on')")
    assert await log_lines(Feed(command=told)) == ({"text": "the last on"},)


@asynchronous
async def test_a_command_that_follows_the_log_is_ended(monkeypatch):
    monkeypatch.setattr(log_source, "_COMMAND_S", 1.0)
    following = "import sys, time; print('one'); sys.stdout.flush(); time.sleep(60)"

    assert await log_lines(Feed(command=(sys.executable, "-c", following))) == ({"text": "one"},)


@pytest.mark.parametrize(
    "logs",
    [
        Feed(file="/no/such/file"),
        Feed(command=("/no/such/command",)),
        Feed(command=(sys.executable, "-c", "raise SystemExit(3)")),
    ],
    ids=["no file", "no command", "a command that fails"],
)
@asynchronous
async def test_a_log_that_cannot_be_read_judges_nothing(logs):
    with pytest.raises(CouldNotJudge, match="source absent|cannot be|ended with status 3"):
        await log_lines(logs)


@asynchronous
async def test_a_log_that_nobody_configured_judges_nothing():
    with pytest.raises(NotConfigured, match=r"\[tts.logs\]"):
        await log_lines(None)
