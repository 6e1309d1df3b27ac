from __future__ import annotations

import subprocess
import sys

import pytest

from rollout_gates.wire.headers import Headers

COOKIES = Headers([("Set-Cookie", "s=1"), ("Content-Type", "text/plain"), ("SET-COOKIE", "t=2")])


def test_a_name_is_found_whatever_its_case():
    assert COOKIES["content-TYPE"] == "text/plain"
    assert "CONTENT-type" in COOKIES
    assert COOKIES.get("gone") is None
    with pytest.raises(KeyError):
        COOKIES["gone"]


def test_several_values_are_joined_and_can_be_had_apart():
    assert dict(COOKIES) == {"set-cookie": "s=1, t=2", "content-type": "text/plain"}
    assert COOKIES.get_list("set-Cookie") == ["s=1", "t=2"]
    assert COOKIES.multi_items() == [("set-cookie", "s=1"), ("content-type", "text/plain"), ("set-cookie", "t=2")]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [(b"plain", "plain"), ("grün".encode(), "grün"), ("grün".encode("iso-8859-1"), "grün"), (b"\xff\xfe", "ÿþ")],
)
def test_bytes_become_text_whatever_they_are(raw, shown):
    assert Headers.received([(b"X-Color", raw)])["x-color"] == shown


def test_no_value_is_shown_in_a_traceback():
    assert repr(COOKIES) == "<Headers set-cookie, content-type>"
    assert repr(Headers()) == "<Headers none>"


def test_headers_compare_by_what_they_say():
    assert Headers([("A", "1")]) == Headers([("a", "1")]) == {"a": "1"}
    assert Headers([("a", "1")]) != Headers([("a", "2")])


def test_the_wire_starts_without_the_client_that_it_does_not_use():
    code = "import sys, rollout_gates.wire; sys.exit('httpx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
