"""Between the moment before and the moment after, a migration left alone what was there."""

import pytest

from fixtures.expectations.database import check_old_writes
from fixtures.expectations.migrating import (
    check_content_kept,
    check_legacy_rows,
    check_nothing_lost,
    check_old_build_lists,
    check_old_columns_read,
    check_rules_same,
)
from fixtures.expectations.ordering import check_each_step_serves
from rollout_gates.systems.tts.schema import LEGACY, PROVIDER_COLUMNS


@pytest.mark.clause("TTS-MIG-04")
def test_nothing_is_lost(migration_compared):
    """Nothing that existed was dropped, renamed or retyped (TTS-MIG-04)."""
    check_nothing_lost(migration_compared, "TTS-MIG-04")


@pytest.mark.clause("TTS-MIG-05")
def test_rows_and_old_columns_are_the_same(migration_compared):
    """Row counts and the content of the old columns are the same (TTS-MIG-05)."""
    check_content_kept(migration_compared, "TTS-MIG-05")


@pytest.mark.clause("TTS-MIG-06")
def test_rows_from_before_read_modal(compared_after_migration):
    """Every row from before reads modal (TTS-MIG-06)."""
    check_legacy_rows(compared_after_migration.after, PROVIDER_COLUMNS, LEGACY, "after the migration", "TTS-MIG-06")


@pytest.mark.clause("TTS-MIG-07")
def test_old_writes_succeed(migration_compared):
    """Inserts and updates in the old shape succeed, and take the defaults (TTS-MIG-07)."""
    check_old_writes(migration_compared.writes, "TTS-MIG-07")


@pytest.mark.clause("TTS-MIG-08")
def test_old_columns_can_be_read(migration_compared):
    """Every column from before can be read (TTS-MIG-08)."""
    check_old_columns_read(migration_compared, "TTS-MIG-08")


@pytest.mark.clause("TTS-MIG-08")
def test_old_build_lists_the_same_voices(old_build_lists):
    """The build from before lists the same voices before and after (TTS-MIG-08)."""
    check_old_build_lists(old_build_lists, "TTS-MIG-08")


@pytest.mark.clause("TTS-MIG-10")
def test_rules_are_the_same(compared_rules):
    """Row security, policies and grants are the same (TTS-MIG-10)."""
    check_rules_same(compared_rules, "TTS-MIG-10")


@pytest.mark.clause("TTS-MIG-12")
def test_each_step_of_the_rollout_serves(migration_order):
    """Schema first, then code in mode modal, then the flip: acted out, each step serves (TTS-MIG-12)."""
    check_each_step_serves(migration_order, "TTS-MIG-12")
