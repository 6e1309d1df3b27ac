"""Expectations of credits and trials: where each passes, and where it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.expectations import money
from rollout_gates.systems.tts.books import Books
from rollout_gates.systems.tts.flows.matrix.account import Account
from rollout_gates.systems.tts.flows.matrix.payments import Delivery
from rollout_gates.systems.tts.flows.matrix.purse import Purse
from rollout_gates.systems.tts.flows.matrix.refunds import Charge, Deleted
from rollout_gates.systems.tts.flows.matrix.spending import Poor, Rush, Spent
from rollout_gates.systems.tts.flows.matrix.trials import Replayed, Step
from rollout_gates.systems.tts.replies import Playback
from tests.suites.replies import OTHER, UUID, refusal, reply

C = "TTS-CRED-01"
OK = reply(200, {"id": UUID})
NEW = Purse(100, 2, 2)


def entry(number: int, amount: int, balance: int, kind: str = "debit", **more):
    row = {"id": number, "event_kind": kind, "operation": "generate", "amount": abs(amount)}
    return {**row, "signed_amount": amount, "balance_after": balance, **more}


def account(*ledger, balance: int = 100, fresh: bool = True, clone: int = 2, **usage) -> Account:
    trials = {"design_remaining": 2, "clone_remaining": clone}
    profile = {"credits_remaining": balance, "design_trials_remaining": 2, "clone_trials_remaining": clone}
    signed = [row["signed_amount"] for row in ledger]
    totals = {"debited": -sum(n for n in signed if n < 0), "credited": sum(n for n in signed if n > 0)}
    told = {"balance": balance, "trials": trials, "usage": {**totals, "net": sum(signed)}}
    answer = reply(200, {**told, "events": list(reversed(ledger)), **usage})
    return Account(answer, profile, Books("somebody", UUID, fresh, balance, tuple(ledger)))


SPENT = account(entry(1, -24, 76), entry(2, -6, 70), balance=70)


# --- prices


def spent(*debits) -> Spent:
    return Spent(24, OK, NEW, debits)


def test_one_debit_of_the_length_passes():
    money.check_charged(spent(entry(1, -24, 76)), C)


@pytest.mark.parametrize(
    "debits", [(), (entry(1, -27, 73),), (entry(1, -24, 75),), (entry(1, -24, 76), entry(2, -24, 52))]
)
def test_another_charge_than_one_of_the_length_fails(debits):
    with pytest.raises(AssertionError, match="one debit of 24 down to 76"):
        money.check_charged(spent(*debits), C)


def poor(said=None, *, after=SPENT, **left) -> Poor:
    answer = said or refusal(402, "Insufficient credits: need 1,071, have 70. 1 credit = 1 character.")
    return Poor(1071, 70, answer, SPENT, after, {"tasks": 0, **left})


def test_a_refusal_that_says_both_numbers_passes():
    money.check_too_poor(poor(), C)
    money.check_nothing_left(poor(), C)


@pytest.mark.parametrize(
    "said", [OK, refusal(402, "Insufficient credits: need 1071, have 70. 1 credit = 1 character.")]
)
def test_another_refusal_of_the_poor_fails(said):
    with pytest.raises(AssertionError, match="need 1,071, have 70"):
        money.check_too_poor(poor(said), C)


def test_what_a_refusal_left_behind_fails():
    with pytest.raises(AssertionError, match="generations"):
        money.check_nothing_left(poor(generations=1), C)
    with pytest.raises(AssertionError, match="a balance of 70 as before"):
        money.check_nothing_left(poor(after=account(balance=0)), C)


def test_two_trials_each_pass_and_others_fail():
    money.check_given_at_first(NEW, C)
    with pytest.raises(AssertionError, match="expected 2 trials each"):
        money.check_given_at_first(Purse(100, 2, 3), C)


def step(after: Purse, status: int = 200) -> Step:
    return Step("clone 1", reply(status), NEW, after, Purse(0, 1, 0))


def test_a_step_that_takes_what_it_costs_passes():
    money.check_costs([step(Purse(100, 1, 2))], C)


@pytest.mark.parametrize("taken", [step(NEW), step(Purse(0, 1, 2)), step(Purse(100, 1, 2), status=500)])
def test_a_step_that_takes_something_else_fails(taken):
    with pytest.raises(AssertionError, match="clone 1"):
        money.check_costs([taken], C)


# --- refunds


def charge(*ledger, ended: str = "cancelled", after: Purse = NEW) -> Charge:
    return Charge("a generate", ended, OK, ledger, NEW, after)


DEBIT, REFUND = entry(1, -24, 76), entry(2, 24, 100, "refund")


@pytest.mark.parametrize("settled", [charge(DEBIT, REFUND), charge(), charge(DEBIT, ended="completed")])
def test_charges_that_are_settled_pass(settled):
    money.check_settled([settled], C)


@pytest.mark.parametrize(
    "unsettled",
    [
        charge(DEBIT),
        charge(DEBIT, REFUND, entry(3, 24, 124, "refund")),
        charge(DEBIT, entry(2, 20, 96, "refund")),
        charge(DEBIT, REFUND, ended="completed"),
        charge(DEBIT, DEBIT, REFUND, REFUND),
    ],
)
def test_charges_that_are_not_settled_once_fail(unsettled):
    with pytest.raises(AssertionError, match="a generate"):
        money.check_settled([unsettled], C)


def test_who_has_what_they_had_passes_and_others_fail():
    money.check_unharmed([charge(), charge(ended="completed", after=Purse(76, 2, 2))], C)
    with pytest.raises(AssertionError, match="100 credits, 2 clone trials, 2 design trials as before"):
        money.check_unharmed([charge(after=Purse(100, 2, 1))], C)


def deleted(after: Purse = NEW, body: bytes = b"", freed: int = 200, status: int = 200) -> Deleted:
    heard = Playback(reply(302), reply(200, body, content_type="audio/wav"))
    return Deleted("the task", reply(status), NEW, after, heard, reply(freed))


@pytest.mark.parametrize("work", [deleted(), deleted(Purse(76, 2, 2), b"RIFF")])
def test_deleted_work_that_cost_nothing_or_was_obtained_passes(work):
    money.check_deleted_unharmed([work], C)


@pytest.mark.parametrize("work", [deleted(Purse(76, 2, 2)), deleted(Purse(100, 2, 1)), deleted(status=500)])
def test_deleted_work_that_was_paid_for_nothing_fails(work):
    with pytest.raises(AssertionError, match="deleting the task"):
        money.check_deleted_unharmed([work], C)


def test_a_user_who_is_free_passes_and_one_who_is_blocked_fails():
    money.check_free_again([deleted(), replace(deleted(), freed=None)], C)
    with pytest.raises(AssertionError, match="after deleting the task"):
        money.check_free_again([deleted(freed=409)], C)


# --- accounts


@pytest.mark.parametrize("good", [account(), SPENT, account(entry(1, 100, 100, "grant"))])
def test_accounts_that_add_up_pass(good):
    money.check_adds_up([good.books], C)
    money.check_never_negative([good.books], C)


@pytest.mark.parametrize(
    "bad",
    [
        account(balance=90),
        account(entry(1, -24, 76), balance=80),
        account(entry(1, -24, 76), entry(2, -6, 76), balance=76),
        account(entry(1, -24, 76), entry(2, -6, 70), entry(3, -6, 70), balance=64),
        account(entry(1, -24, 926), balance=926),
    ],
)
def test_accounts_that_do_not_add_up_fail(bad):
    with pytest.raises(AssertionError, match="somebody"):
        money.check_adds_up([bad.books], C)


def test_a_balance_below_zero_fails():
    with pytest.raises(AssertionError, match="had -4 credits"):
        money.check_never_negative([account(entry(1, -104, -4), balance=-4).books], C)


def rush(*statuses: int, after: Account | None = None) -> Rush:
    before, paid = account(), account(entry(1, -100, 0), balance=0)
    return Rush("clones", 100, tuple(reply(status) for status in statuses), before, after or paid)


def test_a_rush_that_pays_once_passes():
    money.check_spent_once(rush(402, 200, 409), C)


@pytest.mark.parametrize(
    "overspent",
    [
        rush(200, 200, 402),
        rush(402, 402),
        rush(200, 500),
        rush(200, 402, after=account(balance=0)),
        rush(200, 402, after=account(entry(1, -100, 0), balance=100)),
    ],
)
def test_a_rush_that_pays_otherwise_fails(overspent):
    with pytest.raises(AssertionError, match=C):
        money.check_spent_once(overspent, C)


REPLAYED = Replayed(OK, Purse(1000, 0, 0), OK, NEW, NEW, ({"id": UUID},), 1)


def test_a_replay_that_takes_nothing_passes():
    money.check_replay_of_a_debit(REPLAYED, C)
    money.check_replay_takes_nothing(REPLAYED, C)


@pytest.mark.parametrize("again", [reply(500), reply(200, {"id": OTHER})])
def test_a_replay_that_is_no_replay_fails(again):
    with pytest.raises(AssertionError, match=C):
        money.check_replay_of_a_debit(replace(REPLAYED, again=again), C)


@pytest.mark.parametrize("change", [{"after": Purse(100, 1, 2)}, {"voices": ()}, {"creates": 2}])
def test_a_replay_that_takes_or_makes_something_fails(change):
    with pytest.raises(AssertionError, match=C):
        money.check_replay_takes_nothing(replace(REPLAYED, **change), C)


def delivery(*ledger, balance: int) -> Delivery:
    return Delivery("paid", (OK,), account(), account(*ledger, balance=balance))


def test_a_pack_that_is_granted_once_passes_and_any_other_fails():
    granted = entry(1, 900, 1000, "grant")
    money.check_grants(delivery(granted, balance=1000), 900, C)
    money.check_grants(delivery(balance=100), 0, C)
    for bad, pack in ((delivery(granted, granted, balance=1900), 900), (delivery(granted, balance=1000), 0)):
        with pytest.raises(AssertionError, match="an event that is paid"):
            money.check_grants(bad, pack, C)


def test_a_usage_that_agrees_passes():
    money.check_usage_agrees([SPENT, account()], C)


@pytest.mark.parametrize("wrong", [{"balance": 71}, {"trials": {}}, {"usage": {}}, {"events": []}, {"events": None}])
def test_a_usage_that_tells_something_else_fails(wrong):
    told = account(entry(1, -24, 76), entry(2, -6, 70), **{"balance": 70, **wrong})
    if "balance" in wrong:
        told = replace(told, books=replace(told.books, balance=70))
    with pytest.raises(AssertionError, match=next(iter(wrong))):
        money.check_usage_agrees([told], C)


def test_trials_that_agree_pass_and_others_fail():
    used = {"operation": "clone", "status": "consumed"}
    back = {"operation": "clone", "status": "restored"}
    money.check_trials_agree(account(clone=1), [used, back], C)
    with pytest.raises(AssertionError, match="were consumed"):
        money.check_trials_agree(account(clone=2), [used], C)
