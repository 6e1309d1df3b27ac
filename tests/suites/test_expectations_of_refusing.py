"""Expectations of refusals: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import refusing
from rollout_gates.systems.tts.flows.deny import Denial, Route
from rollout_gates.systems.tts.flows.errors import Probe
from rollout_gates.systems.tts.flows.isolation import Reach
from rollout_gates.systems.tts.flows.request_ids import Traced
from rollout_gates.systems.tts.flows.volley import Burst
from tests.suites.replies import OTHER, UUID, refusal, reply

C = "TTS-SMOKE-11"
ROUTE = Route("a list", "GET", "/voices", {}, 200)
GONE = "Task not found."


def test_a_denial_beside_a_twin_that_is_let_in_passes():
    refusing.check_twins_let_in([Denial(ROUTE, refusal(401, "x"), refusal(401, "y"), reply(200))], C)
    refusing.check_denied([refusal(401, "x")], "x", C)


@pytest.mark.parametrize("twin", [refusal(401, "x"), refusal(404, "x"), refusal(500, "x")])
def test_a_twin_that_is_kept_out_fails(twin):
    with pytest.raises(AssertionError, match="expected 200 for a list with a good token"):
        refusing.check_twins_let_in([Denial(ROUTE, refusal(401, "x"), refusal(401, "y"), twin)], C)


@pytest.mark.parametrize("replies", [[], [reply(200)], [refusal(401, "x"), refusal(403, "x")], [refusal(401, "y")]])
def test_a_call_that_is_let_in_fails(replies):
    with pytest.raises(AssertionError):
        refusing.check_denied(replies, "x", C)


@pytest.mark.parametrize(
    "own",
    [None, reply(200), reply(302), refusal(400, "Cannot cancel"), refusal(404, "Generation audio not available.")],
)
def test_a_reach_that_is_kept_out_passes(own):
    refusing.check_kept_out([Reach("read", GONE, own, refusal(404, GONE))], C)


@pytest.mark.parametrize(
    "reach",
    [
        Reach("read", GONE, reply(200), reply(200)),
        Reach("read", GONE, reply(200), refusal(403, GONE)),
        Reach("read", GONE, reply(200), refusal(404, "There is no such route.")),
        Reach("read", GONE, refusal(404, GONE), refusal(404, GONE)),
        Reach("read", GONE, reply(404, "<html>"), refusal(404, GONE)),
        Reach("read", GONE, refusal(401, "x"), refusal(404, GONE)),
        Reach("read", GONE, refusal(500, "x"), refusal(404, GONE)),
    ],
)
def test_a_reach_that_got_there_or_proves_nothing_fails(reach):
    with pytest.raises(AssertionError):
        refusing.check_kept_out([reach], C)


def test_no_reach_at_all_fails():
    with pytest.raises(AssertionError, match="nothing was reached for"):
        refusing.check_kept_out([], C)


def test_the_other_user_is_signed_in():
    refusing.check_signed_in(reply(200, {"signed_in": True}), reply(200), C)

    with pytest.raises(AssertionError):
        refusing.check_signed_in(reply(200, {"signed_in": False}), reply(200), C)
    with pytest.raises(AssertionError):
        refusing.check_signed_in(reply(200, {"signed_in": True}), reply(401), C)


def test_things_that_are_untouched():
    there = {"task": "completed", "voice listed": True}
    refusing.check_untouched(there, dict(there), C)

    with pytest.raises(AssertionError, match="and are now"):
        refusing.check_untouched(there, {**there, "voice listed": False}, C)
    with pytest.raises(AssertionError, match="did not see their own voice listed"):
        refusing.check_untouched({"voice listed": False}, {"voice listed": False}, C)
    with pytest.raises(AssertionError, match="did not see their own task"):
        refusing.check_untouched({"task": "answered 404"}, {"task": "answered 404"}, C)


def burst(*statuses: int) -> Burst:
    *answers, last = (reply(status, {"detail": "x"}) for status in statuses)
    return Burst(len(answers), 300, 0, tuple(answers), last, (1, 1))


def test_a_burst_that_ends_in_429_passes():
    refusing.check_burst_was_let_in(burst(400, 400, 429), C)
    refusing.check_burst_ended(burst(400, 400, 429), C)


def test_a_burst_that_is_never_stopped_fails():
    with pytest.raises(AssertionError, match="returned 400, expected 429 as call 3 to tier 1"):
        refusing.check_burst_ended(burst(400, 400, 400), C)


@pytest.mark.parametrize("status", [429, 401, 503, 200])
def test_a_burst_that_never_got_through_fails(status):
    with pytest.raises(AssertionError, match="expected 400 for some of 2 calls"):
        refusing.check_burst_was_let_in(burst(status, status, 429), C)


@pytest.mark.parametrize("status", [404, 405])
def test_strangers_that_are_json_pass(status):
    refusing.check_strangers([Probe("a path", refusal(status, "x"))], C)


@pytest.mark.parametrize(
    "answer",
    [reply(404, "404 Not Found", content_type="text/plain"), reply(200, {}), refusal(500, "x"), refusal(401, "x")],
)
def test_strangers_that_are_text_or_let_in_fail(answer):
    with pytest.raises(AssertionError, match="a path: "):
        refusing.check_strangers([Probe("a path", answer)], C)


def test_unknown_ids():
    refusing.check_unknown_ids([Probe("x", refusal(404, "x"))], C)

    with pytest.raises(AssertionError):
        refusing.check_unknown_ids([Probe("x", refusal(500, "x"))], C)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_malformed_ids_that_are_the_callers_mistake_pass(status):
    refusing.check_malformed_ids([Probe("x", refusal(status, "x"))], C)


@pytest.mark.parametrize("status", [200, 302, 401, 403, 429, 500, 503])
def test_malformed_ids_that_are_anything_else_fail(status):
    with pytest.raises(AssertionError, match="expected a 4xx"):
        refusing.check_malformed_ids([Probe("x", refusal(status, "x"))], C)


def traced(echoed: str, fresh: str, status: int = 404) -> Traced:
    answers = (reply(status, headers={"X-Request-Id": value} if value else {}) for value in (echoed, fresh))
    return Traced("a call", "mine", *answers)


def test_request_ids_that_are_echoed_or_fresh_pass():
    refusing.check_traced([traced("mine", UUID), traced("mine", OTHER)], C)


@pytest.mark.parametrize(
    "calls",
    [
        [],
        [traced("", UUID)],
        [traced("another", UUID)],
        [traced("mine", "")],
        [traced("mine", "17")],
        [traced("mine", UUID), traced("mine", UUID)],
    ],
)
def test_request_ids_that_are_missing_changed_or_shared_fail(calls):
    with pytest.raises(AssertionError):
        refusing.check_traced(calls, C)


def test_the_caller_is_let_in():
    refusing.check_let_in(reply(200), C)

    with pytest.raises(AssertionError):
        refusing.check_let_in(reply(401), C)
