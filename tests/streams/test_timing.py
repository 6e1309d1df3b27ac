"""Pace and end of a stream, from proportions alone: the same shape gives the same judgement at any speed."""

from __future__ import annotations

import pytest

from rollout_gates.streams import Doubt, Kind
from rollout_gates.streams.timing import ending, pace, stall
from rollout_gates.wire.arrivals import Arrivals, Chunk, End

SPEEDS = (0.6, 1.0, 8.0, 60.0)


def came(*parts: tuple[float, int], end: End = End.COMPLETE, waited: float = 0.0) -> Arrivals:
    chunks = [Chunk(at_s, size) for at_s, size in parts]
    return Arrivals(chunks, 0.1, (chunks[-1].at_s if chunks else 0.2) + waited, end)


def even(parts: int = 20, first: float = 0.4, size: int = 5000) -> list[tuple[float, int]]:
    return [(first + (1 - first) * number / (parts - 1), size) for number in range(parts)]


def at(speed: float, parts: list[tuple[float, int]]) -> Arrivals:
    return came(*((time * speed, size) for time, size in parts))


def kind_of(found: object) -> object:
    return getattr(found, "kind", found)


@pytest.mark.parametrize("speed", SPEEDS)
def test_a_stream_that_comes_as_it_is_made_is_fine(speed):
    assert pace(at(speed, even())) is None


@pytest.mark.parametrize("speed", SPEEDS)
@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([(1.0, 80_000)], Kind.BUFFERED),
        ([(0.98 + number / 1000, 4000) for number in range(20)], Kind.BUFFERED),
        ([(0.4, 3000), *((0.99 + number / 2000, 4000) for number in range(20))], Kind.BUFFERED),
        ([(0.5, 40_000), (1.0, 40_000)], Kind.COALESCED),
        ([(0.3, 30_000), (0.6, 40_000), (1.0, 30_000)], Kind.COALESCED),
        ([(0.6, 60_000), *((0.6 + number / 50, 3000) for number in range(3, 21))], Kind.HEAD_BUFFERED),
    ],
)
def test_what_was_held_back_is_found_at_any_speed(speed, parts, kind):
    found = pace(at(speed, parts))

    assert kind_of(found) is kind
    assert found.evidence
    assert found.sentence


@pytest.mark.parametrize(
    ("arrivals", "why"),
    [
        (came((1.0, 20_000)), "any proxy may send in one piece"),
        (came((0.2, 90_000)), "too quick to tell"),
        (came(*((0.9 + number / 150, 5000) for number in range(16))), "buffered on a slow network"),
        (came(), "not a byte came"),
    ],
)
def test_what_cannot_be_told_is_said(arrivals, why):
    found = pace(arrivals)

    assert isinstance(found, Doubt)
    assert Kind.BUFFERED in found.kinds
    assert why in found.sentence


def test_lumps_that_the_client_made_itself_are_no_finding():
    lumpy = came((0.5, 40_000), (1.0, 40_000))

    assert isinstance(pace(lumpy, starved_s=0.4), Doubt)
    assert kind_of(pace(lumpy, starved_s=0.05)) is Kind.COALESCED


def test_a_client_that_stood_still_heard_a_healthy_stream_all_the_same():
    assert pace(came(*even()), starved_s=0.4) is None


def test_small_lumps_of_a_proxy_are_fine():
    assert pace(came((0.4, 16_384), (0.7, 16_384), (1.0, 16_384))) is None


@pytest.mark.parametrize(("gap_s", "found"), [(0.9, False), (1.1, True), (2.5, True)])
def test_a_pause_far_beyond_all_others_is_a_stall(gap_s, found):
    parts = [(0.5 + number / 10, 4000) for number in range(10)]
    late = [(time + gap_s, size) for time, size in parts]

    assert (stall(came(*parts, *((time + 0.9, size) for time, size in late)), idle_s=2.0) is not None) is found


def test_pauses_that_are_all_alike_are_no_stall_below_the_limit():
    assert stall(came((1, 9), (3, 9), (5, 9), (7, 9)), idle_s=3) is None
    assert kind_of(stall(came((1, 9), (3, 9), (5, 9), (7, 9)), idle_s=2)) is Kind.STALLED


def test_a_pause_of_the_client_is_no_stall():
    assert stall(came((1, 9), (1.1, 9), (3.1, 9)), idle_s=2, starved_s=1.9) is None


@pytest.mark.parametrize(
    ("end", "complete", "kind"),
    [
        (End.COMPLETE, True, None),
        (End.LEFT, False, None),
        (End.IDLE, True, Kind.NEVER_ENDED),
        (End.IDLE, False, Kind.STALLED),
        (End.OVERTIME, True, Kind.NEVER_ENDED),
        (End.TOO_LARGE, False, Kind.NEVER_ENDED),
        (End.BROKEN, True, Kind.CUT),
    ],
)
def test_each_end_has_its_meaning(end, complete, kind):
    assert getattr(ending(came((1, 9), end=end, waited=3), complete=complete), "kind", None) is kind


@pytest.mark.parametrize("times", [(0.0, 0.0), (float("inf"), float("inf"))])
def test_times_that_mean_nothing_are_survived(times):
    arrivals = came(*((time, 50_000) for time in times))

    assert isinstance(pace(arrivals), Doubt)
    assert stall(arrivals, idle_s=1) is None
