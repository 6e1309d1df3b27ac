"""Tokens that nobody gave out: each says what it should, and nothing of the good one's signature is left over."""

from __future__ import annotations

import time

from rollout_gates.systems.tts.accounts import claims
from rollout_gates.systems.tts.tokens import made_up, part, unsigned, with_another_payload, with_another_signature

SUBJECT, OTHER = "0b7c2a54-7d53-4c1e-9a55-0f4a1d6a7e11", "5f7e88b4-1f01-4871-b44a-814d0ae52581"
SIGNATURE = "s" * 43
GOOD = f"{part({'alg': 'HS256'})}.{part({'sub': SUBJECT, 'session_id': 'x', 'exp': 1})}.{SIGNATURE}"


def test_another_signature_leaves_the_claims_and_nothing_of_the_real_one():
    found = with_another_signature(GOOD)

    assert found.rpartition(".")[0] == GOOD.rpartition(".")[0]
    assert len(found) == len(GOOD)
    assert SIGNATURE not in found
    assert with_another_signature(GOOD) != found


def test_another_payload_keeps_the_signature_and_names_another_user_for_longer():
    found = with_another_payload(GOOD, OTHER)

    assert found.endswith(SIGNATURE)
    assert claims(found)["sub"] == OTHER
    assert claims(found)["session_id"] == "x"
    assert claims(found)["exp"] > time.time()


def test_an_unsigned_token_says_so_and_has_no_signature():
    found = unsigned(GOOD, SUBJECT)

    assert found.startswith(part({"alg": "none", "typ": "JWT"}))
    assert found.endswith(".")
    assert claims(found)["sub"] == SUBJECT


def test_a_token_is_made_up_out_of_nothing():
    assert claims(made_up(SUBJECT))["sub"] == SUBJECT
    assert claims(unsigned("opaque", SUBJECT))["role"] == "authenticated"
    assert with_another_signature("opaque") != "opaque"
