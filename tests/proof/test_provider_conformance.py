"""The proof of the provider's clauses: green where nothing is wrong, and each violation reddens what its row names."""

from __future__ import annotations

import pytest

from rollout_gates.catalogue import load
from tests.proof.gate import ROOT, WHOLE, built_faults
from tests.proof.provider import judge

PROVIDER = ("DS-",)
FAULTS = built_faults("tts", PROVIDER)
OWN = {"DS-RT-29", "DS-RT-30", "DS-RT-31", "DS-RT-32", "DS-REST-40"}
"""What is seen of the deployment's own client; proven in test_provider_own_client.py."""
CLAUSES = {clause.id for clause in load(ROOT / "clauses").clauses if clause.id.startswith(PROVIDER)} - OWN
OF_THE_PROVIDER = [fault for fault in FAULTS if not OWN.issuperset(fault["red"])]
HABITS = {
    "strict": {},
    "live-like": {"realtime_live_like": 1},
    "errors end sessions": {"realtime_errors": "fatal"},
    "errors are survived": {"realtime_errors": "survived"},
    "many small deltas": {"realtime_chunk_ms": 20},
}


def test_every_clause_has_a_violation():
    assert {name for fault in FAULTS for name in fault["red"]} == CLAUSES | OWN


@pytest.mark.parametrize("habit", HABITS)
def test_a_provider_without_a_fault_is_green(tmp_path, habit):
    judged = judge(tmp_path, options=HABITS[habit], timeout_s=10)

    assert judged.told() == ""
    assert judged.green == CLAUSES
    assert judged.left == (), "voices were left behind"


@pytest.mark.parametrize("fault", OF_THE_PROVIDER, ids=lambda fault: fault["id"])
def test_a_violation_reddens_what_it_names_and_nothing_else(tmp_path, fault):
    judged = judge(tmp_path, fault["id"])

    assert judged.red == set(fault["red"]), judged.told()


@pytest.mark.skipif(not WHOLE, reason="the same once more; tox -e proof does it")
@pytest.mark.parametrize("fault", OF_THE_PROVIDER, ids=lambda fault: fault["id"])
def test_a_violation_shows_in_the_live_like_behaviour_too(tmp_path, fault):
    judged = judge(tmp_path, fault["id"], options={"realtime_live_like": 1})

    assert judged.red == set(fault["red"]), judged.told()


def test_an_event_of_an_unknown_type_is_no_violation(tmp_path):
    judged = judge(tmp_path, "P-22")

    assert judged.told() == ""
