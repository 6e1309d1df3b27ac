"""Expectations of searches for secrets: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations.custody import check_clean, check_scans_on_record, whole
from rollout_gates.reasons import Reason
from rollout_gates.secret_search.finding import Finding, Scan
from rollout_gates.systems.tts.flows.security.custody import ScansOnRecord
from rollout_gates.wire import CouldNotJudge

C = "TTS-SEC-KEY-01"
FOUND = Finding("assets/app.js", "Stripe secret key", "0a1b2c3d", 1, 4711)
CLEAN = Scan("Web bundle", "https://app.example", 3, 1000)


def scan(**changes):
    told = {"title": "Web bundle", "subject": "https://app.example", "searched": 3, "size_bytes": 1000}
    return Scan(**{**told, **changes})


def test_a_search_that_found_nothing_is_clean():
    check_clean(CLEAN, C)


def test_a_find_is_told_by_place_and_kind():
    with pytest.raises(AssertionError) as problem:
        check_clean(scan(findings=(FOUND, FOUND)), C)

    told = "Web bundle: assets/app.js:1:4711: Stripe secret key (fingerprint 0a1b2c3d) [TTS-SEC-KEY-01]"
    assert [line.strip() for line in str(problem.value).splitlines()[:2]] == [told, told]


def test_a_search_through_nothing_is_no_success():
    with pytest.raises(AssertionError, match="nothing was searched"):
        check_clean(scan(searched=0), C)


def test_a_search_that_a_limit_ended_judges_what_it_found_alone():
    cut = "the limit of 2 files was reached"

    assert whole(CLEAN) is CLEAN
    assert whole(scan(cut=cut, findings=(FOUND,))).findings == (FOUND,)
    with pytest.raises(CouldNotJudge, match=cut) as problem:
        whole(scan(cut=cut))
    assert problem.value.reason is Reason.OUT_OF_BUDGET


def on_record(*made, **recorded):
    return ScansOnRecord(made, {title.replace("_", " "): lines for title, lines in recorded.items()})


def test_the_output_of_each_search_is_on_record():
    check_scans_on_record(on_record(CLEAN, Web_bundle=tuple(CLEAN.lines())), "TTS-EVID-03")


@pytest.mark.parametrize(
    ("scans", "words"),
    [
        (on_record(), "no search was made"),
        (on_record(CLEAN), "Web bundle: the output of the search for secrets is not on record"),
        (on_record(CLEAN, Source_tree=tuple(CLEAN.lines())), "is not on record"),
        (on_record(CLEAN, Web_bundle=("found: nothing",)), "1 lines are on record, expected 3"),
    ],
)
def test_an_output_that_is_not_on_record_is_told(scans, words):
    with pytest.raises(AssertionError, match=words):
        check_scans_on_record(scans, "TTS-EVID-03")
