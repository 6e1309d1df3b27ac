"""The deployed database has what the migration adds, by its catalogue and by rows that are tried and rolled back."""

import pytest

from fixtures.expectations.database import (
    check_added_checks,
    check_added_columns,
    check_bad_rows_refused,
    check_foreign_keys_indexed,
    check_indexes,
    check_providers,
    check_rules_of_the_contract,
)


@pytest.mark.clause("TTS-MIG-01")
def test_added_columns_are_as_agreed(migrated_catalogue):
    """The 17 added columns have their types, nullability and defaults (TTS-MIG-01)."""
    check_added_columns(migrated_catalogue.facts, "TTS-MIG-01")


@pytest.mark.clause("TTS-MIG-02")
def test_added_checks_are_there(migrated_catalogue):
    """The four added checks are there, and hold for all rows (TTS-MIG-02)."""
    check_added_checks(migrated_catalogue.facts, "TTS-MIG-02")


@pytest.mark.clause("TTS-MIG-02")
def test_added_checks_refuse_bad_rows(tried_rows):
    """A row with another provider or kind of voice is refused with 23514 (TTS-MIG-02)."""
    check_bad_rows_refused(tried_rows, "TTS-MIG-02")


@pytest.mark.clause("TTS-MIG-03")
def test_indexes_are_there(migrated_catalogue):
    """The four added indexes are there; the older ones, the one-active index too, are kept (TTS-MIG-03)."""
    check_indexes(migrated_catalogue.facts, "TTS-MIG-03")


@pytest.mark.clause("TTS-MIG-06")
def test_no_row_is_without_a_provider(provided_rows):
    """No row is without a provider, and rows from before read modal (TTS-MIG-06)."""
    check_providers(provided_rows, "TTS-MIG-06")


@pytest.mark.clause("TTS-MIG-10")
def test_row_security_policies_and_grants_are_those_of_the_contract(migration_catalogue):
    """Row security is on; policies and grants let clients at no more than the contract says (TTS-MIG-10)."""
    check_rules_of_the_contract(migration_catalogue.facts, "TTS-MIG-10")


@pytest.mark.clause("TTS-MIG-11")
def test_every_foreign_key_has_an_index(migration_catalogue):
    """Every foreign key column has an index, however its name is written (TTS-MIG-11)."""
    check_foreign_keys_indexed(migration_catalogue.facts, "TTS-MIG-11")
