"""Each check of what a database lets through: where it passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations.row_policies import (
    READS_AND_WRITES,
    check_buckets_are_private,
    check_functions_are_closed,
    check_no_function_opens,
    check_nothing_leaks,
    check_policies_ask,
    check_row_stands,
    check_rules_hold,
)
from rollout_gates.reasons import Reason
from rollout_gates.row_policy import Finding, Operation, Proof, Report, Standing, Verdict
from rollout_gates.row_policy.model import THE_REST
from rollout_gates.wire import CouldNotJudge

TABLE = "public.notes"
LEAK, ALLOWED, DENIED, DOUBT = Verdict.LEAK, Verdict.ALLOWED, Verdict.DENIED, Verdict.INCONCLUSIVE


def found(operation=Operation.SELECT, verdict=DENIED, who="anon", name=TABLE):
    return Finding(who, name, operation, verdict, "select", "2 rows of others")


def report(*findings, not_acted_out=None):
    return Report(findings, (), not_acted_out or {}, {}, {}, Proof("aborted", 0, ()), 1.0)


def judged(*but):
    """Every read and write of the table, denied, and *but* in place of some."""
    replaced = {(one.operation, one.object) for one in but}
    rest = [found(operation) for operation in READS_AND_WRITES if (operation, TABLE) not in replaced]
    return report(*rest, *but)


def standing(rule="policy always true", name=TABLE, roles=("anon",)):
    return Standing(name, rule, roles, "policy 'wide' for select")


def test_a_table_that_was_judged_and_does_not_leak_passes():
    check_nothing_leaks(judged(found(Operation.UPDATE, ALLOWED)), ["anon"], [TABLE], "C-1")


@pytest.mark.parametrize("operation", sorted(set(Operation) - {Operation.CALL, Operation.SET}))
def test_a_leak_fails_with_who_what_and_how(operation):
    with pytest.raises(AssertionError, match=rf"{operation} on public.notes as anon, select: 2 rows of others \[C-1\]"):
        check_nothing_leaks(judged(found(operation, LEAK)), ["anon"], [TABLE], "C-1")


def test_a_leak_through_a_view_fails_as_well():
    with pytest.raises(AssertionError, match="public.view"):
        check_nothing_leaks(judged(found(verdict=LEAK, name="public.view")), ["anon"], [TABLE], "C-1")


def test_a_leak_to_somebody_else_is_not_told():
    check_nothing_leaks(report(*judged().findings, found(verdict=LEAK, who="user")), ["anon"], [TABLE], "C-1")


def test_a_table_that_nobody_acted_on_is_inconclusive():
    left_out = report(*judged().findings, not_acted_out={"public.other": "a foreign table"})

    with pytest.raises(CouldNotJudge, match="a foreign table") as problem:
        check_nothing_leaks(left_out, ["anon"], [TABLE, "public.other"], "C-1")
    assert problem.value.reason is Reason.SOURCE_ABSENT


def test_a_cell_in_doubt_is_inconclusive():
    with pytest.raises(CouldNotJudge) as problem:
        check_nothing_leaks(judged(found(verdict=DOUBT)), ["anon"], [TABLE], "C-1")
    assert problem.value.reason is Reason.TOO_FEW_SAMPLES


def test_an_operation_that_nobody_tried_is_inconclusive():
    with pytest.raises(CouldNotJudge, match="used up"):
        check_nothing_leaks(report(found(), not_acted_out={THE_REST: "the time is used up"}), ["anon"], [TABLE], "C-1")


def test_functions_that_time_did_not_suffice_for_are_inconclusive():
    with pytest.raises(CouldNotJudge, match="used up"):
        check_no_function_opens(
            report(found(Operation.CALL), not_acted_out={THE_REST: "the time is used up"}), ["anon"], "C-1"
        )


def test_functions_that_cannot_be_executed_pass():
    check_no_function_opens(report(found(Operation.CALL)), ["anon"], "C-1")


def test_a_function_that_can_be_executed_fails():
    with pytest.raises(AssertionError, match="call on public.pay"):
        check_no_function_opens(report(found(Operation.CALL, LEAK, name="public.pay")), ["anon"], "C-1")


def test_a_schema_without_functions_is_inconclusive():
    with pytest.raises(CouldNotJudge, match="no function"):
        check_no_function_opens(report(found()), ["anon"], "C-1")


def test_a_row_that_nobody_writes_passes():
    check_row_stands(judged(found(verdict=LEAK)), ["anon"], TABLE, "C-1")


@pytest.mark.parametrize("operation", [Operation.INSERT, Operation.UPDATE])
@pytest.mark.parametrize("verdict", [LEAK, ALLOWED])
def test_a_row_that_is_written_fails_own_ones_too(operation, verdict):
    with pytest.raises(AssertionError, match=f"{operation} on public.notes"):
        check_row_stands(report(found(operation, verdict)), ["anon"], TABLE, "C-1")


def test_rules_that_open_nothing_to_the_role_pass():
    told = [standing(roles=("owner",)), standing("definer function can be executed")]

    check_rules_hold(told, "anon", "C-1")


def test_a_rule_that_opens_something_fails():
    with pytest.raises(AssertionError, match=r"public.notes for anon: truncate is granted .* \[C-1\]"):
        check_rules_hold([standing("truncate is granted")], "anon", "C-1")


def test_policies_that_ask_pass_whatever_the_grants():
    check_policies_ask([standing("truncate is granted"), standing(name="public.other")], "anon", TABLE, "C-1")


def test_a_policy_that_asks_nothing_fails():
    with pytest.raises(AssertionError, match="policy always true"):
        check_policies_ask([standing()], "anon", TABLE, "C-1")


def test_functions_of_their_definer_that_are_closed_pass():
    check_functions_are_closed([standing()], "C-1")


@pytest.mark.parametrize("rule", ["definer function can be executed", "definer function with the caller's search path"])
def test_a_function_of_its_definer_that_is_open_fails(rule):
    with pytest.raises(AssertionError, match=rule):
        check_functions_are_closed([standing(rule)], "C-1")


def test_private_buckets_pass():
    check_buckets_are_private({"one": False, "other": True}, ["one"], "C-1")


def test_a_public_bucket_fails():
    with pytest.raises(AssertionError, match="public buckets: one"):
        check_buckets_are_private({"one": True}, ["one"], "C-1")


def test_a_bucket_that_is_not_there_is_inconclusive():
    with pytest.raises(CouldNotJudge, match="no bucket other"):
        check_buckets_are_private({"one": False}, ["one", "other"], "C-1")
