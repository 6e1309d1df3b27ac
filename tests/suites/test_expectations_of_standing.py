"""What must be on file before the switch: each expectation passes, and fails for each thing that is not there."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest

from fixtures.expectations.standing import (
    check_incidents_are_told,
    check_matrix_in_both_modes,
    check_nothing_grave_is_open,
    check_on_call,
    check_order,
    check_ran_again,
    check_rehearsed,
    check_signed,
)
from rollout_gates.evidence.incident import SECTIONS
from rollout_gates.systems.tts.flows.preflight.incidents import IncidentRecord, incidents
from rollout_gates.wire import CouldNotJudge, NotConfigured
from tests.suites.standing import BOTH, NOW, entry, on_file, records, signatures


def failure(check, *given):
    with pytest.raises(AssertionError) as failed:
        check(*given, "TTS-X-01")
    assert "[TTS-X-01]" in str(failed.value)
    return str(failed.value).partition("\nassert ")[0]


# --- signatures


def test_all_is_signed():
    check_signed(on_file(), "TTS-X-01")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"by": " "}, "task-01 is signed by nobody on 2026-11-26"),
        ({"on": None}, "task-01 is signed by A. Person on no day"),
        ({"on": NOW.date() + timedelta(days=1)}, "task-01 is signed on 2026-11-30, which is still to come"),
        ({"expires": NOW.date() - timedelta(days=1)}, "the signature of task-01 expired on 2026-11-28"),
        ({"build": "build-6"}, "task-01 is signed for build 'build-6', not for 'build-7'"),
        ({"build": ""}, "task-01 is signed for build 'nowhere named', not for 'build-7'"),
    ],
)
def test_a_signature_that_is_none_is_found(changes, says):
    assert says in failure(check_signed, on_file(records=records(sign_off=signatures(**changes))))


def test_a_task_that_is_not_signed_is_found():
    told = failure(check_signed, on_file(records=records(sign_off=signatures()[:-1])))

    assert told == "task-10 is not signed; add a [[sign_off]] with item = 'task-10' [TTS-X-01]"


def test_signatures_for_no_build_are_found():
    assert "records name no build" in failure(check_signed, on_file(records=records(build="")))


# --- gates before


def test_the_matrix_was_go_in_both_modes_in_one_run_or_in_two():
    check_matrix_in_both_modes(on_file(), "TTS-X-01")
    modal = entry("mode-matrix", facts={"tts": {"mode": "modal", "lane": "task"}})
    check_matrix_in_both_modes(on_file(modal, entry("mode-matrix", number=2)), "TTS-X-01")


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([entry("smoke")], "holds no run of mode-matrix in mode modal, lane task that counts here"),
        ([entry("mode-matrix", cells={"tts": ("modal-task",)})], "holds no run of mode-matrix in mode qwen, lane task"),
        ([entry("mode-matrix", cells={"tts": ("modal-realtime", "qwen-realtime")})], "in mode modal, lane task"),
        (
            [entry("mode-matrix", cells=BOTH), entry("mode-matrix", "NO-GO", cells=BOTH, number=2)],
            "the last run of mode-matrix in mode qwen, lane task, run-2, said NO-GO, expected GO",
        ),
        ([entry("mode-matrix", days=31, cells=BOTH)], "run-1, is from 2026-10-29, more than 30 days ago"),
    ],
)
def test_a_matrix_that_does_not_count_is_found(entries, says):
    assert says in failure(check_matrix_in_both_modes, on_file(*entries))


def test_a_rehearsal():
    check_rehearsed(on_file(), "TTS-X-01")
    assert "holds no run of restoration" in failure(check_rehearsed, on_file(entry()))
    assert "said INCONCLUSIVE" in failure(check_rehearsed, on_file(entry("restoration", "INCONCLUSIVE")))
    assert "more than 30 days ago" in failure(check_rehearsed, on_file(entry("restoration", days=40)))
    short = records(rehearsal_days=7)
    assert "more than 7 days ago" in failure(check_rehearsed, on_file(entry("restoration", days=8), records=short))


# --- people


def test_somebody_is_on_call():
    check_on_call(on_file(), "TTS-X-01")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"contact": " "},
        {"since": NOW + timedelta(hours=1)},
        {"until": NOW - timedelta(hours=1)},
    ],
)
def test_nobody_who_can_be_called_is_found(changes):
    shift = {
        "name": "B. Person",
        "contact": "+00 1",
        "since": NOW - timedelta(1),
        "until": NOW + timedelta(1),
    } | changes

    told = failure(check_on_call, on_file(records=records(on_call=[shift])))

    assert told.startswith("nobody with a name and a contact is on call at 2026-11-29T12:00Z")
    assert "on record: nobody" in failure(check_on_call, on_file(records=records(on_call=[])))


# --- what the security gate left


SEVERITIES = {"TTS-SEC-A-01": "critical", "TTS-SEC-A-02": "medium"}


def test_nothing_grave_is_open():
    run = entry("security", "NO-GO", clauses={"TTS-SEC-A-01": "green", "TTS-SEC-A-02": "red"})
    check_nothing_grave_is_open(on_file(run), SEVERITIES, "TTS-X-01")


def test_something_grave_is_open():
    run = entry("security", "NO-GO", clauses={"TTS-SEC-A-01": "red", "TTS-SEC-A-02": "green"})

    told = failure(check_nothing_grave_is_open, on_file(run), SEVERITIES)
    assert told == "run run-1 of security left open: TTS-SEC-A-01 [TTS-X-01]"
    assert "holds no run of security" in failure(check_nothing_grave_is_open, on_file(), SEVERITIES)
    old = entry("security", days=60, clauses={"TTS-SEC-A-01": "green"})
    assert "more than 30 days ago" in failure(check_nothing_grave_is_open, on_file(old), SEVERITIES)


@pytest.mark.parametrize("clauses", [{"TTS-SEC-A-01": "inconclusive"}, {"TTS-SEC-A-02": "green"}])
def test_what_was_not_judged_is_neither(clauses):
    with pytest.raises(CouldNotJudge, match="did not judge"):
        check_nothing_grave_is_open(on_file(entry("security", clauses=clauses)), SEVERITIES, "TTS-X-01")


# --- order, and what came after


def test_the_order_was_kept():
    check_order(records(), "TTS-X-01")
    check_order(
        records(deployed={"schema_at": NOW - timedelta(3), "code_at": NOW - timedelta(2), "flipped_at": NOW}), "X"
    )


@pytest.mark.parametrize(
    ("deployed", "says"),
    [
        ({}, "records name no deployed.schema_at and no deployed.code_at"),
        ({"schema_at": NOW}, "records name no deployed.code_at"),
        ({"schema_at": NOW, "code_at": NOW - timedelta(1)}, "deployed.code_at (2026-11-28T12:00Z) is not later than"),
        (
            {"schema_at": NOW - timedelta(2), "code_at": NOW - timedelta(1), "flipped_at": NOW - timedelta(1)},
            "deployed.flipped_at (2026-11-28T12:00Z) is not later than deployed.code_at",
        ),
    ],
)
def test_another_order_is_found(deployed, says):
    assert says in failure(check_order, records(deployed=deployed))


JUDGED = {"TTS-SMOKE-09": "green", "TTS-SMOKE-10": "green", "TTS-SMOKE-11": "green"}


def test_smoke_ran_again_after_the_deploy():
    check_ran_again(on_file(entry(days=0.5, clauses=JUDGED)), "TTS-X-01")


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (entry(days=1, clauses=JUDGED), "holds no run of smoke since the deploy of 2026-11-28T12:00Z"),
        (entry("security", days=0.5), "holds no run of smoke since"),
        (entry(verdict="NO-GO", days=0.5, clauses=JUDGED), "run-1, said NO-GO, expected GO"),
        (
            entry(days=0.5, clauses=JUDGED | {"TTS-SMOKE-10": "waived"}),
            "run run-1 of smoke did not judge the burst green",
        ),
    ],
)
def test_what_did_not_run_again_is_found(run, says):
    assert says in failure(check_ran_again, on_file(run))


def test_nobody_wrote_down_when_the_deploy_was():
    with pytest.raises(CouldNotJudge, match="neither deployed.code_at nor deployed.flipped_at"):
        check_ran_again(on_file(records=records(deployed={})), "TTS-X-01")


# --- incidents


def test_incident_records_that_are_complete():
    check_incidents_are_told([IncidentRecord("one", ()), IncidentRecord("two", ())], "TTS-X-01")


def test_incident_records_with_gaps():
    told = failure(check_incidents_are_told, [IncidentRecord("one", ("section 'Owner' has a blank",))])
    assert told == "one: section 'Owner' has a blank [TTS-X-01]"
    assert "no incident record" in failure(check_incidents_are_told, [])


COMPLETE = "\n".join(f"## {title}\n\n2026-03-14T09:20:00Z {'a' * 64}\n" for title in SECTIONS)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (COMPLETE, ()),
        (COMPLETE.replace("## Owner", "## Who"), ("it has no section 'Owner'",)),
        (None, ("it cannot be read: No such file or directory",)),
    ],
)
def test_documents_are_read(tmp_path, text, missing):
    path = tmp_path / "incident.md"
    if text is not None:
        path.write_text(text)
    on_record = records(incident=[{"severity": 2, "opened": NOW, "file": path}])

    [found] = asyncio.run(incidents.act(SimpleNamespace(environment=SimpleNamespace(records=on_record))))

    assert (found.name, found.missing) == (f"the incident of 2026-11-29T12:00Z, {path}", missing)


def test_an_incident_without_a_document_is_found_and_none_at_all_is_not_judged():
    bare = records(incident=[{"severity": 2, "opened": NOW}])

    [found] = asyncio.run(incidents.act(SimpleNamespace(environment=SimpleNamespace(records=bare))))

    assert found.missing == ("it has no file",)
    with pytest.raises(NotConfigured, match="no ..incident.. is on record"):
        asyncio.run(incidents.act(SimpleNamespace(environment=SimpleNamespace(records=records()))))
