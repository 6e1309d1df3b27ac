"""The migration's statements only add, and a rehearsal of them on rows from before leaves everything as it was."""

import pytest

from fixtures.expectations.database import (
    check_added_checks,
    check_added_columns,
    check_foreign_keys_indexed,
    check_indexes,
)
from fixtures.expectations.migrating import (
    check_applied,
    check_kept,
    check_legacy_rows,
    check_reads,
    check_rows_kept,
    check_rules_kept,
    check_second_run,
    check_statements,
    check_writes,
)
from rollout_gates.migrations.model import Hazard
from rollout_gates.systems.tts.schema import LEGACY, PROVIDER_COLUMNS


@pytest.mark.clause("TTS-MIG-04")
def test_no_statement_drops_renames_or_retypes(migration_statements):
    """No pending statement drops, renames, retypes or switches off what exists (TTS-MIG-04)."""
    check_statements(migration_statements, [Hazard.LOSES], "TTS-MIG-04")


@pytest.mark.clause("TTS-MIG-05")
def test_no_statement_deletes_or_overwrites_rows(migration_statements):
    """No pending statement deletes, empties or overwrites rows from before (TTS-MIG-05)."""
    check_statements(migration_statements, [Hazard.ALTERS], "TTS-MIG-05")


@pytest.mark.clause("TTS-MIG-01", "TTS-MIG-07")
def test_no_statement_makes_old_writes_fail(migration_statements):
    """No pending statement demands what old code does not give (TTS-MIG-01, TTS-MIG-07)."""
    check_statements(migration_statements, [Hazard.REFUSES], "TTS-MIG-07")


@pytest.mark.clause("TTS-MIG-08")
def test_no_statement_keeps_readers_waiting(migration_statements):
    """No pending statement locks or rewrites a table in use for longer than an addition needs (TTS-MIG-08)."""
    check_statements(migration_statements, [Hazard.BLOCKS], "TTS-MIG-08")


@pytest.mark.clause("TTS-MIG-10")
def test_no_statement_opens_anything(migration_statements):
    """No pending statement loosens row security, policies, grants or functions (TTS-MIG-10)."""
    check_statements(migration_statements, [Hazard.OPENS], "TTS-MIG-10")


@pytest.mark.clause("TTS-MIG-04")
def test_rehearsal_loses_nothing(migration_rehearsal):
    """After a rehearsal everything from before is still there, as it was (TTS-MIG-04)."""
    check_kept(migration_rehearsal, "TTS-MIG-04")


@pytest.mark.clause("TTS-MIG-05")
def test_rehearsal_keeps_every_row(migration_rehearsal):
    """After a rehearsal every row from before holds what it held (TTS-MIG-05)."""
    check_rows_kept(migration_rehearsal, "TTS-MIG-05")


@pytest.mark.clause("TTS-MIG-07")
def test_rehearsal_leaves_old_writes_working(migration_rehearsal):
    """During and after a rehearsal inserts and updates in the old shape succeed (TTS-MIG-07)."""
    check_writes(migration_rehearsal, "TTS-MIG-07")


@pytest.mark.clause("TTS-MIG-08")
def test_rehearsal_leaves_old_reads_working(migration_rehearsal):
    """After a rehearsal reads in the old shape work, and no table was rewritten (TTS-MIG-08)."""
    check_reads(migration_rehearsal, "TTS-MIG-08")


@pytest.mark.clause("TTS-MIG-09")
def test_rehearsal_gets_to_its_end(migration_rehearsal):
    """The pending files can be applied to the state before (TTS-MIG-09)."""
    check_applied(migration_rehearsal, "TTS-MIG-09")


@pytest.mark.clause("TTS-MIG-09")
def test_second_run_changes_nothing(migration_rehearsal):
    """A second run does nothing, or is refused and leaves nothing (TTS-MIG-09)."""
    check_second_run(migration_rehearsal, "TTS-MIG-09")


@pytest.mark.clause("TTS-MIG-10")
def test_rehearsal_opens_nothing(migration_rehearsal):
    """After a rehearsal no client may do or see more than before (TTS-MIG-10)."""
    check_rules_kept(migration_rehearsal, "TTS-MIG-10")


@pytest.mark.clause("TTS-MIG-01")
def test_rehearsal_adds_the_columns(rehearsed_migration):
    """After a rehearsal the 17 columns have their types, nullability and defaults (TTS-MIG-01)."""
    check_added_columns(rehearsed_migration.facts, "TTS-MIG-01")


@pytest.mark.clause("TTS-MIG-02")
def test_rehearsal_adds_the_checks(rehearsed_migration):
    """After a rehearsal the four checks are there (TTS-MIG-02)."""
    check_added_checks(rehearsed_migration.facts, "TTS-MIG-02")


@pytest.mark.clause("TTS-MIG-03")
def test_rehearsal_adds_the_indexes(rehearsed_migration):
    """After a rehearsal the four indexes are there and the older ones are kept (TTS-MIG-03)."""
    check_indexes(rehearsed_migration.facts, "TTS-MIG-03")


@pytest.mark.clause("TTS-MIG-06")
def test_rehearsal_leaves_rows_from_before_with_modal(rehearsed_migration):
    """After a rehearsal every row from before reads modal (TTS-MIG-06)."""
    check_legacy_rows(rehearsed_migration, PROVIDER_COLUMNS, LEGACY, "in the rehearsal", "TTS-MIG-06")


@pytest.mark.clause("TTS-MIG-11")
def test_rehearsal_leaves_every_foreign_key_indexed(rehearsed_migration):
    """After a rehearsal every foreign key has an index (TTS-MIG-11)."""
    check_foreign_keys_indexed(rehearsed_migration.facts, "TTS-MIG-11")
