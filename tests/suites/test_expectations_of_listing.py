"""Expectations of lists: a list that keeps the contract passes, and each way to break it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.expectations import listing as expect
from rollout_gates.systems.tts.flows.lists import Listing
from tests.suites.replies import page, reply

C = "TTS-CON-09"
ROWS = [
    {"id": "3", "name": "gate a1b2 design", "source": "designed", "created_at": "2026-03-01T12:00:03Z"},
    {"id": "2", "name": "gate a1b2 clone", "source": "uploaded", "created_at": "2026-03-01T12:00:02Z"},
    {"id": "1", "name": "mine", "source": "uploaded", "created_at": "2026-03-01T12:00:01Z"},
]


def voices(rows: list[dict[str, Any]], **numbers: int) -> Any:
    return page("voices", rows, **numbers)


def good(rows: list[dict[str, Any]] = ROWS, made: tuple[str, ...] = ("3", "2")) -> Listing:
    total = len(rows)
    answers = {
        "": voices(rows[:20], total=total),
        "page=1&per_page=1": voices(rows[:1], per_page=1, total=total),
        "page=2&per_page=1": voices(rows[1:2], number=2, per_page=1, total=total),
        "page=0&per_page=0": voices(rows[:20], total=total),
        "page=x&per_page=x": voices(rows[:20], total=total),
        "search=A1B2": voices([row for row in rows if "a1b2" in row["name"]]),
        "search=nothing": voices([]),
        "source=uploaded": voices([row for row in rows if row["source"] == "uploaded"]),
        "source=designed": voices([row for row in rows if row["source"] == "designed"]),
        "source=other": voices(rows[:20], total=total),
    }
    return Listing("voices", voices(rows, per_page=100, total=total), answers, made, "a1b2", "nothing")


def bad(query: str, answer: Any) -> Listing:
    listing = good()
    if not query:
        return replace(listing, whole=answer)
    return replace(listing, answers={**listing.answers, query: answer})


def judge(listing: Listing) -> None:
    expect.check_complete(listing, C)
    expect.check_paging(listing, C)
    expect.check_search(listing, "name", C)
    expect.check_filter(listing, "source", ("uploaded", "designed"), C)
    expect.check_no_filter(listing, "source=other", C)


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]])
def test_a_list_that_keeps_the_contract_passes(rows):
    judge(good(rows, made=("3",)))


def test_a_list_of_more_than_can_be_seen_is_judged_row_by_row():
    rows = [{**ROWS[index % 2], "id": str(index), "created_at": str(999 - index)} for index in range(100)]
    listing = good(rows, made=("0",))
    whole = voices(rows, per_page=100, total=120)
    uploaded = voices([row for row in rows if row["source"] == "uploaded"][:20], total=60)
    answers = {**listing.answers, "source=uploaded": uploaded}

    expect.check_filter(replace(listing, whole=whole, answers=answers), "source", ("uploaded",), C)
    with pytest.raises(AssertionError, match="only rows that fit"):
        expect.check_filter(
            replace(listing, whole=whole, answers={"source=uploaded": voices(rows[:20])}), "source", ("uploaded",), C
        )


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("", reply(500, {"detail": "Failed to load voices."})),
        ("", voices(ROWS[1:], per_page=100)),
        ("", voices(list(reversed(ROWS)), per_page=100)),
        ("", voices(ROWS, per_page=100, total=2)),
        ("page=1&per_page=1", voices(ROWS)),
        ("page=1&per_page=1", voices(ROWS[:1], per_page=20, total=3)),
        ("page=2&per_page=1", voices(ROWS[:1], number=2, per_page=1, total=3)),
        ("page=0&per_page=0", reply(500, {"detail": "x"})),
        ("page=x&per_page=x", voices([], per_page=20, total=3)),
        ("search=A1B2", voices(ROWS)),
        ("search=A1B2", voices([])),
        ("search=nothing", voices(ROWS)),
        ("source=uploaded", voices(ROWS)),
        ("source=designed", voices(ROWS[:1], total=3)),
        ("source=other", voices([])),
    ],
)
def test_a_list_that_breaks_the_contract_fails(query, answer):
    with pytest.raises(AssertionError):
        judge(bad(query, answer))


def test_a_list_in_which_nothing_could_be_found_fails():
    with pytest.raises(AssertionError, match="nothing was made"):
        expect.check_complete(good(made=()), C)
    with pytest.raises(AssertionError, match="no name holds"):
        expect.check_search(good(ROWS[2:], made=("1",)), "name", C)
    with pytest.raises(AssertionError, match="no voices to filter"):
        expect.check_filter(good([], made=()), "source", ("uploaded",), C)
