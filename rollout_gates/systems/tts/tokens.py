"""Tokens that no auth service gave out: a good one that was altered, and ones that nobody signed."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from rollout_gates.systems.tts.accounts import claims

_LATER_S = 3600
_HS256: Mapping[str, str] = {"alg": "HS256", "typ": "JWT"}
_NONE: Mapping[str, str] = {"alg": "none", "typ": "JWT"}


def with_another_signature(token: str) -> str:
    """Return *token* with a signature of the same length that nobody made. Nothing of the real one is left."""
    head, _, signature = token.rpartition(".")
    made = secrets.token_urlsafe(max(len(signature), 32))[: max(len(signature), 32)]
    return f"{head}.{made}"


def with_another_payload(token: str, subject: str) -> str:
    """Return *token* with its signature, for *subject* and for longer than it was given out for."""
    head, _, signature = token.rpartition(".")
    return f"{head.partition('.')[0]}.{part(_claims(token, subject))}.{signature}"


def unsigned(token: str, subject: str) -> str:
    """Return what *token* says, for *subject*, under the algorithm ``none`` and without a signature."""
    return f"{part(_NONE)}.{part(_claims(token, subject))}."


def made_up(subject: str) -> str:
    """Return a token for *subject* whose signature is none."""
    return f"{part(_HS256)}.{part(_claims('', subject))}.{part({'signature': 'none'})}"


def part(said: Mapping[str, Any]) -> str:
    """Return *said* as it stands in a token."""
    return base64.urlsafe_b64encode(json.dumps(dict(said)).encode()).decode().rstrip("=")


def _claims(token: str, subject: str) -> dict[str, Any]:
    usual = {"aud": "authenticated", "role": "authenticated"}
    return {**usual, **claims(token), "sub": subject, "exp": int(time.time()) + 2 * _LATER_S}
