"""Known secrets are found in every usual encoding, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.secret_search.searching import VALUES_ONLY, Searcher
from rollout_gates.secret_search.values import Registered, SecretValues, Together
from tests.secret_search.planted import DSN, HELD, PASSWORD, PROVIDER, SERVICE, noise, word

SEARCHER = Searcher(SecretValues.of(HELD))
SPECIAL = f'{word(8)} "{word(8, 2)}" & é/{word(6, 3)}'
NAMES = {"service_role_key": SERVICE, "user_password": PASSWORD, "provider_key": PROVIDER, "special": SPECIAL}


def base64_of(value, shift, urlsafe=False):
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(f"{'x' * shift}{value}{'y' * 5}".encode()).decode()


ENCODED = {
    "plain": str,
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": value})),
    "JSON in ASCII": lambda value: json.dumps(value, ensure_ascii=True),
    "URL": lambda value: quote(value, safe=""),
    "URL, path": quote,
    "URL, lower case": lambda value: re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")),
    "form": quote_plus,
    "HTML": html.escape,
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    **{f"base64, {shift} before": lambda value, shift=shift: base64_of(value, shift) for shift in range(3)},
    **{f"base64url, {shift} before": lambda value, shift=shift: base64_of(value, shift, True) for shift in range(3)},
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ENCODED)
def test_a_secret_is_found_in_every_encoding(name, encoding):
    searcher = Searcher(SecretValues.of({name: NAMES[name]}))
    text = f"{noise(1)}\nconst a={ENCODED[encoding](NAMES[name])};{noise(2)}"

    found = list(searcher.search(text, "app.js", VALUES_ONLY))

    assert len(found) == 1, found
    assert f"value of {name}" in str(found[0])
    assert str(found[0]).startswith("app.js:2:")
    assert NAMES[name] not in str(found[0])


def test_a_part_that_gives_the_whole_away_is_found():
    password = DSN.split(":")[2].partition("@")[0]
    text = f"one {SERVICE.rpartition('.')[2]}\ntwo {password}"

    found = [str(each) for each in SEARCHER.search(text, "log", VALUES_ONLY)]

    assert [line.partition(" (fingerprint")[0] for line in found] == [
        "log:1: value of service_role_key (its signature)",
        "log:2: value of database_dsn (its password)",
    ]


def test_equal_secrets_have_equal_fingerprints_of_one_search_only():
    text = f"{PROVIDER}\n{PROVIDER.encode().hex()}\n{SERVICE}"
    first, second, third = (each.fingerprint for each in SEARCHER.search(text, "", VALUES_ONLY))
    again = next(Searcher(SecretValues.of(HELD)).search(text, "", VALUES_ONLY)).fingerprint

    assert first == second != third
    assert again != first
    assert len(first) == 8


@pytest.mark.parametrize("plain", ["short1!", "password", "aaaaaaaaaaaa", "your-key-123", "changeme-12345"])
def test_what_any_text_may_hold_is_not_looked_for_and_told(plain):
    values = SecretValues.of({"user_password": plain})

    assert (values.names, values.too_plain) == ((), ("user_password",))
    assert list(values.within(f"a {plain} b")) == []
    assert "too short or too plain: user_password" in "\n".join(Searcher(values).told(VALUES_ONLY))


def test_secrets_that_a_run_got_are_known_at_once():
    redactor = Redactor()
    searcher = Searcher(Together(SecretValues.of({"one": PROVIDER}), Registered(redactor, {"two"})))
    redactor.register(SERVICE, "two")
    redactor.register(PASSWORD, "three")

    found = [each.kind for each in searcher.search(f"{PROVIDER} {SERVICE.encode().hex()} {PASSWORD}", "", VALUES_ONLY)]

    assert found == ["value of one", "value of two, hex"]
    assert searcher.values.names == ("one", "two")


@pytest.mark.parametrize("seed", range(20))
def test_healthy_code_holds_none(seed):
    assert list(SEARCHER.search(noise(seed), "", VALUES_ONLY)) == []
