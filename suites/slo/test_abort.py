"""The rules that ask for restoration."""

import pytest

from fixtures.expectations.slo import check_no_abort


@pytest.mark.clause("TTS-SLO-08")
def test_no_abort_rule_asks_for_restoration(watched):
    """Two bad windows in a row, corruption, exposure or unbounded cost ask for restoration (TTS-SLO-08)."""
    check_no_abort(watched, "TTS-SLO-08")
