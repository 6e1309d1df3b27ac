"""What the times of a stream's chunks tell."""

import pytest

from rollout_gates.wire.arrivals import Arrivals, Chunk, End, merged


def test_empty_stream_has_no_first_byte():
    arrivals = Arrivals((), headers_s=0.1, ended_s=0.2, end=End.COMPLETE)

    assert (arrivals.first_s, arrivals.last_s, arrivals.size_bytes, arrivals.gaps_s) == (None, None, 0, ())


def test_gaps_lie_between_chunks():
    chunks = (Chunk(0.5, 10), Chunk(0.75, 20), Chunk(1.75, 30))

    arrivals = Arrivals(chunks, headers_s=0.1, ended_s=2.0, end=End.IDLE)

    assert arrivals.gaps_s == pytest.approx((0.25, 1.0))
    assert (arrivals.first_s, arrivals.last_s, arrivals.size_bytes) == (0.5, 1.75, 60)


@pytest.mark.parametrize("count", [2, 3, 9, 10, 11, 12, 19, 100, 101])
def test_many_chunks_are_taken_together_and_both_ends_stay(count):
    chunks = [Chunk(float(number), number + 1) for number in range(count)]

    fewer = merged(chunks, 10)

    assert len(fewer) <= 10
    assert sum(each.size_bytes for each in fewer) == sum(each.size_bytes for each in chunks)
    assert (fewer[0].at_s, fewer[-1]) == (0.0, chunks[-1])
    assert fewer == chunks or count > 10
