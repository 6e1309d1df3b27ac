"""The credits usage keeps its form and looks back 30 days."""

import pytest

from fixtures.expectations.replies import check_member, check_status
from fixtures.expectations.shapes import USAGE, check_shapes

CLAUSE = "TTS-CON-10"


@pytest.mark.clause("TTS-CON-10")
def test_usage_keeps_its_form(usage):
    """The usage answer has all of its parts, of their types (TTS-CON-10)."""
    check_status(usage.week, 200, CLAUSE)
    check_shapes([usage.default, usage.week, usage.beyond], USAGE, CLAUSE)


@pytest.mark.clause("TTS-CON-10")
def test_usage_looks_back_as_far_as_it_is_asked(usage):
    """A window is taken as given, up to a year (TTS-CON-10)."""
    check_member(usage.week, "window_days", 7, CLAUSE)
    check_member(usage.beyond, "window_days", 365, CLAUSE)


@pytest.mark.clause("TTS-CON-10")
def test_usage_looks_back_30_days_by_default(usage):
    """Without a window the usage looks back 30 days (TTS-CON-10)."""
    check_status(usage.default, 200, CLAUSE)
    check_member(usage.default, "window_days", 30, CLAUSE)
