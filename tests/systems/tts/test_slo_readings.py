"""What rows, log lines and probes become: samples, categories, spending."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from rollout_gates.slo.samples import Sample
from rollout_gates.systems.tts.flows.slo import logged, probing
from rollout_gates.systems.tts.flows.slo.failures import sorted_out
from rollout_gates.systems.tts.flows.slo.objectives import (
    BUDGETS,
    CANCELS,
    COMPLETION,
    DURABLE,
    FIRST_BYTE,
    START,
    objectives,
    plan,
)
from rollout_gates.systems.tts.flows.slo.probing import Probe
from rollout_gates.systems.tts.flows.slo.sources import Freshness, completions, durable, series_of
from rollout_gates.systems.tts.flows.slo.spending import Books, Spending, characters, creates
from rollout_gates.systems.tts.flows.slo.work import Read, Work, epoch
from rollout_gates.systems.tts.settings import Slo
from tests.suites.replies import refusal, reply

DONE = Work("t1", "g1", "completed", 100.0, 102.5, True, "completed", "u/g1.wav", None, True)
FAILED = Work("t2", "g2", "failed", 110.0, 111.0, True, "failed")
OK = reply(200, {"task_id": "t"})


def line(path, status, at="2026-03-01T12:00:00+00:00", method="POST", **more):
    return {"method": method, "path": path, "status_code": status, "timestamp": at, **more}


# --- rows


@pytest.mark.parametrize(
    ("work", "durable_is"),
    [
        (DONE, True),
        (replace(DONE, stored=False), False),
        (replace(DONE, stored=None), None),
        (replace(DONE, key=None), False),
        (replace(DONE, kept=False, key=None), None),
        (FAILED, None),
    ],
)
def test_completed_work_is_durable_when_its_object_is_there(work, durable_is):
    assert work.durable is durable_is


def test_only_what_ended_by_itself_counts_as_completed_or_not():
    cancelled, active = replace(FAILED, status="cancelled"), replace(FAILED, status="processing")

    assert completions([DONE, FAILED, cancelled, active]) == [
        Sample(100.0, True, 2.5, "t1"),
        Sample(110.0, False, None, "t2"),
    ]
    assert durable([DONE, FAILED]) == [Sample(100.0, True, key="t1")]


def test_a_cancel_is_half_done_when_its_generation_goes_on():
    cancelled = replace(FAILED, status="cancelled", generation_status="processing")

    assert cancelled.half_cancelled
    assert not replace(cancelled, generation_status="cancelled").half_cancelled
    assert not replace(cancelled, kept=False).half_cancelled
    assert not FAILED.half_cancelled


def test_rows_are_told_in_our_time():
    read = Read("rows", (DONE, replace(FAILED, ended_at=None)), 1000.0).in_our_time(50.0)

    assert [(work.created_at, work.ended_at) for work in read.work] == [(50.0, 52.5), (60.0, None)]


def test_a_clock_that_is_far_ahead_is_taken_into_account(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    fresh = Freshness()

    assert fresh.check(Read("rows", (), None)) is None
    assert fresh.check(Read("rows", (), 1090.0)) is None
    assert fresh.ahead_s == 90
    monkeypatch.setattr("time.time", lambda: 1030.0)
    assert fresh.check(Read("rows", (), 1120.0)) is None
    assert "not fresh" in fresh.check(Read("rows", (), 1090.0))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T00:01:00", 60), ("yesterday", None), (None, None)],
)
def test_a_time_is_read_or_left(text, seconds):
    assert epoch(text) == seconds


# --- log lines


def test_submits_are_those_that_were_valid():
    lines = [
        line("/api/generate", 200, request_id="a"),
        line("/api/generate", 503, request_id="b"),
        line("/api/generate/stream", 200, request_id="c"),
        line("/api/generate", 400), line("/api/generate", 429), line("/api/generate", 200, method="GET"),
        line("/api/generations", 200), line("/api/generate", "200"), line("/api/generate", 200, at="soon"),
        {"text": "something else"},
    ]  # fmt: skip

    assert [(sample.good, sample.key) for sample in logged.submits(lines)] == [(True, "a"), (False, "b"), (True, "c")]


def test_cancels_are_those_of_tasks_at_work():
    lines = [line("/api/tasks/x/cancel", status) for status in (200, 500, 400, 409, 404)]

    assert [sample.good for sample in logged.cancels([*lines, line("/api/tasks/x", 200)])] == [True, False]


# --- probes


def probe(what, **changes):
    return replace(Probe(what, 10.0, OK, "t", "g"), **changes)


def test_probes_become_samples():
    made = (
        probe("speech", status="completed", took_s=2.0, audio_bytes=9),
        probe("speech", task_id="t2", status="completed", took_s=2.5, audio_bytes=0),
        probe("speech", task_id="t3", status="processing", took_s=120.0),
        probe("speech", task_id=None, reply=refusal(500, "no")),
        probe("cancel", task_id="t4", cancel=OK, agreed=True),
        probe("cancel", task_id="t5", cancel=OK, agreed=False),
        probe("cancel", task_id="t6", cancel=refusal(409, "late"), too_late=True),
        probe("stream", task_id="t7", status="completed", first_byte_s=0.2),
        probe("stream", task_id="t8", status="failed"),
    )

    assert [sample.good for sample in probing.submits(made)].count(False) == 1
    assert [(sample.good, sample.value) for sample in probing.completions(made)] == [
        (True, 2.0),
        (True, 2.5),
        (False, None),
    ]
    assert [sample.good for sample in probing.durable(made)] == [True, False]
    assert [sample.good for sample in probing.cancels(made)] == [True, False]
    assert [sample.value for sample in probing.first_bytes(made)] == [0.2, None]
    assert [sample.good for sample in probing.streams(made)] == [True, False]


def test_rows_tell_more_than_our_probes_and_the_log_more_of_answers():
    made = (probe("speech", status="completed", took_s=2.0, audio_bytes=9),)
    read = Read("rows of the database", (DONE, FAILED))
    lines = [line("/api/generate", 200), line("/api/tasks/x/cancel", 200)]

    alone = series_of(made, None, None)
    assert {each.source for each in alone.values()} == {"own probes"}
    whole = series_of(made, read, lines, problem="its clock stands still")
    assert (whole[START].source, whole[CANCELS].source, whole[COMPLETION].source) == ("the log", "the log", read.source)
    assert whole[COMPLETION].problem == whole[DURABLE].problem == "its clock stands still"
    assert whole[START].problem is None
    assert series_of((), None, None) == {}
    assert set(series_of((), read, None)) == {COMPLETION, DURABLE, "median latency", "p95 latency"}


def test_rows_that_cannot_see_storage_leave_durability_to_our_probes():
    blind = Read("rows of the database", (replace(DONE, stored=None),))
    made = (probe("speech", status="completed", took_s=2.0, audio_bytes=9),)

    assert series_of(made, blind, None)[DURABLE].source == "own probes"
    assert "storage.objects" in series_of((), blind, None)[DURABLE].problem
    lost = Read("rows of the database", (replace(DONE, stored=None), replace(DONE, task_id="t9", key=None)))
    assert [sample.good for sample in series_of(made, lost, None)[DURABLE].samples] == [False]


# --- objectives


def settings(**changes):
    plain = {"lane": "task", "is_qwen": True, "slo": Slo(start_success=0.99, median_s=2, min_samples=40)}
    return SimpleNamespace(**{**plain, **changes})


def test_targets_come_from_the_environment_file():
    found = {objective.name: objective for objective in objectives(settings())}

    assert found[START].share == 0.99
    assert not found[COMPLETION].is_set
    assert found[DURABLE].share == 1.0
    assert FIRST_BYTE not in found
    assert plan(settings(), 2).tests == 6  # start, durable and median, in two windows
    assert plan(settings(), 2).minimum == 40


def test_first_bytes_are_judged_where_speech_is_streamed():
    names = {objective.name for objective in objectives(settings(lane="realtime"))}

    assert set(BUDGETS) <= names
    assert FIRST_BYTE not in {objective.name for objective in objectives(settings(lane="realtime", is_qwen=False))}


def test_nothing_is_set_without_the_table():
    found = objectives(settings(slo=None))

    assert [objective.name for objective in found if objective.is_set] == [DURABLE]


# --- failures


def test_failures_are_sorted_by_row_by_their_own_lines_and_by_lines_of_nobody_else():
    work = [replace(FAILED, task_id=f"t{n}", generation_id=f"g{n}") for n in range(5)]
    work[0] = replace(work[0], category="timeout")
    work[1] = replace(work[1], category="no category of the contract")
    lines = [
        {"event": "outcome", "task_id": "t1", "error_category": "validation"},
        {"detail": {"generation": "g2", "why": "unknown"}},
        {"request_id": "r9", "error_category": "timeout"},
        {"request_id": "r10", "error_category": None},
    ]
    found = sorted_out("rows", tuple(work), lines)

    assert found.by_category == {"timeout": 2, "validation": 1, "unknown": 1}
    assert [each.task_id for each in found.unknown] == ["t4"]


# --- spending


def request(call, status=200, **more):
    return {"call": call, "method": "POST", "status": status, **more}


def test_characters_are_those_that_were_asked_for_and_not_refused():
    asked = (
        request("synthesis", body={"input": {"text": "four"}}),
        request("synthesis", 400, body={"input": {"text": "refused"}}),
        request("submit", body={"text": "sixsix"}),
        request("realtime", events=[{"type": "input_text_buffer.append", "text": "two"}, {"type": "session.finish"}]),
        request("audio", body=None),
    )
    ledger = ({"operation": "generate", "amount": 13}, {"operation": "clone", "amount": 1000})
    found = characters(Books(asked, ledger, ()))

    assert found == Spending("generate", "characters", 13, 13)
    assert found.covered
    assert characters(Books(asked * 2, ledger, ()), Books(asked, ledger, ())) == Spending(
        "generate", "characters", 13, 0
    )


def test_creates_are_counted_beside_trials_and_debits():
    asked = (request("clone_create"), request("clone_create"), request("clone_create", 500), request("design_create"))
    found = creates(Books(asked, ({"operation": "design_preview", "amount": 5000},), ({"operation": "clone"},)))

    assert [(row.what, row.spent, row.charged, row.covered) for row in found] == [
        ("clone", 2, 1, False),
        ("design_preview", 1, 1, True),
    ]
