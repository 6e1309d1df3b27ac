"""Credits and trials are taken as priced, never twice, never beyond what is there, and told as they are."""

import pytest

from fixtures.expectations.money import (
    check_adds_up,
    check_charged,
    check_costs,
    check_given_at_first,
    check_never_negative,
    check_nothing_left,
    check_replay_of_a_debit,
    check_replay_takes_nothing,
    check_spent_once,
    check_too_poor,
    check_trials_agree,
    check_usage_agrees,
)
from fixtures.expectations.replies import check_status


@pytest.mark.clause("TTS-CRED-01")
def test_text_is_spoken_for_one_who_can_pay(spending):
    """A text that its user can pay for is taken (TTS-CRED-01)."""
    check_status(spending.spent.generate, 200, "TTS-CRED-01")


@pytest.mark.clause("TTS-CRED-01")
def test_text_costs_a_credit_a_character_after_trimming(spending):
    """One debit is written, of the length of the trimmed text (TTS-CRED-01)."""
    check_charged(spending.spent, "TTS-CRED-01")


@pytest.mark.clause("TTS-CRED-01")
def test_text_beyond_the_balance_is_refused(spending):
    """A user too poor gets 402 with what is needed and what is there (TTS-CRED-01)."""
    check_too_poor(spending.poor, "TTS-CRED-01")


@pytest.mark.clause("TTS-CRED-01")
def test_text_beyond_the_balance_leaves_nothing(spending):
    """A refusal for money leaves no generation, task or ledger row (TTS-CRED-01)."""
    check_nothing_left(spending.poor, "TTS-CRED-01")


@pytest.mark.clause("TTS-CRED-02")
def test_new_user_has_two_trials_each(trials):
    """A new user may try two clones and two designs (TTS-CRED-02)."""
    check_given_at_first(trials.first, "TTS-CRED-02")


@pytest.mark.clause("TTS-CRED-02")
def test_clones_cost_two_trials_and_then_a_thousand(trials):
    """Two clones are free, the third costs 1000, and the third once more costs nothing (TTS-CRED-02)."""
    check_costs(trials.clones, "TTS-CRED-02")


@pytest.mark.clause("TTS-CRED-02")
def test_previews_cost_two_trials_and_then_five_thousand(trials):
    """Two previews are free and the third costs 5000 (TTS-CRED-02)."""
    check_costs(trials.previews, "TTS-CRED-02")


@pytest.mark.clause("TTS-CRED-04")
def test_balances_add_up_after_the_run(whole_run):
    """Every balance is its ledger added up, for all users of the run (TTS-CRED-04)."""
    check_adds_up(whole_run.books, "TTS-CRED-04")


@pytest.mark.clause("TTS-CRED-04")
def test_no_balance_was_ever_negative(whole_run):
    """No balance was below zero at any time of the run (TTS-CRED-04)."""
    check_never_negative(whole_run.books, "TTS-CRED-04")


@pytest.mark.clause("TTS-CRED-05")
def test_parallel_clones_cannot_overspend(rush_of_clones):
    """Of clones at once with money for one, one is made and paid (TTS-CRED-05)."""
    check_spent_once(rush_of_clones, "TTS-CRED-05")


@pytest.mark.clause("TTS-CRED-05")
def test_parallel_previews_cannot_overspend(rush_of_previews):
    """Of previews at once with money for one, one is begun and paid (TTS-CRED-05)."""
    check_spent_once(rush_of_previews, "TTS-CRED-05")


@pytest.mark.clause("TTS-CRED-05")
def test_parallel_generates_cannot_overspend(rush_of_generates):
    """Of generates at once with money for one, one is begun and paid (TTS-CRED-05)."""
    check_spent_once(rush_of_generates, "TTS-CRED-05")


@pytest.mark.clause("TTS-CRED-06")
def test_replayed_clone_is_the_same_voice(replayed_charge):
    """A clone that was paid in credits is answered again with its voice (TTS-CRED-06)."""
    check_replay_of_a_debit(replayed_charge, "TTS-CRED-06")


@pytest.mark.clause("TTS-CRED-06")
def test_replayed_clone_takes_no_trial(replayed_charge):
    """A trial that came back meanwhile is not taken for the replay (TTS-CRED-06)."""
    check_replay_takes_nothing(replayed_charge, "TTS-CRED-06")


@pytest.mark.clause("TTS-CRED-09")
def test_usage_agrees_with_the_ledger(whole_run):
    """The usage answer tells balance, trials, sums and events as the rows do (TTS-CRED-09)."""
    check_usage_agrees(whole_run.accounts, "TTS-CRED-09")


@pytest.mark.clause("TTS-CRED-09")
def test_usage_agrees_with_the_ledger_after_many_charges(trials):
    """So it does for users who spent trials and flat prices (TTS-CRED-09)."""
    check_usage_agrees(trials.accounts, "TTS-CRED-09")


@pytest.mark.clause("TTS-CRED-09")
@pytest.mark.parametrize("which", [0, 1], ids=["clones", "previews"])
def test_trials_agree_with_what_was_consumed(trials, which):
    """The trials that are left are two less the ones noted as consumed (TTS-CRED-09)."""
    account = trials.accounts[which]
    check_trials_agree(account, trials.consumed[account.who], "TTS-CRED-09")
