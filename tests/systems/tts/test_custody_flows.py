"""The flows that search for secrets: on a deployment that is no sandbox, and where they cannot say anything."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aiohttp import web

from rollout_gates.evidence.events import EventLog
from rollout_gates.evidence.sightings import Sightings
from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.secret_search.planted import ANON, PROVIDER, SERVICE, USER, noise
from tests.systems.tts.acting import acting, settings_of
from tests.systems.tts.elsewhere import Elsewhere, served
from tests.wire.scene import asynchronous

BASE = {
    "api_url": "https://p.example/functions/v1/api", "auth_url": "https://p.example/auth/v1", "lane": "task",
    "data_url": "https://p.example/rest/v1", "storage_url": "https://p.example/storage/v1", "provider_mode": "modal",
}  # fmt: skip
PAGE = '<!doctype html><script type="module" src="/assets/app.js"></script>'
HELD = {"service_role_key": SERVICE, "dashscope_api_key": PROVIDER}


class Site:
    """A web application on loopback: files by path, everything else is the page, as single pages have it."""

    def __init__(self, files, *, status=200):
        self.files, self.status = files, status

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self.runner.cleanup()

    async def _answer(self, request):
        if request.path == "/login":
            raise web.HTTPFound("/app/")
        text = self.files.get(request.path)
        kind = "text/html" if text is None else "text/javascript"
        return web.Response(text=PAGE if text is None else text, content_type=kind, status=self.status)


async def observed(folder, settings, *flows, sightings=True, kind="staging"):
    """What *flows* observed, the last one first asked for, and the events."""
    async with acting(folder, settings, kind=kind) as run:
        recorder = run.context.wire.recorder
        for name, secret in settings.held_secrets.items():
            run.redactor.register(secret.reveal(), name)
        if sightings:
            recorder.sightings = Sightings.of(run.redactor, settings)
        run.context.folder = folder
        return [await run.observe(flow) for flow in flows], run


async def refused(folder, settings, flow):
    with pytest.raises(CouldNotJudge) as problem:
        await observed(folder, settings, flow)
    return problem.value


@pytest.mark.parametrize("flow", ["bundle_scan", "source_scan", "logs_scan", "scans_on_record", "origins"])
@asynchronous
async def test_what_nobody_configured_is_not_judged(tmp_path, flow):
    problem = await refused(tmp_path, settings_of(BASE), flow)

    assert isinstance(problem, NotConfigured)


@asynchronous
async def test_a_bundle_is_fetched_and_searched(tmp_path):
    lazy = f'{noise(2)};const k="{SERVICE.encode().hex()}"'
    files = {
        "/assets/app.js": f'{noise(1)};a="{ANON}";import("./lazy.js");import("./gone.js")',
        "/assets/lazy.js": lazy,
    }
    async with Site(files) as site:
        settings = settings_of({**BASE, "web_bundle": f"{site.url}/login"}, **HELD)
        (scan,), run = await observed(tmp_path, settings, "bundle_scan")

    assert scan.searched == 3
    assert [each.place for each in scan.findings] == [f"{site.url}/assets/lazy.js"]
    assert "value of secrets.service_role_key, hex" in str(scan.findings[0])
    (event,) = run.events.of("secret_scan")
    assert (event["system"], event["title"], event["detail"]) == ("tts", "Web bundle", list(scan.lines()))
    assert SERVICE not in json.dumps(event)


@pytest.mark.parametrize(
    ("files", "status", "words"), [({}, 401, "answered 401"), ({"/": "// parked"}, 200, "no script")]
)
@asynchronous
async def test_what_is_no_bundle_is_inconclusive(tmp_path, files, status, words):
    async with Site(files, status=status) as site:
        problem = await refused(tmp_path, settings_of({**BASE, "web_bundle": site.url}), "bundle_scan")

    assert (problem.reason, words in str(problem)) == (Reason.SOURCE_ABSENT, True)


@asynchronous
async def test_a_script_that_is_not_there_is_told(tmp_path):
    async with Site({"/": PAGE}) as site:
        (scan,), _run = await observed(tmp_path, settings_of({**BASE, "web_bundle": site.url}), "bundle_scan")

    assert scan.left_out == (f"{site.url}/assets/app.js (answered with a page)",)


@asynchronous
async def test_an_empty_source_tree_is_inconclusive(tmp_path):
    (tmp_path / "tree").mkdir()
    problem = await refused(tmp_path, settings_of({**BASE, "source_tree": str(tmp_path / "tree")}), "source_scan")

    assert problem.reason is Reason.SOURCE_ABSENT


@asynchronous
async def test_a_source_tree_and_a_directory_of_a_build_are_on_record(tmp_path):
    for folder, text in (("tree", f"k = '{PROVIDER}'"), ("build", noise(1))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.js").write_text(text)
    table = {**BASE, "source_tree": str(tmp_path / "tree"), "web_bundle": str(tmp_path / "build")}
    async with acting(tmp_path, settings_of(table, **HELD)) as run:
        run.context.folder = tmp_path
        with EventLog(tmp_path / "events.jsonl") as log:
            run.context.record = log.append
            scans = await run.observe("scans_on_record")

    assert [len(scan.findings) for scan in scans.made] == [0, 1]
    assert scans.recorded == {scan.title: tuple(scan.lines()) for scan in scans.made}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ({"message": "all is well", "token": USER}, 0),
        ({"debug": {"key": PROVIDER}}, 1),
        ({"text": f"Authorization: Bearer {SERVICE}"}, 1),
    ],
)
@asynchronous
async def test_the_log_of_a_deployment_is_searched(tmp_path, line, found):
    (tmp_path / "log").write_text(f'{{"path": "/api/me"}}\n{json.dumps(line)}\n')
    settings = settings_of({**BASE, "logs": {"file": str(tmp_path / "log")}}, **HELD)
    (scan,), _run = await observed(tmp_path / "evidence", settings, "logs_scan")

    assert (scan.searched, len(scan.findings)) == (2, found)
    assert [str(each).startswith("log:2: value of secrets.") for each in scan.findings] == [True] * found


@asynchronous
async def test_an_empty_log_is_inconclusive(tmp_path):
    (tmp_path / "log").write_text("")
    problem = await refused(tmp_path, settings_of({**BASE, "logs": {"file": str(tmp_path / "log")}}), "logs_scan")

    assert problem.reason is Reason.NO_TRAFFIC


@asynchronous
async def test_answers_of_a_deployment_are_counted_and_searched(tmp_path):
    there = Elsewhere()
    async with served(there):
        (scan,), run = await observed(tmp_path, settings_of(there.table(), **HELD), "witnessed_scan")

    assert scan.searched > 10
    assert scan.findings == ()
    assert run.events.of("secret_scan")[0]["title"] == "Answers of this run"


@asynchronous
async def test_without_a_look_at_answers_nothing_is_said_of_them(tmp_path):
    there = Elsewhere()
    async with served(there):
        with pytest.raises(CouldNotJudge, match="were not searched"):
            await observed(tmp_path, settings_of(there.table()), "witnessed_scan", sightings=False)


@asynchronous
async def test_the_evidence_is_searched_for_all_that_the_run_knows(tmp_path):
    settings = settings_of(BASE, **HELD)
    folder = tmp_path / "evidence"
    (folder / "transcripts").mkdir(parents=True)
    (folder / "transcripts" / "a.jsonl").write_text(f'{{"body": "fine"}}\n{{"body": "{PROVIDER}"}}\n')
    (scan,), _run = await observed(folder, settings, "written_scan")

    assert [str(each).partition(" (")[0] for each in scan.findings] == [
        "transcripts/a.jsonl:2: value of dashscope_api_key"
    ]


@asynchronous
async def test_what_may_stand_in_the_evidence_is_no_find(tmp_path):
    (tmp_path / "events.jsonl").write_text(f"forged {SERVICE}\n")
    async with acting(tmp_path, settings_of(BASE)) as run:
        run.redactor.allow(SERVICE)
        context = replace(run.context, folder=tmp_path)
        scan = await run.stage._flows["written_scan"].act(context)

    assert scan.findings == ()
