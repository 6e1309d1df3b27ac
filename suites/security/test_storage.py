"""Stored audio is its owner's alone: acted out by anon and two users, past the API; and signed URLs fit one object."""

import pytest

from fixtures.expectations.storage import check_nobody_reads, check_nobody_writes, check_owner_only_adds_references


@pytest.mark.clause("TTS-SEC-ISO-06")
def test_nobody_reads_what_another_stored(storage):
    """Another user and anon cannot read, list or sign, and no object has a public URL (TTS-SEC-ISO-06)."""
    check_nobody_reads(storage, "TTS-SEC-ISO-06")


@pytest.mark.clause("TTS-SEC-ISO-06")
def test_nobody_writes_under_the_prefix_of_another(storage):
    """Another user and anon cannot store, replace, move or delete under a user's prefix (TTS-SEC-ISO-06)."""
    check_nobody_writes(storage, "TTS-SEC-ISO-06")


@pytest.mark.clause("TTS-SEC-REST-05")
def test_user_cannot_change_stored_audio(storage):
    """A user cannot store in generations, nor replace, move or delete in either bucket (TTS-SEC-REST-05)."""
    check_owner_only_adds_references(storage, "TTS-SEC-REST-05")
