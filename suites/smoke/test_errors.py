"""Errors have one form, carry a request id, and are not the server's fault when the caller is wrong."""

import pytest

from fixtures.expectations.refusing import (
    check_let_in,
    check_malformed_ids,
    check_strangers,
    check_traced,
    check_unknown_ids,
)
from fixtures.expectations.replies import check_errors_are_json


@pytest.mark.clause("TTS-CON-04")
def test_every_handled_error_is_json_with_a_detail(handled_errors):
    """Each error that the contract knows is JSON with a text under detail (TTS-CON-04)."""
    check_let_in(handled_errors.twin, "TTS-CON-04")
    check_errors_are_json(handled_errors.errors, "TTS-CON-04", range(400, 600))


@pytest.mark.clause("TTS-CON-05")
def test_unknown_routes_are_json_errors_too(unknown_routes):
    """An unknown path, a wrong verb and a trailing slash are JSON errors like others (TTS-CON-05)."""
    check_let_in(unknown_routes.twin, "TTS-CON-05")
    check_strangers(unknown_routes.answers, "TTS-CON-05")


@pytest.mark.clause("TTS-CON-06")
def test_every_success_carries_a_request_id(request_ids):
    """A success carries the caller's x-request-id, or a fresh one (TTS-CON-06)."""
    check_traced(request_ids.successes, "TTS-CON-06")


@pytest.mark.clause("TTS-CON-06")
def test_every_error_carries_a_request_id(request_ids):
    """An error carries the caller's x-request-id, or a fresh one (TTS-CON-06)."""
    check_traced(request_ids.errors, "TTS-CON-06")


@pytest.mark.clause("TTS-CON-07")
def test_malformed_ids_in_paths_are_client_errors(path_ids):
    """A malformed id in a path is a 4xx on every route that knows ids, never a 5xx (TTS-CON-07)."""
    check_let_in(path_ids.twin, "TTS-CON-07")
    check_unknown_ids(path_ids.unknown, "TTS-CON-07")
    check_malformed_ids(path_ids.malformed, "TTS-CON-07")
