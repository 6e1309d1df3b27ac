"""What the function reads out of strings, numbers, paths and URLs; no server needed."""

from __future__ import annotations

import hashlib
import hmac
from types import SimpleNamespace

import pytest

from sandbox.tts.api import forms, text
from sandbox.tts.api.dashscope_client import preferred_name
from sandbox.tts.api.download import allowed_url
from sandbox.tts.api.limiter import tier_of
from sandbox.tts.api.paging import page_of, search_pattern
from sandbox.tts.api.provider_errors import ProviderFailed, category_of
from sandbox.tts.api.routes import match
from sandbox.tts.api.stripe_webhook import signed


@pytest.mark.parametrize("value", ["", "  ", "\u00a0\ufeff\n", None, 7, True, ["x"], {}])
def test_what_is_no_text_counts_as_absent(value):
    assert text.trimmed(value) is None


@pytest.mark.parametrize(("given", "left"), [(" a ", "a"), ("\ufeffa\u3000", "a"), ("\x1fa\x85", "\x1fa\x85")])
def test_white_space_is_what_javascript_takes_for_it(given, left):
    assert text.trimmed(given) == left


@pytest.mark.parametrize(("given", "length"), [("abc", 3), ("\N{GRINNING FACE}", 2), ("\ud800", 1), ("é", 1)])
def test_length_is_counted_in_utf_16_units(given, length):
    assert text.units(given) == length


def test_a_character_is_not_cut_in_half():
    assert text.first_units("ab\N{GRINNING FACE}", 3) == "ab"


@pytest.mark.parametrize(
    ("raw", "number"), [("7", 7), (" 12abc", 12), ("-3", -3), ("1.9", 1), ("x", None), ("", None), (None, None)]
)
def test_whole_numbers_are_read_from_the_front(raw, number):
    assert text.whole_number(raw) == number


def test_a_number_of_thousands_of_digits_is_merely_large():
    assert text.whole_number("9" * 5000) == text.LARGEST


@pytest.mark.parametrize(
    ("raw", "number"),
    [("", 0), ("  ", 0), ("7.5", 7.5), ("1e2", 100), ("abc", None), ("1_0", None), ("Infinity", None)],
)
def test_decimal_numbers_are_read_whole_or_not_at_all(raw, number):
    assert text.decimal_number(raw) == number


@pytest.mark.parametrize(("number", "shown"), [(0.04, "0"), (0.05, "0.1"), (1.0, "1"), (0.25, "0.3"), (26.666, "26.7")])
def test_estimates_are_rounded_like_in_javascript(number, shown):
    assert str(text.rounded(number)) == shown


@pytest.mark.parametrize("url", ["https://a.example/x.png", "http://localhost:80", "data:image/png;base64,xx", "x:y"])
def test_absolute_urls_are_urls(url):
    assert text.is_url(url)


@pytest.mark.parametrize("url", ["a.example/x.png", "https://", "//host", "http://a b", "http://h:99999", "", "::"])
def test_what_cannot_be_parsed_is_no_url(url):
    assert not text.is_url(url)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[" * 100_000, b"nonsense"])
def test_what_is_not_json_reads_as_nothing(body):
    assert forms.parse_json(body) is None


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, (1, 20)),
        ({"page": "3", "per_page": "5"}, (3, 5)),
        ({"page": "0", "per_page": "0"}, (1, 20)),
        ({"page": "-1", "per_page": "-1"}, (1, 20)),
        ({"page": "x", "per_page": "1000"}, (1, 100)),
    ],
)
def test_pages_fall_back_to_what_is_allowed(query, page):
    asked = page_of(query)
    assert (asked.number, asked.size) == page


def test_an_empty_list_has_one_page():
    assert page_of({}).answer(0) == {"page": 1, "per_page": 20, "total": 0, "pages": 1}


@pytest.mark.parametrize(("search", "pattern"), [("a*b", "%a%b%"), (" x ", "%x%"), ("  ", None), ("%", "%%%")])
def test_a_star_is_a_wildcard(search, pattern):
    assert search_pattern({"search": search}) == pattern


@pytest.mark.parametrize(
    ("method", "path", "tier"),
    [
        ("POST", "/api/generate", 1),
        ("POST", "/api/transcriptions", 1),
        ("GET", "/api/generate", 3),
        ("HEAD", "/api/generate", 3),
        ("GET", "/api/tasks/x", 2),
        ("HEAD", "/api/tasks/x", 3),
        ("POST", "/api/tasks/x/cancel", 2),
        ("DELETE", "/api/tasks/x", 2),
        ("POST", "/api/tasks/x", 3),
        ("GET", "/api/tasks/", 3),
        ("GET", "/api/languages", 3),
        ("GET", "/api/nothing", 3),
        ("POST", "/api/generate/stream", 3),
        ("GET", "/api/health", None),
        ("HEAD", "/api/health", None),
        ("OPTIONS", "/api/generate", None),
        ("GET", "/api", None),
    ],
)
def test_each_request_falls_into_its_tier(method, path, tier):
    assert tier_of(method, path) == tier


def test_the_stream_route_counts_in_tier_one_where_it_exists():
    assert tier_of("POST", "/api/generate/stream", "realtime") == 1


@pytest.mark.parametrize(
    "path", ["/tasks/", "/tasks//cancel", "/voices/", "//voices", "/languages/", "/generate/stream"]
)
def test_paths_that_are_nearly_routes_are_none(path):
    assert match("GET", path, "task") is None
    assert match("POST", path, "task") is None


def test_a_path_parameter_is_decoded():
    found = match("GET", "/tasks/a%2Fb", "task")
    assert found is not None
    assert found[1] == {"id": "a/b"}


@pytest.mark.parametrize(
    ("name", "sent"), [("Nora", "Nora"), ("Ann-Marie O'Neil Junior", "Ann_Marie_O_Neil"), ("abc", "abc")]
)
def test_voice_names_are_put_into_the_provider_alphabet(name, sent):
    assert preferred_name(name, "clone") == sent


def test_a_name_that_is_too_short_is_made_up():
    assert preferred_name("Jo", "design").startswith("design_")


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (400, "validation"),
        (404, "validation"),
        (401, "provider_rejected"),
        (403, "provider_rejected"),
        (408, "timeout"),
        (504, "timeout"),
        (429, "provider_unavailable"),
        (500, "provider_unavailable"),
        (402, "unknown"),
        (418, "unknown"),
    ],
)
def test_provider_statuses_fall_into_categories(status, category):
    assert category_of(status) == category


def _api(*listed: str, fault: bool = False) -> SimpleNamespace:
    return SimpleNamespace(fault=lambda _: fault, deployment=SimpleNamespace(audio_host_allowlist=listed))


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        (
            "https://dashscope-result.oss-cn.aliyuncs.com/a.wav?Expires=1",
            "https://dashscope-result.oss-cn.aliyuncs.com/a.wav?Expires=1",
        ),
        ("http://x.aliyuncs.com/a.wav", "https://x.aliyuncs.com/a.wav"),
        ("http://127.0.0.1:8080/a.wav", "http://127.0.0.1:8080/a.wav"),
    ],
)
def test_audio_is_fetched_from_known_hosts(url, fetched):
    assert str(allowed_url(_api("127.0.0.1:8080"), url)) == fetched


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8081/a.wav",
        "http://169.254.169.254/latest",
        "https://evil.example/a.wav",
        "https://aliyuncs.com.evil.example/a",
        "https://x.aliyuncs.com:22/a",
        "https://user@x.aliyuncs.com/a",
        "file:///etc/passwd",
        "ftp://x.aliyuncs.com/a",
        "nonsense",
        "http://[::1",
        "",
    ],
)
def test_audio_is_not_fetched_from_anywhere_else(url):
    with pytest.raises(ProviderFailed):
        allowed_url(_api("127.0.0.1:8080"), url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1"])
def test_fault_f_82_fetches_any_url_of_this_machine(host):
    assert allowed_url(_api(fault=True), f"http://{host}:9/latest").host == host


def test_fault_f_82_calls_nobody_outside_of_this_machine():
    with pytest.raises(ProviderFailed):
        allowed_url(_api(fault=True), "http://169.254.169.254/latest")


def _header(body: bytes, moment: int, secret: str = "whsec") -> str:
    return f"t={moment},v1={hmac.new(secret.encode(), f'{moment}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_a_signed_event_is_accepted():
    assert signed(_header(b"{}", 1000), b"{}", "whsec", 1200.0)


@pytest.mark.parametrize(
    "header",
    [
        _header(b"{}", 1000, "other"),
        _header(b"[]", 1000),
        _header(b"{}", 600),
        _header(b"{}", 1500),
        "t=1000",
        "v1=abc",
        "t=x,v1=y",
        "t=,v1=",
        "nonsense",
    ],
)
def test_an_event_with_a_wrong_or_old_signature_is_refused(header):
    assert not signed(header, b"{}", "whsec", 1100.0)
