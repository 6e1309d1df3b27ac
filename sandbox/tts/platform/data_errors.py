"""Refusals of the data API: `{code, message, details, hint}` with the status that belongs to the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.tts.platform.http import Refused

if TYPE_CHECKING:
    import psycopg

    from sandbox.tts.platform.jwt import TokenRefused

# By SQLSTATE, or by its class where the whole class shares one.
_STATUS = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
    "08": 503,
    "53": 503,
    "54": 413,
    "57": 500,
    "58": 500,
    "XX": 500,
    "25": 500,
    "40": 500,
    "55": 500,
}


def refused(status: int, code: str, message: str, details: str | None = None, hint: str | None = None) -> Refused:
    """A refusal that the service words by itself."""
    return Refused(status, {"code": code, "details": details, "hint": hint, "message": message})


def by_database(error: psycopg.Error, *, signed_in: bool) -> Refused:
    """A refusal of the database. Missing rights ask the anonymous to sign in (401) and forbid the others (403)."""
    state = error.sqlstate or ("22021" if "NUL" in str(error) else "XX000")  # refused before it was sent
    status = _STATUS.get(state) or _STATUS.get(state[:2]) or 400
    if state == "42501":
        status = 403 if signed_in else 401
    diagnosis = error.diag
    message = diagnosis.message_primary or "database error"
    return refused(status, state, message, diagnosis.message_detail, diagnosis.message_hint)


def by_token(refusal: TokenRefused) -> Refused:
    """A bearer token that is no good."""
    text = "JWT expired" if refusal.expired else "No suitable key or wrong key type"
    challenge = f'Bearer error="invalid_token", error_description="{text}"'
    body = {"code": "PGRST301", "details": None, "hint": None, "message": text}
    return Refused(401, body, {"WWW-Authenticate": challenge})


def unparsable(what: str, text: str) -> Refused:
    """A query parameter that cannot be understood."""
    return refused(400, "PGRST100", f'"failed to parse {what} ({text})" (line 1, column 1)', "unexpected input")


def not_one_row(count: int) -> Refused:
    """A single object was asked for."""
    details = f"The result contains {count} rows"
    return refused(406, "PGRST116", "Cannot coerce the result to a single JSON object", details)
