"""Expectations of browser origins: where each passes, and where it fails."""

from __future__ import annotations

import pytest

from fixtures.expectations import origins as expectations
from rollout_gates.systems.tts.flows.security.origins import STRANGER, FromOrigin, Origins, strangers
from rollout_gates.wire import CouldNotJudge
from tests.suites.replies import reply

C = "TTS-SEC-CORS-01"
FIRST, SECOND = "https://app.example.com", "https://www.example.com"
LISTED = (FIRST, SECOND)


def answered(origin, allowed, *, preflight=False, status=204, vary="Accept-Encoding, origin", **more):
    told = {"access-control-allow-origin": allowed, "vary": vary, **more}
    if preflight:
        told = {**expectations.PREFLIGHT, **told}
    told = {name: value for name, value in told.items() if value is not None}
    return FromOrigin(origin, preflight, reply(status if preflight else 200, {}, headers=told))


def all_of(*answers, expected=LISTED):
    return Origins(expected, answers)


def fails(check, origins, *words):
    with pytest.raises(AssertionError) as problem:
        check(origins, C)
    assert C in str(problem.value)
    assert [word for word in words if word not in str(problem.value)] == []


def test_listed_origins_are_reflected_and_others_hear_the_first():
    found = all_of(answered(FIRST, FIRST), answered(SECOND, SECOND), answered(STRANGER, FIRST), answered(None, FIRST))

    expectations.check_reflected(found, C)
    expectations.check_of_a_product(found, C)


@pytest.mark.parametrize("vary", ["", None])
def test_a_wildcard_is_reflected_where_it_is_expected(vary):
    expectations.check_reflected(all_of(answered(STRANGER, "*", vary=vary), expected=("*",)), C)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (answered(STRANGER, STRANGER), ("https://stranger", f"expected '{FIRST}'")),
        (answered(SECOND, FIRST), (f"from {SECOND}", f"expected '{SECOND}'")),
        (answered(None, None), ("from no page", "was told Access-Control-Allow-Origin ''")),
        (answered(FIRST, FIRST, vary="Accept-Encoding"), ("Vary accept-encoding", "expected Origin")),
        (answered(FIRST, FIRST, vary=None), ("Vary nothing",)),
        (answered(FIRST, "*"), ("'*'",)),
        (answered(FIRST, FIRST, **{"access-control-allow-credentials": "true"}), ("Credentials",)),
    ],
)
def test_a_wrong_origin_is_told(seen, words):
    fails(expectations.check_reflected, all_of(seen), *words)


def test_a_preflight_is_as_agreed():
    expectations.check_preflights(all_of(answered(FIRST, FIRST, preflight=True)), C)
    shuffled = {"access-control-allow-headers": "Content-Type, apikey, Authorization, X-Client-Info"}
    expectations.check_preflights(all_of(answered(FIRST, FIRST, preflight=True, **shuffled)), C)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": 200}, "got 200, expected 204"),
        ({"access-control-allow-headers": "*"}, "access-control-allow-headers '*'"),
        ({"access-control-allow-methods": "GET, POST"}, "access-control-allow-methods"),
        ({"access-control-max-age": "60"}, "access-control-max-age '60'"),
        ({"access-control-max-age": None}, "access-control-max-age ''"),
    ],
)
def test_a_preflight_that_is_not_as_agreed_is_told(changes, word):
    seen = answered(FIRST, FIRST, preflight=True, **changes)
    fails(expectations.check_preflights, all_of(seen), word)


@pytest.mark.parametrize(
    "allowed", ["*", "http://localhost:5173", "http://127.0.0.1:3000", "http://[::1]:3000", SECOND]
)
def test_production_tells_strangers_its_own_origin(allowed):
    fails(expectations.check_of_a_product, all_of(answered(STRANGER, allowed)), repr(allowed))


@pytest.mark.parametrize(
    "check", [expectations.check_reflected, expectations.check_preflights, expectations.check_of_a_product]
)
def test_nothing_asked_is_no_success(check):
    fails(check, all_of())


def test_a_list_of_a_developer_is_none_of_production():
    assert expectations.of_a_product(all_of()).expected == LISTED
    for unfit in ("*", "http://localhost:5173"):
        with pytest.raises(CouldNotJudge, match="expected_origins"):
            expectations.of_a_product(all_of(expected=(FIRST, unfit)))


def test_strangers_are_never_listed_and_look_alike():
    found = strangers((FIRST, "http://localhost:3000"))

    assert "http://localhost:3000" not in found
    assert {None, "null", STRANGER, "http://app.example.com", "https://app.example.com:8443"} <= set(found)
    assert {"https://sub.app.example.com", "https://appxexample.com", "https://evil-app.example.com"} <= set(found)
    assert "https://app.example.com.rollout-gate.invalid" in found
    assert not set(found) & {FIRST}
