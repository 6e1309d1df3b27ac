"""Expectations of the evidence itself: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import attaching
from rollout_gates.systems.tts.flows.security.logs import Logs
from rollout_gates.systems.tts.flows.security.logs_on_record import OnRecord, Probes, Record
from rollout_gates.systems.tts.flows.security.logs_outcomes import Outcomes
from tests.suites.replies import refusal

C = "TTS-EVID-01"
DENIED, KEPT = refusal(401, "x"), {"status": 401, "curl": "curl"}


def test_probes_on_record():
    kept = (OnRecord(DENIED, KEPT),)
    attaching.check_probes_on_record(Probes(kept, kept), C)

    for wrong in (OnRecord(DENIED, None), OnRecord(DENIED, {**KEPT, "status": 200}), OnRecord(DENIED, {"status": 401})):
        with pytest.raises(AssertionError, match="on record"):
            attaching.check_probes_on_record(Probes(kept, (wrong,)), C)
    for absent in (Probes((), kept), Probes(kept, ())):
        with pytest.raises(AssertionError, match="no probe of"):
            attaching.check_probes_on_record(absent, C)


def test_an_excerpt():
    failed = Outcomes("qwen", (), ({"outcome": "failed"},))
    attaching.check_excerpt(Logs((), ({"status_code": 429},), {}), failed, C)

    with pytest.raises(AssertionError, match="shows a 429"):
        attaching.check_excerpt(Logs((), ({"status_code": 200},), {}), failed, C)
    with pytest.raises(AssertionError, match="provider failure"):
        attaching.check_excerpt(Logs((), ({"status_code": 429},), {}), Outcomes("qwen", (), ()), C)


def test_owners():
    attaching.check_owned(["TTS-SEC-AUTH-01", "TTS-EVID-01"], {"TTS-": "team"}, C)

    with pytest.raises(AssertionError, match="nobody answers for TTS-EVID-01"):
        attaching.check_owned(["TTS-SEC-AUTH-01", "TTS-EVID-01"], {"TTS-SEC-": "team"}, C)
    with pytest.raises(AssertionError, match="nobody answers"):
        attaching.check_owned(["TTS-SEC-AUTH-01"], {"TTS-SEC-": " "}, C)
    with pytest.raises(AssertionError, match="no clause is judged"):
        attaching.check_owned([], {"TTS-": "team"}, C)


def test_records():
    attaching.check_records([Record("a.txt", 9, 1.0)], ["a.txt"], C)

    for given, problem in (
        ([], "a.txt is not given"),
        ([Record("a.txt", 9, 45.0)], "45 days old"),
        ([Record("a.txt", 0, 0.0, "is empty")], "a.txt is empty"),
    ):
        with pytest.raises(AssertionError, match=problem):
            attaching.check_records(given, ["a.txt"], C)


def test_what_is_judged():
    assert attaching.judged({"A": {"applicable": True}, "B": {"applicable": False}}) == ("A",)
