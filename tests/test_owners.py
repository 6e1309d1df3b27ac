from __future__ import annotations

from datetime import date

import pytest

from rollout_gates.owners import DUE_DAYS, due, owner_of, responsibility

OWNERS = {"SHOP-": "team-shop", "SHOP-SEC-": "team-safe"}
RUN = {"finished": "2026-03-14T09:30:00Z", "owners": OWNERS, "due_days": {"high": 3}}


@pytest.mark.parametrize(
    ("clause", "owner"), [("SHOP-SEC-01", "team-safe"), ("SHOP-CON-01", "team-shop"), ("X-1", None)]
)
def test_the_longest_group_counts(clause, owner):
    assert owner_of(clause, OWNERS) == owner


def test_the_day_depends_on_the_severity():
    assert due("2026-03-14T09:30:00Z", "critical") == date(2026, 3, 15)
    assert due("2026-03-14T09:30:00Z", "low") == date(2026, 6, 12)
    assert due("2026-03-14T09:30:00Z", "low", {"low": 0}) == date(2026, 3, 14)
    assert list(DUE_DAYS) == ["critical", "high", "medium", "low"]


def test_who_answers_for_an_open_clause():
    clause = {"id": "SHOP-SEC-01", "severity": "high", "waiver": None, "waiver_state": None}
    waiver = {"owner": "ada", "expires": "2026-12-31"}

    assert responsibility(clause, RUN) == ("team-safe", "2026-03-17")
    assert responsibility({**clause, "id": "X-1"}, RUN) == ("", "2026-03-17")
    assert responsibility({**clause, "waiver": waiver, "waiver_state": "active"}, RUN) == ("ada", "2026-12-31")
    assert responsibility({**clause, "waiver": waiver, "waiver_state": "expired"}, RUN) == ("team-safe", "2026-03-17")
