"""What the times of a stream's chunks tell."""

import pytest

from rollout_gates.wire.arrivals import Arrivals, Chunk, End


def test_empty_stream_has_no_first_byte():
    arrivals = Arrivals((), headers_s=0.1, ended_s=0.2, end=End.COMPLETE)

    assert (arrivals.first_s, arrivals.last_s, arrivals.size_bytes, arrivals.gaps_s) == (None, None, 0, ())


def test_gaps_lie_between_chunks():
    chunks = (Chunk(0.5, 10), Chunk(0.75, 20), Chunk(1.75, 30))

    arrivals = Arrivals(chunks, headers_s=0.1, ended_s=2.0, end=End.IDLE)

    assert arrivals.gaps_s == pytest.approx((0.25, 1.0))
    assert (arrivals.first_s, arrivals.last_s, arrivals.size_bytes) == (0.5, 1.75, 60)
