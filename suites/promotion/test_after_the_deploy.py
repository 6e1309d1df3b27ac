"""What must have run again after the production deploy."""

import pytest

from fixtures.expectations.standing import check_ran_again


@pytest.mark.clause("TTS-CUT-04")
def test_smoke_denials_burst_and_two_users_were_judged_again(on_file):
    """Smoke, denials, burst and cross-user checks ran again after the production deploy (TTS-CUT-04)."""
    check_ran_again(on_file, "TTS-CUT-04")
