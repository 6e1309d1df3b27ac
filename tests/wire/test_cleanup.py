"""`rollout-gates cleanup DIR` removes what a run left behind, over real sockets, and leaves its evidence alone."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sys
import textwrap
import threading

import pytest
from aiohttp import web

import rollout_gates.systems
from rollout_gates import cli, registry
from rollout_gates.cleanup import beside
from rollout_gates.evidence.events import EventLog, read_events
from rollout_gates.wire import Journal
from tests.wire.scene import http_server

SECRET = "key-of-the-shelf-0123456789"
SYSTEM = """
import contextlib
from rollout_gates.environment import Secrets, SystemSettings

KEY = "shelf"

class ShelfSecrets(Secrets):
    key: str | None = None

class Settings(SystemSettings):
    key = "shelf"
    url: str
    secrets: ShelfSecrets = ShelfSecrets()

FLOWS = {}

@contextlib.asynccontextmanager
async def open_session(context):
    yield context

async def golden_values(context, names): return {}
async def send_golden(context, case): ...

async def remove(context, resource):
    key = context.settings.secret("key").reveal()
    url = f"{context.settings.url}/{resource.kind}/{resource.id}?made={resource.made}"
    reply = await context.wire.send("DELETE", url, headers={"authorization": f"Bearer {key}"}, actor=resource.owner)
    if reply.status not in (204, 404):
        raise RuntimeError(f"DELETE was answered {reply.status} to {key}")
"""


class Shelf:
    """A target that holds things and hands them out for removal."""

    def __init__(self):
        self.things = set()
        self.asked = []
        self.broken = False

    async def handle(self, request):
        self.asked.append(request.path)
        if self.broken:
            return web.Response(status=500, text="no")
        found = request.path in self.things
        self.things.discard(request.path)
        return web.Response(status=204 if found else 404)


@contextlib.contextmanager
def in_thread(handler):
    """Serve *handler* from a loop in another thread; yield the base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = http_server(handler)
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def project(tmp_path, monkeypatch, shelf):
    """A folder with an environment `lab` that points at a shelf; a run of it is in `run/`."""
    package = tmp_path / "packages" / "shelf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SYSTEM)
    monkeypatch.setattr(rollout_gates.systems, "__path__", [str(tmp_path / "packages")])
    registry.system_packages.cache_clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHELF_KEY", SECRET)
    with in_thread(shelf.handle) as url:
        environment(tmp_path, url)
        yield tmp_path
    registry.system_packages.cache_clear()
    sys.modules.pop("rollout_gates.systems.shelf", None)


def environment(folder, url, kind="staging", name="lab"):
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments" / f"{name}.toml").write_text(
        textwrap.dedent(f"""
            kind = "{kind}"
            [limits]
            timeout_s = 2
            [shelf]
            url = "{url}"
            [shelf.secrets]
            key = "SHELF_KEY"
        """)
    )


@pytest.fixture
def journal(project):
    log = EventLog(project / "run" / "events.jsonl")
    log.append("run_started", schema="rollout-gates/events/1", run={"id": "run-1", "env": "lab", "kind": "staging"})
    yield Journal(log.append)
    log.close()


def cleanup(*arguments):
    return cli.main(["cleanup", "run", *arguments])


def test_what_is_left_is_removed_newest_first(project, shelf, journal, capsys):
    user = journal.made(journal.planned("shelf", "user", "mail", "nobody"), id="u-1")
    voice = journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")
    journal.removed(journal.made(journal.planned("shelf", "voice", "other", "user_a"), id="v-2"))
    shelf.things = {"/user/u-1", "/voice/v-1"}

    assert cleanup() == 0
    assert shelf.things == set()
    assert shelf.asked == ["/voice/v-1", "/user/u-1"]
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f"removed  {voice}", f"removed  {user}"]
    assert said[2].startswith("Nothing is left of this run.")


def test_a_second_clean_up_has_nothing_to_do(project, shelf, journal, capsys):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")

    assert (cleanup(), cleanup()) == (0, 0)
    assert len(shelf.asked) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is left of this run."


def test_what_was_only_planned_is_looked_for(project, shelf, journal):
    journal.planned("shelf", "voice", "rg-run-1", "user_a")
    shelf.things = {"/voice/rg-run-1"}

    assert cleanup() == 0
    assert shelf.things == set()


def test_a_run_that_left_nothing_needs_no_environment(project, shelf, journal, capsys, monkeypatch):
    journal.removed(journal.planned("shelf", "voice", "name", "user_a"))
    monkeypatch.delenv("SHELF_KEY")

    assert cleanup() == 0
    assert capsys.readouterr().out == "Nothing is left of this run.\n"
    assert shelf.asked == []


def test_events_that_cannot_be_read_are_no_reason_to_say_that_nothing_is_left(project, capsys):
    (project / "run").mkdir(parents=True, exist_ok=True)
    (project / "run" / "events.jsonl").write_bytes(bytes(range(256)) * 4)

    assert cleanup() == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("can no longer be read from its events.")


def test_what_cannot_be_removed_is_said_and_tried_again_later(project, shelf, journal, capsys):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")
    journal.made(journal.planned("shelf", "voice", "second", "user_a"), id="v-2")
    shelf.broken = True

    assert cleanup() == 1
    said = capsys.readouterr().out
    assert "left     2 things: DELETE was answered 500 to [redacted:key]\n         shelf voice v-2 of user_a\n" in said
    assert "2 of 2 things are left" in said
    shelf.broken = False
    assert cleanup() == 0
    assert len(shelf.asked) == 4


def test_a_dead_target_is_one_clear_reason_and_asked_once(project, shelf, journal, capsys):
    for name in ("a", "b", "c"):
        journal.made(journal.planned("shelf", "voice", name, "user_a"))
    environment(project, "http://127.0.0.1:1")

    assert cleanup() == 1
    said = capsys.readouterr().out
    assert said.count("127.0.0.1:1: no connection: connection refused") == 1
    assert said.count(" of user_a\n") == 3
    assert "Traceback" not in said
    lines = (beside(project / "run") / "transcripts" / "main.jsonl").read_text().splitlines()
    assert len(lines) == 1


def test_the_evidence_of_the_run_is_not_touched(project, shelf, journal):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")

    def digests():
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (project / "run").iterdir()}

    before = digests()
    assert cleanup() == 0
    assert digests() == before
    events = read_events(project / "run.cleanup" / "events.jsonl").events
    assert [event["event"] for event in events] == ["resource_removed"]


def test_no_secret_is_left_in_the_record_of_a_clean_up(project, shelf, journal, capsys):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")
    shelf.broken = True
    cleanup()
    written = "".join(path.read_text() for path in (project / "run.cleanup").rglob("*.jsonl"))

    assert SECRET not in written + capsys.readouterr().out
    assert "[redacted:key]" in written


def test_another_environment_can_be_named(project, shelf, journal):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")
    (project / "environments" / "lab.toml").rename(project / "moved.toml")

    assert cleanup("--env", "moved.toml") == 0


def test_an_environment_of_another_kind_is_refused(project, shelf, journal, capsys):
    journal.made(journal.planned("shelf", "voice", "name", "user_a"), id="v-1")
    environment(project, "http://127.0.0.1:1", kind="prod", name="live")

    assert cleanup("--env", "live") == 4
    assert "the run was pointed at lab (staging)" in capsys.readouterr().err
    assert shelf.asked == []


def test_things_of_a_sandbox_went_with_it(project, capsys):
    with EventLog(project / "run" / "events.jsonl") as log:
        log.append("run_started", run={"id": "run-1", "env": "local", "kind": "local"})
        Journal(log.append).planned("shelf", "voice", "name", "user_a")
    (project / "environments" / "local.toml").write_text('kind = "local"\nsandbox = true\n[shelf]\n')

    assert cleanup() == 0
    assert "went with the sandbox" in capsys.readouterr().out


def test_things_of_an_unknown_system_are_left(project, journal, capsys):
    journal.planned("cupboard", "box", "name", "user_a")

    assert cleanup() == 1
    assert "left     cupboard box name of user_a: no system is called cupboard" in capsys.readouterr().out


def test_a_folder_without_events_is_a_usage_error(project, capsys):
    assert cleanup() == 4
    assert capsys.readouterr().err == "rollout-gates cleanup: run is no evidence directory: it has no events.jsonl\n"


def test_a_missing_secret_is_a_usage_error(project, journal, monkeypatch, capsys):
    journal.planned("shelf", "voice", "name", "user_a")
    monkeypatch.delenv("SHELF_KEY")

    assert cleanup() == 4
    assert "the environment variable SHELF_KEY is not set" in capsys.readouterr().err
