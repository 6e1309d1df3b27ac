"""The functions of the TTS database: credits, trials, poll counts and rate limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest


def credit(platform, user, amount, kind="debit", key=None, **more):
    values = {"p_operation": "generate", "p_reference_type": "generation", "p_idempotency_key": key, **more}
    return platform.run(
        platform.db.rpc("credit_apply_event", p_user_id=user.id, p_event_kind=kind, p_amount=amount, **values)
    )


def charge(platform, user, key, operation="clone", price=1000):
    return platform.run(
        platform.db.rpc(
            "trial_or_debit",
            p_user_id=user.id,
            p_operation=operation,
            p_debit_amount=price,
            p_reference_type="voice",
            p_reference_id=str(uuid4()),
            p_idempotency_key=key,
            p_metadata={"source": "test"},
        )
    )


def restore(platform, user, key, operation="clone"):
    return platform.run(
        platform.db.rpc("trial_restore", p_user_id=user.id, p_operation=operation, p_idempotency_key=key)
    )


def count_call(platform, key, limit=2, **more):
    arguments = {"p_actor_type": "user", "p_tier": "tier1", "p_window_seconds": 300, **more}
    return platform.run(platform.db.rpc("rate_limit_check_and_increment", p_actor_key=key, p_limit=limit, **arguments))


def balance(user) -> int:
    return user.rows("profiles?select=credits_remaining")[0]["credits_remaining"]


def test_debit_takes_credits_and_is_logged(platform, a):
    event = credit(platform, a, 30, key="k")

    assert event["applied"] is True
    assert (event["balance_remaining"], event["signed_amount"], balance(a)) == (70, -30, 70)
    assert [row["balance_after"] for row in a.rows("credit_ledger")] == [70]


def test_known_key_is_a_duplicate_and_takes_nothing(platform, a):
    first = credit(platform, a, 30, key="k")
    second = credit(platform, a, 30, key="k")

    assert (second["duplicate"], second["applied"]) == (True, False)
    assert second["ledger_id"] == first["ledger_id"]
    assert balance(a) == 70


def test_debit_below_zero_is_insufficient_and_leaves_no_row(platform, a):
    event = credit(platform, a, 101)

    assert (event["insufficient"], event["applied"], event["balance_remaining"]) == (True, False, 100)
    assert a.rows("credit_ledger") == []


def test_refund_gives_credits_back(platform, a):
    credit(platform, a, 40)
    credit(platform, a, 40, kind="refund")

    assert balance(a) == 100


def test_parallel_debits_never_overspend(platform, a):
    async def spend():
        call = {"p_event_kind": "debit", "p_operation": "generate", "p_amount": 30, "p_reference_type": "generation"}
        return await asyncio.gather(
            *(platform.db.rpc("credit_apply_event", p_user_id=a.id, p_idempotency_key=str(n), **call) for n in range(8))
        )

    events = platform.run(spend())

    assert sum(event["applied"] for event in events) == 3
    assert balance(a) == 10


def test_missing_profile_is_made_on_the_first_event(platform, a):
    platform.service.send("DELETE", f"/rest/v1/profiles?id=eq.{a.id}")

    assert credit(platform, a, 5, kind="grant")["balance_remaining"] == 105


@pytest.mark.parametrize(
    "wrong",
    [
        {"p_event_kind": "gift"},
        {"p_amount": 0},
        {"p_amount": -5},
        {"p_operation": "other"},
        {"p_reference_type": "other"},
        {"p_idempotency_key": "k" * 129},
        {"p_idempotency_key": ""},
        {"p_user_id": None},
    ],
    ids=str,
)
def test_invalid_credit_arguments_raise_22023(platform, a, wrong):
    right = {
        "p_user_id": a.id,
        "p_event_kind": "debit",
        "p_operation": "generate",
        "p_amount": 1,
        "p_reference_type": "task",
    }

    with pytest.raises(psycopg.errors.InvalidParameterValue):
        platform.run(platform.db.rpc("credit_apply_event", **{**right, **wrong}))


def test_usage_totals_count_from_a_point_in_time(platform, a):
    credit(platform, a, 40)
    credit(platform, a, 15, kind="refund")
    soon = datetime.now(UTC) + timedelta(minutes=1)

    totals = platform.run(platform.db.rpc("credit_usage_window_totals", p_user_id=a.id))
    later = platform.run(platform.db.rpc("credit_usage_window_totals", p_user_id=a.id, p_since=soon))

    assert totals == {"total_debited": 40, "total_credited": 15, "net_signed": -25}
    assert later == {"total_debited": 0, "total_credited": 0, "net_signed": 0}


def test_trials_come_first_then_the_flat_price(platform, a):
    credit(platform, a, 5000, kind="grant")
    charges = [charge(platform, a, str(number)) for number in range(3)]

    assert [taken["used_trial"] for taken in charges] == [True, True, False]
    assert [taken["balance_remaining"] for taken in charges] == [5100, 5100, 4100]
    assert charges[2]["ledger_id"] is not None


def test_charge_of_a_poor_user_is_insufficient(platform, a):
    for number in range(2):
        charge(platform, a, str(number), "design_preview", 5000)

    last = charge(platform, a, "last", "design_preview", 5000)

    assert (last["insufficient"], last["used_trial"], last["balance_remaining"]) == (True, False, 100)


def test_known_trial_key_is_a_duplicate_even_when_restored(platform, a):
    charge(platform, a, "k")
    restore(platform, a, "k")

    again = charge(platform, a, "k")

    assert (again["duplicate"], again["used_trial"]) == (True, True)
    assert a.rows("profiles?select=clone_trials_remaining") == [{"clone_trials_remaining": 2}]


def test_key_of_a_debit_stays_a_replay_after_a_trial_came_back(own_platform):
    replay = replay_after_restore(own_platform)

    assert (replay["duplicate"], replay["used_trial"]) == (True, False)


def test_fault_f63_takes_a_trial_for_a_key_that_was_debited(own_platform):
    own_platform.faults._on = frozenset({"F-63"})

    replay = replay_after_restore(own_platform)

    assert (replay["duplicate"], replay["used_trial"]) == (False, True)


def replay_after_restore(platform):
    user = platform.user()
    credit(platform, user, 5000, kind="grant")
    for key in ("first", "second", "debited"):
        charge(platform, user, key)
    restore(platform, user, "first")
    return charge(platform, user, "debited")


def test_trial_is_restored_once_and_never_beyond_two(platform, a):
    charge(platform, a, "k")

    first, second = restore(platform, a, "k"), restore(platform, a, "k")

    assert (first["restored"], first["trials_remaining"]) == (True, 2)
    assert (second["restored"], second["already_restored"], second["trials_remaining"]) == (False, True, None)


def test_restore_of_an_unknown_key_does_nothing(platform, a):
    outcome = restore(platform, a, "unknown")

    assert outcome == {"restored": False, "already_restored": False, "trial_id": None, "trials_remaining": None}


@pytest.mark.parametrize(("operation", "price"), [("clone", 5000), ("design_preview", 1000), ("generate", 1000)])
def test_charge_with_another_price_or_operation_raises_22023(platform, a, operation, price):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        charge(platform, a, "k", operation, price)


def test_poll_count_moves_for_the_owner_only(platform, a, b):
    task = platform.make("tasks", user_id=a.id, type="generate")

    def count(user):
        return platform.run(platform.db.rpc("increment_task_modal_poll_count", p_task_id=task["id"], p_user_id=user.id))

    assert [count(a), count(a), count(b)] == [1, 2, None]


def test_limit_allows_exactly_its_number_in_a_window(platform):
    calls = [count_call(platform, "counted", p_now=datetime(2026, 2, 26, 12, 1, tzinfo=UTC)) for _ in range(3)]

    assert [call["allowed"] for call in calls] == [True, True, False]
    assert [call["retry_after_seconds"] for call in calls] == [0, 0, 240]
    assert (calls[2]["current_count"], calls[2]["limit_value"]) == (3, 2)


def test_limit_starts_anew_in_the_next_window(platform):
    end = datetime(2026, 2, 26, 12, 4, 59, tzinfo=UTC)
    calls = [count_call(platform, "windows", 1, p_now=end + timedelta(seconds=n)) for n in (0, 0, 1)]

    assert [call["allowed"] for call in calls] == [True, False, True]


def test_counters_that_ended_an_hour_ago_are_removed(own_platform):
    count_old_and_new(own_platform)

    assert [row["actor_key"] for row in own_platform.sql("select actor_key from rate_limit_counters")] == ["new"]


def test_fault_f80_keeps_old_counters(own_platform):
    own_platform.faults._on = frozenset({"F-80"})

    count_old_and_new(own_platform)

    assert len(own_platform.sql("select actor_key from rate_limit_counters")) == 2


def count_old_and_new(platform):
    now = datetime.now(UTC)
    count_call(platform, "old", p_now=now - timedelta(hours=3))
    count_call(platform, "new", p_now=now)


def test_parallel_calls_are_all_counted(platform):
    async def burst():
        call = {"p_actor_type": "ip", "p_tier": "tier3", "p_limit": 10, "p_window_seconds": 300}
        return await asyncio.gather(
            *(platform.db.rpc("rate_limit_check_and_increment", p_actor_key="burst", **call) for _ in range(25))
        )

    calls = platform.run(burst())

    assert sum(call["allowed"] for call in calls) == 10
    assert sorted(call["current_count"] for call in calls) == list(range(1, 26))


@pytest.mark.parametrize(
    "wrong", [{"p_actor_type": "cookie"}, {"p_tier": "tier4"}, {"p_window_seconds": 0}, {"limit": 0}], ids=str
)
def test_invalid_limit_arguments_raise_22023(platform, wrong):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        count_call(platform, "wrong", **wrong)


def test_unknown_function_is_told_apart(platform):
    with pytest.raises(psycopg.errors.UndefinedFunction):
        platform.run(platform.db.rpc("credit_apply_event", p_wrong=1))
