"""What people answer for, and what earlier gates said, before the switch is thrown."""

import pytest

from fixtures.expectations.standing import (
    check_matrix_in_both_modes,
    check_nothing_grave_is_open,
    check_on_call,
    check_order,
    check_rehearsed,
    check_signed,
)


@pytest.mark.clause("TTS-CUT-01")
def test_tasks_are_signed_for_this_build(on_file):
    """Tasks 1 to 10 are signed, by somebody, for the build that is rolled out (TTS-CUT-01)."""
    check_signed(on_file, "TTS-CUT-01")


@pytest.mark.clause("TTS-CUT-01")
def test_mode_matrix_was_go_in_both_modes(on_file):
    """The mode matrix was GO in each mode, and not long ago (TTS-CUT-01)."""
    check_matrix_in_both_modes(on_file, "TTS-CUT-01")


@pytest.mark.clause("TTS-CUT-03")
def test_restoration_was_rehearsed(on_file):
    """The restoration was rehearsed, and not long ago (TTS-CUT-03)."""
    check_rehearsed(on_file, "TTS-CUT-03")


@pytest.mark.clause("TTS-CUT-03")
def test_somebody_is_on_call(on_file):
    """Somebody with a name is on call now (TTS-CUT-03)."""
    check_on_call(on_file, "TTS-CUT-03")


@pytest.mark.clause("TTS-EVID-04")
def test_security_gate_left_nothing_grave_open(earlier_security, severities):
    """The last run of the security gate left no critical or high clause open (TTS-EVID-04)."""
    check_nothing_grave_is_open(earlier_security, severities, "TTS-EVID-04")


@pytest.mark.clause("TTS-MIG-12")
def test_schema_came_before_code_and_code_before_the_switch(on_file):
    """The schema was migrated before the code was deployed, and that before the switch (TTS-MIG-12)."""
    check_order(on_file.records, "TTS-MIG-12")
