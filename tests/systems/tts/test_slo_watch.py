"""Watching a deployment: a sandbox that was started by hand, with its database, its data API, its log, or none of them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from rollout_gates.reasons import Reason
from rollout_gates.slo.abort import Rule
from rollout_gates.slo.judging import State
from rollout_gates.systems.tts.flows.slo.objectives import CANCELS, COMPLETION, DURABLE, MEDIAN, START
from rollout_gates.systems.tts.flows.slo.watch import slo_watch
from rollout_gates.systems.tts.flows.slo.work import read_work
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller
from tests.sandbox.running import running
from tests.systems.tts.acting import acting, settings_of

pytestmark = pytest.mark.anyio
TARGETS = {"start_success": 0.9, "completion": 0.9, "cancel_success": 0.9, "median_s": 5, "p95_s": 10}
SLO = {**TARGETS, "min_samples": 5, "probe_every_s": 1}


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


ROOMY = tuple(f"--setting=tts.rate_limits.{tier}=10000" for tier in ("tier1_user", "tier2_user", "tier3_ip"))


@pytest.fixture(scope="module")
def sandbox():
    with running(*ROOMY) as started:
        yield started


@pytest.fixture
def unused_sandbox():
    """A sandbox that nobody has worked on: what other tests do there would be its traffic."""
    with running(*ROOMY) as started:
        yield started


def a_deployment(sandbox, *secrets, slo=SLO, **changes):
    variables = sandbox.ready["instances"]["tts/qwen-task"]["variables"]
    table = {**sandbox.table("qwen-task"), "slo": slo, **changes}
    held = {name: variables[table["secrets"][name]] for name in ("anon_key", *secrets)}
    named = {name: variable for name, variable in table["secrets"].items() if name in held}
    return settings_of({**table, "secrets": named}, **held)


async def watched(tmp_path, settings, *, window_s=None, as_of=None, billable_calls=40):
    with patch("tests.systems.tts.acting.RUN_ID", f"20260301T120000Z-{uuid.uuid4().hex[:6]}"):
        async with acting(tmp_path, settings, billable_calls=billable_calls, timeout_s=20) as run:
            run.context.window_s, run.context.as_of = window_s, as_of
            return await slo_watch.act(run.context), run


def dsn_of(sandbox):
    return a_deployment(sandbox, "database_dsn").secret("database_dsn").reveal()


def work_of_somebody(sandbox, count, *, ago_s, apart_s=10.0, audio=True, status="completed"):
    """Write down *count* generates of a user, the oldest *ago_s* seconds ago; return when the last one ended."""
    import psycopg

    user = sandbox.sign_up("qwen-task")["user"]["id"]
    began = time.time() - ago_s
    with psycopg.connect(dsn_of(sandbox)) as connection:
        for number in range(count):
            generation, at = str(uuid.uuid4()), began + number * apart_s
            key = f"{user}/{generation}.wav"
            connection.execute(
                "insert into public.generations (id, user_id, text, status, audio_object_key, created_at)"
                " values (%s, %s, 'Words.', %s, %s, to_timestamp(%s))",
                (generation, user, status, key if audio else None, at),
            )
            connection.execute(
                "insert into public.tasks (user_id, type, status, generation_id, created_at, completed_at)"
                " values (%s, 'generate', %s, %s, to_timestamp(%s), to_timestamp(%s))",
                (user, status, generation, at, at + 1 + number / 1000),
            )
            connection.execute("insert into storage.objects (bucket_id, name) values ('generations', %s)", (key,))
            connection.execute(
                "insert into storage.object_bytes (object_id, content) select id, 'x' from storage.objects where name = %s",
                (key,),
            )
    return began + count * apart_s


async def test_a_deployment_without_traffic_is_watched_and_probed_for_two_windows(tmp_path, unused_sandbox):
    found, run = await watched(tmp_path, a_deployment(unused_sandbox, "database_dsn", "service_role_key"), window_s=9)

    notes = [row["text"] for row in run.events.of("note")]
    assert any("the window before tells too little: 2 are watched" in note for note in notes)
    assert any("own probes: one generate every 1 s, " in note for note in notes)
    assert {finding.state for finding in found.findings[COMPLETION]} == {State.MET}, found.findings[COMPLETION]
    assert found.findings[COMPLETION][1].words.endswith("rows of the database")
    start = found.findings[START][1]
    assert (start.state, start.total > 5) == (State.MET, True)
    assert [round(look.fraction, 2) for look in start.looks] == [0.25, 0.5, 0.75, 1.0]
    assert {finding.state for finding in found.findings[DURABLE]} == {State.MET}
    assert (found.fired, found.untold) == ((), None)
    assert found.exposure.asked > 0
    assert any("window 2 of 2, 50% over: start success" in note for note in notes)
    written = [row for row in run.events.of("objective_observed") if row["final"]]
    assert {row["objective"] for row in written} >= {START, COMPLETION, MEDIAN, CANCELS}


async def test_what_has_passed_is_told_by_rows_and_log_without_a_probe(tmp_path, sandbox):
    end = work_of_somebody(sandbox, 40, ago_s=7600, apart_s=90)
    log = tmp_path / "api.log"
    lines = [
        {
            "timestamp": datetime.fromtimestamp(end - 90 * number, UTC).isoformat(),
            "method": "POST",
            "path": "/api/generate",
            "status_code": 200,
            "request_id": str(number),
        }
        for number in range(1, 40)
    ]
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    settings = a_deployment(sandbox, "database_dsn", logs={"file": log})
    found, run = await watched(tmp_path, settings, as_of=end)

    assert run.context.budget.spent() == 0
    assert [window.seconds for window in found.windows] == [1800, 1800]
    assert [finding.state for finding in found.findings[COMPLETION]] == [State.MET] * 2, found.findings[COMPLETION]
    assert [finding.state for finding in found.findings[DURABLE]] == [State.MET] * 2
    assert [finding.state for finding in found.findings[MEDIAN]] == [State.MET] * 2
    assert [finding.state for finding in found.findings[START]] == [State.MET] * 2
    assert found.findings[START][1].words.endswith("the log")
    assert (found.untold, found.fired) == (None, ())


async def test_a_server_whose_clock_is_ahead_is_asked_for_its_own_time(tmp_path, sandbox):
    end = work_of_somebody(sandbox, 20, ago_s=30_000, apart_s=90) - 3600
    clock = (
        "select extract(epoch from statement_timestamp())::float8 + 3600, to_regclass('storage.objects') is not null"
    )
    with patch("rollout_gates.systems.tts.flows.slo.work._CLOCK", clock):
        found, _ = await watched(tmp_path, a_deployment(sandbox, "database_dsn"), as_of=end)

    assert [finding.total for finding in found.findings[COMPLETION]] == [0, 20]


async def test_the_data_api_tells_what_the_database_tells(tmp_path, sandbox):
    end = work_of_somebody(sandbox, 9, ago_s=600)
    span = (end - 95, end)
    by_rows = await read_work(a_deployment(sandbox, "database_dsn"), None, *span)
    settings = a_deployment(sandbox, "service_role_key")
    async with acting(tmp_path, settings, timeout_s=20) as run:
        by_api = await read_work(settings, run.context.session.anon, *span)

    assert len(by_rows.work) == 9
    assert {work.stored for work in (*by_rows.work, *by_api.work)} == {True}
    assert by_api.source == "rows of the data API"
    rounded = [replace(work, created_at=round(work.created_at, 3), ended_at=0.0) for work in by_rows.work]
    assert [replace(work, created_at=round(work.created_at, 3), ended_at=0.0) for work in by_api.work] == rounded
    assert [round(work.took_s, 2) for work in by_api.work] == [round(work.took_s, 2) for work in by_rows.work]


@pytest.fixture
def reader(sandbox):
    """A role that may read everything and does not bypass row-level security; return its dsn."""
    import psycopg

    dsn = dsn_of(sandbox)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create role slo_reader login password 'only-reads' in role pg_read_all_data")
        yield psycopg.conninfo.make_conninfo(dsn, user="slo_reader", password="only-reads")
        connection.execute("drop role slo_reader")


async def test_rows_that_are_hidden_from_the_role_are_not_taken_for_no_traffic(sandbox, reader):
    import psycopg

    settings = settings_of({**sandbox.table("qwen-task"), "secrets": {}}, database_dsn=reader)
    with pytest.raises(CouldNotJudge) as hidden:
        await read_work(settings, None, 0.0, 1.0)
    assert hidden.value.reason is Reason.NOT_CONFIGURED

    end = work_of_somebody(sandbox, 2, ago_s=50_000)
    with psycopg.connect(dsn_of(sandbox), autocommit=True) as connection:
        for table in ("tasks", "generations"):
            connection.execute(f"alter table public.{table} disable row level security")
        read = await read_work(settings, None, end - 60, end)
        for table in ("tasks", "generations"):
            connection.execute(f"alter table public.{table} enable row level security")
    assert [work.stored for work in read.work] == [None, None]  # not seen is not lost


async def test_writes_are_refused_by_the_transaction(sandbox):
    import psycopg

    from rollout_gates.systems.tts.flows.slo import work

    statement = work._WORK.replace("select t.id", "with gone as (delete from public.tasks returning id) select t.id", 1)
    with patch.object(work, "_WORK", statement), pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        work._select(dsn_of(sandbox), 0.0, 1.0, active=False)


async def test_without_rows_our_own_probes_tell(tmp_path, sandbox):
    found, _ = await watched(tmp_path, a_deployment(sandbox), window_s=3)

    assert ["good, own probes" in finding.words for finding in found.findings[COMPLETION]] == [True, True]


async def test_with_nothing_to_tell_nothing_is_judged(tmp_path, sandbox):
    found, _ = await watched(tmp_path, a_deployment(sandbox), as_of=time.time())

    assert set(found.findings.values()) == {()}
    assert found.untold.reason is Reason.NOT_CONFIGURED


async def test_a_change_within_the_windows_is_too_early(tmp_path, sandbox):
    slo = {**SLO, "since": datetime.now(UTC).isoformat()}
    found, _ = await watched(tmp_path, a_deployment(sandbox, "database_dsn", slo=slo), as_of=time.time())

    assert {finding.reason for finding in found.findings[COMPLETION]} == {Reason.TOO_EARLY}


async def test_probes_stay_within_the_budget(tmp_path, sandbox):
    settings = a_deployment(sandbox, "database_dsn")
    found, run = await watched(tmp_path, settings, window_s=2, billable_calls=3)

    assert run.context.budget.spent() == 3  # a voice and two generates
    assert found.findings[START][0].reason is Reason.TOO_FEW_SAMPLES


async def test_lost_audio_asks_to_go_back(tmp_path, sandbox):
    end = work_of_somebody(sandbox, 3, ago_s=20_000, audio=False)
    found, _ = await watched(tmp_path, a_deployment(sandbox, "database_dsn"), as_of=end)

    (fired,) = found.fired
    assert fired.rule is Rule.CORRUPTION
    assert "0 of 3 good" in fired.words


async def test_a_database_that_does_not_answer_cannot_be_judged(tmp_path, sandbox):
    settings = settings_of(
        {**sandbox.table("qwen-task"), "slo": SLO, "secrets": {"database_dsn": "DSN"}},
        database_dsn="postgresql://nobody:secret@127.0.0.1:1/none",
    )

    with pytest.raises(CouldNotJudge) as failed:
        await read_work(settings, None, 0.0, 1.0)
    assert failed.value.reason is Reason.SOURCE_ABSENT
    assert "secret" not in failed.value.message.replace("secrets.", "")
    with pytest.raises(NotConfigured):
        await read_work(a_deployment(sandbox), None, 0.0, 1.0)


async def test_two_bad_windows_end_the_watch_early(tmp_path, sandbox):
    settings = a_deployment(sandbox, "database_dsn", sign_up=False)
    work_of_somebody(sandbox, 100, ago_s=24, apart_s=0.48, status="failed", audio=False)
    found, run = await watched(tmp_path, settings, window_s=24)

    notes = [row["text"] for row in run.events.of("note")]
    assert [fired.rule for fired in found.fired] == [Rule.TWO_BAD_WINDOWS]
    assert any("watching no longer" in note for note in notes)
    assert any("no probes of our own: there is no user_a" in note for note in notes)
    assert time.time() < found.windows[1].end - 8


async def test_a_watch_that_is_cut_short_leaves_what_it_saw(tmp_path, sandbox):
    settings = a_deployment(sandbox, "database_dsn", sign_up=False)
    work_of_somebody(sandbox, 30, ago_s=29, apart_s=0.9)
    async with acting(tmp_path, settings, timeout_s=20) as run:
        run.context.window_s = 40
        watching = asyncio.create_task(slo_watch.act(run.context))
        # The window before has enough, so the second one is the one that is watched.
        looked = Poller(first_s=0.05, factor=1.0, longest_s=0.05)

        async def notes():
            return str(run.events.of("note"))

        await looked.until(notes, lambda said: "window 1 of 2" in said, deadline_s=20)
        watching.cancel()
        await asyncio.wait([watching])

    assert watching.cancelled()
    (completion,) = [
        row for row in run.events.of("objective_observed") if row["objective"] == COMPLETION and row["final"]
    ]
    assert completion["windows"][0]["total"] >= 20
    assert len(completion["points"]) >= 20
