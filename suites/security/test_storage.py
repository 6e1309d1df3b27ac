"""Stored audio is its owner's alone: acted out by anon and two users, past the API; and signed URLs fit one object."""

import pytest

from fixtures.expectations.storage import (
    check_nobody_reads,
    check_nobody_writes,
    check_owner_only_adds_references,
    check_urls_expire,
    check_urls_fit_one_object,
)


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


@pytest.mark.clause("TTS-SEC-ISO-07")
def test_signed_url_is_over_within_an_hour(signed_urls):
    """A signed URL says that it lives for 3600 s at most, and is refused after them (TTS-SEC-ISO-07)."""
    check_urls_expire(signed_urls, "TTS-SEC-ISO-07")


@pytest.mark.clause("TTS-SEC-ISO-07")
def test_signed_url_opens_one_object_only(signed_urls):
    """An altered token, or the token of another object, opens nothing (TTS-SEC-ISO-07)."""
    check_urls_fit_one_object(signed_urls, "TTS-SEC-ISO-07")
