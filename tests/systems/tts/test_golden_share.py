"""How golden cases of tier 1 are shared out where nobody can sign up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rollout_gates import golden
from rollout_gates.systems.tts.golden_share import in_turn, is_tier_1, left_out, share
from rollout_gates.systems.tts.golden_values import GOLDEN_NAMES
from rollout_gates.systems.tts.settings import Settings

CASES = golden.load(Path(__file__).parents[3] / "golden_payloads", "tts", names=GOLDEN_NAMES)
URL = "https://voices.example.test"


def settings(**more):
    urls = dict.fromkeys(("api_url", "auth_url", "data_url", "storage_url"), URL)
    return Settings(provider_mode="modal", lane="task", **urls, **more)


def test_with_sign_up_every_case_has_a_user_to_send_it():
    assert left_out(settings(sign_up=True), CASES) == frozenset()


def test_two_users_and_one_window_leave_no_room_for_cases_of_tier_1():
    kept = [case for case in CASES if case.id not in left_out(settings(), CASES)]

    assert len(kept) > 90
    assert not [case.id for case in kept if is_tier_1(case)]


def test_each_further_window_has_room_for_both_users():
    dropped = left_out(settings(rate_windows=2), CASES)

    assert len([name for name in in_turn(CASES) if name not in dropped]) == 2 * share(settings())


def test_enough_windows_send_every_case():
    assert left_out(settings(rate_windows=12), CASES) == frozenset()


def test_a_case_goes_with_its_twin():
    dropped = left_out(settings(), CASES)

    assert [case.id for case in CASES if case.twin in dropped and case.id not in dropped] == []
    assert any(case.actor == "anon" and case.id in dropped for case in CASES)


def test_folders_take_turns():
    first = [name.rsplit("/", 1)[0] for name in in_turn(CASES)[:4]]

    assert len(set(first)) == 4


@pytest.mark.parametrize("actor", ["anon"])
def test_a_call_without_a_user_is_not_dealt_out(actor):
    case = next(case for case in CASES if is_tier_1(case))

    assert not is_tier_1(replace(case, actor=actor))
