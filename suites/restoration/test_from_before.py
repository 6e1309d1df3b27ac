"""What was made before the migration, after a cutover and its restoration."""

import pytest

from fixtures.expectations.restoring import check_legacy_kept


@pytest.mark.clause("TTS-RESTORE-04")
def test_what_was_made_before_the_migration_is_as_it_was(legacy_heard):
    """A voice and a generation from before the migration are listed as they were, and play (TTS-RESTORE-04)."""
    check_legacy_kept(legacy_heard, "TTS-RESTORE-04")
