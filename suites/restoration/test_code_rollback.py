"""What is there after the code was rolled back to the build before the adapter, on the new schema."""

import pytest

from fixtures.expectations.restoring import check_old_build_reads, check_old_build_writes, check_stays_hidden


@pytest.mark.clause("TTS-RESTORE-08")
def test_old_build_reads_what_the_new_one_made(spoke_before_the_rollback):
    """The old build lists and plays what the new one made (TTS-RESTORE-08)."""
    check_old_build_reads(spoke_before_the_rollback, "TTS-RESTORE-08")


@pytest.mark.clause("TTS-RESTORE-08")
def test_old_build_writes(spoke_before_the_rollback):
    """The old build makes a voice and speaks (TTS-RESTORE-08)."""
    check_old_build_writes(spoke_before_the_rollback, "TTS-RESTORE-08")


@pytest.mark.clause("TTS-RESTORE-09")
def test_deleted_voice_stays_hidden(rolled_back_list):
    """A voice that its user deleted stays hidden in the old build (TTS-RESTORE-09)."""
    check_stays_hidden(rolled_back_list, "TTS-RESTORE-09")
