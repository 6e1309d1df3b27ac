"""Streams over real sockets beside a busy processor: twelve kinds of trouble are found, and health is left alone.

The full numbers, 12 kinds of 25 seeds and 1000 healthy ones, are run by ``benchmarks/stream_detector.py``.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from rollout_gates.streams import Kind, judge
from tests.streams import scripts
from tests.streams.load import busy
from tests.streams.player import hear_all

SEEDS = range(3)
HEALTHY = range(40)
TIMING = (Kind.BUFFERED, Kind.HEAD_BUFFERED, Kind.COALESCED)


@pytest.fixture(scope="module")
def judged():
    """The judgements of all streams by name, played at the same time."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        made = [pool.submit(scripts.healthy, seed) for seed in HEALTHY]
        made += [pool.submit(scripts.faulty, kind, seed) for kind in scripts.KINDS for seed in SEEDS]
        played = [each.result(timeout=120) for each in made]
    with busy(1):
        heard = asyncio.run(hear_all(played))
    found = {}
    for each in heard:
        found.setdefault(each.script.name, []).append(judge(each.arrivals, each.body, each.expected))
    return found


@pytest.mark.parametrize("kind", scripts.KINDS)
def test_trouble_is_found(judged, kind):
    missed = [str(each) for each in judged[kind] if not each.faulty and not each.doubts(*TIMING)]

    assert len(judged[kind]) == len(SEEDS)
    assert missed == []


def test_health_is_no_trouble(judged):
    assert len(judged["healthy"]) == len(HEALTHY)
    assert [str(each) for each in judged["healthy"] if each.faulty] == []


def test_most_of_the_healthy_can_be_told(judged):
    assert sum(bool(each.undecided) for each in judged["healthy"]) <= len(HEALTHY) // 8


@pytest.mark.parametrize("kind", ["stalled", "truncated", "duplicated", "never ended"])
def test_the_kind_is_named(judged, kind):
    assert [kind in each.kinds for each in judged[kind]] == [True] * len(SEEDS)
