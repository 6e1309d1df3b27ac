"""Expectations of bursts: where each passes, and where it fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fixtures.expectations import bursts
from rollout_gates.systems.tts.flows.matrix.purse import Purse
from rollout_gates.systems.tts.flows.security.bursts import Address, Costs, Neighbour, Outage, Resumption
from rollout_gates.systems.tts.flows.security.bursts_bounds import Bounds, Oversize
from rollout_gates.systems.tts.flows.security.bursts_counters import Counters
from rollout_gates.systems.tts.flows.security.bursts_forged import Drained, Victim
from rollout_gates.systems.tts.flows.volley import Burst
from rollout_gates.wire import CouldNotJudge
from tests.suites.replies import refusal, reply

C = "TTS-SEC-ABUSE-01"
RETRY = {"detail": bursts.REFUSAL, "retry_after_seconds": 12}
LIMITED, TAKEN, PURSE = reply(429, RETRY), refusal(400, "x"), Purse(100, 2, 2)


def burst(*statuses: int, spent: int = 0, limit: int | None = None) -> Burst:
    *answers, last = (reply(429, RETRY) if status == 429 else refusal(status, "x") for status in statuses)
    return Burst(len(answers) if limit is None else limit, 300, spent, tuple(answers), last, (1, 1))


def test_the_exact_limit():
    bursts.check_limit_is_exact(burst(400, 400, 429), C)
    bursts.check_limit_is_exact(burst(400, 429, 429, spent=1), C)
    bursts.check_limit_is_exact(burst(400, 400, 429, spent=1), C)


@pytest.mark.parametrize(
    "wrong", [burst(400, 400, 400), burst(400, 429, 429), burst(429, 429, 429, spent=1), burst(400, 400, 400, spent=2)]
)
def test_another_limit_fails(wrong):
    with pytest.raises(AssertionError, match="calls let in"):
        bursts.check_limit_is_exact(wrong, C)


def test_ends_in_a_refusal():
    bursts.check_ends_in_refusal(burst(401, 401, 429), C)
    bursts.check_ends_in_refusal(burst(429, 429, spent=2), C)

    with pytest.raises(AssertionError, match="expected 429 within 3 calls"):
        bursts.check_ends_in_refusal(burst(401, 401, 401), C)
    with pytest.raises(AssertionError, match="expected some calls let in"):
        bursts.check_ends_in_refusal(burst(429, 429, 429), C)


def test_the_body_of_a_refusal():
    bursts.check_refusal_body(LIMITED, 300, C)


@pytest.mark.parametrize(
    "wrong",
    [
        reply(400, RETRY),
        reply(429, {**RETRY, "retry_after_seconds": 0}),
        reply(429, {**RETRY, "retry_after_seconds": 301}),
        reply(429, {**RETRY, "retry_after_seconds": True}),
        reply(429, {**RETRY, "retry_after_seconds": "12"}),
        reply(429, {**RETRY, "detail": "Slow down."}),
        reply(429, {**RETRY, "limit": 20}),
        reply(429, {"detail": bursts.REFUSAL}),
        reply(429, RETRY, content_type="text/plain"),
        reply(429, "Too many", content_type="application/json"),
    ],
)
def test_another_body_fails(wrong):
    with pytest.raises(AssertionError, match="expected 429 {'detail'"):
        bursts.check_refusal_body(wrong, 300, C)


def test_service_resumes():
    bursts.check_resumed(Resumption(LIMITED, 12, TAKEN), C)

    for wrong in (
        Resumption(LIMITED, 12, LIMITED),
        Resumption(LIMITED, 12, refusal(503, "x")),
        Resumption(TAKEN, 0, TAKEN),
    ):
        with pytest.raises(AssertionError):
            bursts.check_resumed(wrong, C)


def test_others_are_served():
    bursts.check_others_served(Neighbour(LIMITED, TAKEN, LIMITED), C)

    with pytest.raises(AssertionError, match="to be let in while"):
        bursts.check_others_served(Neighbour(LIMITED, LIMITED, LIMITED), C)
    with pytest.raises(AssertionError, match="expected 429 for the user who is blocked"):
        bursts.check_others_served(Neighbour(TAKEN, TAKEN, TAKEN), C)


def test_costs():
    accepted = reply(200, {"task_id": "t"})
    bursts.check_costs_bounded(Costs(2, (accepted, accepted, LIMITED), 2), C)

    for wrong in (
        Costs(2, (accepted, accepted, LIMITED), 3),
        Costs(2, (accepted, accepted, accepted), 3),
        Costs(2, (accepted, LIMITED), 0),
        Costs(2, (LIMITED, LIMITED), 1),
    ):
        with pytest.raises(AssertionError):
            bursts.check_costs_bounded(wrong, C)


def test_an_outage():
    closed, away, lists = refusal(503, bursts.OUTAGE), refusal(404, "Task not found."), reply(200, {})
    bursts.check_outage(Outage(TAKEN, (closed,), away, lists), C)

    for wrong in (
        Outage(closed, (closed,), away, lists),
        Outage(TAKEN, (TAKEN,), away, lists),
        Outage(TAKEN, (refusal(503, "down"),), away, lists),
        Outage(TAKEN, (closed,), closed, lists),
        Outage(TAKEN, (closed,), away, closed),
    ):
        with pytest.raises(AssertionError):
            bursts.check_outage(wrong, C)


def test_a_victim():
    bursts.check_victim_unharmed(Victim(TAKEN, burst(401, 401, 401), TAKEN), C)

    with pytest.raises(AssertionError, match="forged token in their name"):
        bursts.check_victim_unharmed(Victim(TAKEN, burst(401, 401, 429), LIMITED), C)
    with pytest.raises(CouldNotJudge, match="expected 401"):
        bursts.check_victim_unharmed(Victim(TAKEN, burst(400, 401, 401), TAKEN), C)
    with pytest.raises(AssertionError, match="let in before"):
        bursts.check_victim_unharmed(Victim(LIMITED, burst(401, 401, 401), TAKEN), C)


def test_subjects_and_addresses():
    full = burst(401, 429)
    bursts.check_subjects_buy_nothing(Drained(full, (LIMITED, LIMITED), LIMITED), C)
    bursts.check_addresses_buy_nothing(Address(full, {"x-forwarded-for": LIMITED}, LIMITED), C)

    fresh = refusal(401, "x")
    for wrong in (
        Drained(full, (LIMITED, fresh), LIMITED),
        Drained(full, (LIMITED,), fresh),
        Drained(full, (), LIMITED),
    ):
        with pytest.raises(AssertionError):
            bursts.check_subjects_buy_nothing(wrong, C)
    for wrong in (Address(full, {"x-forwarded-for": fresh}, LIMITED), Address(burst(401, 401), {}, None)):
        with pytest.raises(AssertionError):
            bursts.check_addresses_buy_nothing(wrong, C)


def bounds(answer=TAKEN, twin=None, after=PURSE, calls=()) -> Bounds:
    return Bounds(twin or reply(200, {}), (Oversize("a name", answer, ("x", "y")),), PURSE, after, calls)


def test_bounds():
    bursts.check_bounds(bounds(), C)
    bursts.check_bounds_cost_nothing(bounds(), C)
    bursts.check_bounds_cost_nothing(bounds(calls=None), C)

    for wrong in (bounds(reply(200, {})), bounds(refusal(400, "other")), bounds(twin=TAKEN)):
        with pytest.raises(AssertionError):
            bursts.check_bounds(wrong, C)
    for wrong in (bounds(after=Purse(100, 1, 2)), bounds(calls=("dashscope:clone_create",))):
        with pytest.raises(AssertionError):
            bursts.check_bounds_cost_nothing(wrong, C)


def test_old_counters():
    bursts.check_old_counters_removed(Counters(2, 2, timedelta(days=1)), C)
    bursts.check_old_counters_removed(Counters(2, 0, None), C)

    for wrong in (Counters(2, 2, timedelta(days=8)), Counters(0, 0, None)):
        with pytest.raises(AssertionError):
            bursts.check_old_counters_removed(wrong, C)
