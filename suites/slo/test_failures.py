"""Failures over time, by what they are sorted into."""

import pytest

from fixtures.expectations.slo import check_failures_have_categories


@pytest.mark.clause("TTS-SLO-06")
def test_failures_are_broken_down_by_category(sorted_failures):
    """Of each failed task a category is known, from its row or from the log (TTS-SLO-06)."""
    check_failures_have_categories(sorted_failures, "TTS-SLO-06")
