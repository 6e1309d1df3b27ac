"""Secrets are planted everywhere, and none comes out; counts, reasons and digests stay."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import time
import traceback
import urllib.parse
import uuid

import jwt
import pytest

from rollout_gates.evidence.redaction import Redactor
from rollout_gates.reasons import Reason

SECRET = 'p@ss/wörd "1+2" \\ <&>'
TOKEN = jwt.encode({"sub": str(uuid.uuid4()), "exp": 1}, "key-of-at-least-thirty-two-bytes!", algorithm="HS256")


@pytest.fixture
def redactor():
    made = Redactor()
    assert made.register(SECRET, "database_password")
    assert made.register(TOKEN, "user_a_token")
    return made


ENCODINGS = {
    "as is": lambda value: value,
    "json": lambda value: json.dumps({"x": value}),
    "json unescaped": lambda value: json.dumps({"x": value}, ensure_ascii=False),
    "json in json": lambda value: json.dumps(json.dumps({"x": value})),
    "query": urllib.parse.quote,
    "query, all": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "query, lower case": lambda value: re.sub(
        r"%[0-9A-F]{2}", lambda code: code[0].lower(), urllib.parse.quote(value, safe="")
    ),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "html": html.escape,
    "repr": repr,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 in a user:password pair": lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
    "base64 one further": lambda value: base64.b64encode(f"user1:{value}!".encode()).decode(),
    "base64 two further": lambda value: base64.urlsafe_b64encode(f"user12:{value}??".encode()).decode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", [SECRET, TOKEN], ids=["password", "token"])
def test_a_registered_secret_is_found_in_every_encoding(redactor, encoding, value):
    encoded = ENCODINGS[encoding](value)
    clean = redactor.redact(f"before {encoded} after")

    assert "[redacted:" in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    core = encoded.strip('"{}')[8:-8]
    assert core not in clean
    assert redactor.total >= 1


def test_a_text_without_secrets_stays_as_it_is(redactor):
    text = 'POST /generate answered 400 {"detail": "Text cannot exceed 600 characters"}'

    assert redactor.redact(text) == text
    assert redactor.dumps({"text": text, "n": 1}) == json.dumps({"text": text, "n": 1}, separators=(",", ":"))
    assert not redactor.finds(text)
    assert redactor.total == 0


def test_the_longer_of_two_secrets_is_replaced_whole():
    redactor = Redactor()
    redactor.register("secret", "short")
    redactor.register("secret-and-more", "long")

    assert redactor.redact("a secret-and-more b secret c") == "a [redacted:long] b [redacted:short] c"


def test_the_first_name_of_a_value_stays():
    redactor = Redactor()
    assert redactor.register("same-value", "first")
    assert redactor.register("same-value", "second")

    assert redactor.redact("same-value") == "[redacted:first]"
    assert redactor.name_of("same-value") == "first"


def test_a_value_that_is_too_short_is_refused():
    redactor = Redactor()

    assert redactor.register("GO", "tiny") is False
    assert redactor.redact("GO") == "GO"


PATTERNS = {
    "jwt": f"token was {TOKEN} here",
    "authorization": f"Authorization: Bearer {'a1b2' * 8}",
    "authorization, basic": "authorization: Basic dXNlcjpwYXNzd29yZA==",
    "authorization, in a dict": "{'authorization': 'Bearer abc123'}",
    "authorization, in json": '{"authorization": "Bearer abc123"}',
    "authorization, a list": '["authorization", "Bearer abc123"]',
    "bearer in a sentence": f"sent bearer {'x9' * 12} to it",
    "signed url": "https://h/object/sign/voices/a.wav?token=abc123&width=1",
    "signed url, second": "https://h/x?a=1&X-Amz-Signature=abc123",
    "apikey in a url": "wss://h/realtime?apikey=abc123&vsn=1.0.0",
    "apikey header": "{'apikey': 'abc123'}",
    "set-cookie": "set-cookie: session=abc123; HttpOnly",
    "cookie": "Cookie: session=abc123",
    "password in json": '{"email":"a@b.c","password":"abc123"}',
    "password in json with quotes": '{"password": "ab\\"abc123\\\\"}',
    "password in json in json": json.dumps({"body": json.dumps({"password": 'x"abc123'})}),
    "camel case": '{"refreshToken":"abc123","apiKey":"abc123","Api-Key": "abc123"}',
    "access_token": '{"access_token":"abc123","expires_in":3600}',
    "dsn": "postgresql://postgres:abc123@db.example:5432/postgres",
    "dsn, key and value": "host=db user=x password=abc123 dbname=y",
    "provider key": "sk-0123456789abcdef0123456789abcdef",
    "stripe keys": "sk_live_abc123abc123 whsec_abc123abc123",
    "private key": "-----BEGIN PRIVATE KEY-----\nabc123\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("place", PATTERNS)
def test_what_looks_like_a_credential_is_redacted_unregistered(place):
    redactor = Redactor()
    clean = redactor.redact(PATTERNS[place])

    assert "[redacted:" in clean
    for leak in ("abc123", "a1b2a1b2", "dXNlcjp", TOKEN[:40], "x9x9", "0123456789abcdef"):
        assert leak not in clean
    assert redactor.redact(clean) == clean, "redacting twice changes nothing"
    assert not redactor.finds(clean)


HARMLESS = [
    "1 of 2 nodes",
    "2026-11-21T23:35:00Z",
    "20261121T233500Z-1a2b3c",
    "0b9f3c5e-2f60-4a5e-9a0e-3a1f6f0c7d11",
    hashlib.sha256(b"x").hexdigest(),
    "Missing or invalid Authorization header",
    "authorization: required",
    "access-control-allow-headers: authorization, x-supabase-api-version-2, apikey, content-type",
    "bearer authentication is needed here, please",
    "the task-completed-successfully-and-more state",
    '{"token_count": 3, "password_required": true, "tokens": 5}',
    '{"next_cursor": "eyJpZCI6MTIzNDU2Nzg5MH0="}',
    "http://127.0.0.1:54321/functions/v1/api/voices?page=1&limit=20",
    "http://[::1]:80/x",
    "max password= length",
    '{"anon_key": "TTS_ANON_KEY"}',
    'curl -H "authorization: Bearer $TOKEN" -H "apikey: $ANON_KEY" https://h/x',
    """curl --data-raw '{"password":"'"$USER_A_PASSWORD"'"}' http://h/""",
    *Reason,
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_a_verdict_rests_on_survives(text):
    redactor = Redactor()

    assert redactor.redact(text) == text
    assert redactor.data({"reason": text}) == {"reason": text}
    assert json.loads(redactor.dumps({"x": [text]})) == {"x": [text]}


def test_structure_numbers_and_keys_survive(redactor):
    event = {"event": "check_finished", "assertions": 3, "duration_s": 0.25, "passed": True, "none": None, "n": [1, 2]}

    assert redactor.data(event) == event
    assert json.loads(redactor.dumps({**event, "message": f"got {TOKEN}"}))["assertions"] == 3


def test_fields_named_like_credentials_are_masked_whole(redactor):
    data = {"password": "hunter2", "Access_Token": "x", "headers": [["Set-Cookie", "a=b"], ["x-a", "1"]]}

    assert redactor.data(data) == {
        "password": "[redacted:password]",
        "Access_Token": "[redacted:access_token]",
        "headers": [["Set-Cookie", "[redacted:set-cookie]"], ["x-a", "1"]],
    }


def test_headers_are_masked_under_the_name_of_their_secret(redactor):
    assert redactor.header("Authorization", f"Bearer {TOKEN}") == "Bearer [redacted:user_a_token]"
    assert redactor.header("authorization", "Bearer whatever") == "Bearer [redacted:authorization]"
    assert redactor.header("apikey", TOKEN) == "[redacted:user_a_token]"
    assert (
        redactor.header("location", f"https://h/x?token={TOKEN}&a=1") == "https://h/x?token=[redacted:user_a_token]&a=1"
    )
    assert redactor.header("content-type", "audio/wav") == "audio/wav"


def test_a_token_made_wrong_on_purpose_may_be_shown(redactor):
    redactor.allow("garbage")

    assert redactor.header("authorization", "Bearer garbage") == "Bearer garbage"
    assert redactor.header("authorization", "Bearer else") == "Bearer [redacted:authorization]"


def test_a_secret_in_a_traceback_is_redacted(redactor):
    try:
        raise ValueError(f"cannot log in with {SECRET!r} at postgresql://u:{urllib.parse.quote(SECRET, safe='')}@h/db")  # noqa: TRY301
    except ValueError as problem:
        text = "".join(traceback.format_exception(problem))
    clean = redactor.redact(text)

    assert "wörd" not in clean
    assert "w%C3%B6rd" not in clean
    assert "ValueError: cannot log in with" in clean


def test_redactions_are_counted_by_name(redactor):
    redactor.redact(f"{TOKEN} and {TOKEN} and {SECRET}")

    assert redactor.counts == {"user_a_token": 2, "database_password": 1}
    assert redactor.total == 3


def test_a_line_stays_json_when_a_secret_is_cut_out(redactor):
    line = redactor.dumps({"a": SECRET, "b": f'{{"password": "{TOKEN}"}}', "c": ["authorization", f"Bearer {TOKEN}"]})

    assert json.loads(line)["c"] == ["authorization", "Bearer [redacted:user_a_token]"]
    assert TOKEN not in line
    assert "wörd" not in line


def bodies():
    rows = [{"id": str(uuid.uuid4()), "text": "Grüße aus Köln " * 8, "status": "completed", "n": n} for n in range(230)]
    plain = json.dumps({"generations": rows}, ensure_ascii=False)[:65_536]
    return {
        "plain": plain,
        "words": ("token password authorization secret apikey " * 1500)[:65_536],
        "one long": "a" * 65_536,
    }


@pytest.mark.parametrize("kind", bodies())
def test_a_body_of_64_kib_is_redacted_in_a_few_milliseconds(kind):
    redactor = Redactor()
    for number in range(12):
        redactor.register(f"{TOKEN}{number}", f"user_{number}")
        redactor.register(f"password-{number}-{uuid.uuid4()}", f"password_{number}")
    text = bodies()[kind]
    redactor.redact(text)
    times = []
    for _ in range(9):
        started = time.process_time()
        redactor.redact(text)
        times.append(time.process_time() - started)

    print(f"{kind}: {1000 * sorted(times)[4]:.2f} ms of CPU")  # noqa: T201 - a figure to read with -s
    assert min(times) < 0.004, "the aim is 2 ms; a loaded machine may take twice as long"


# Messages are cut before the redactor sees them.

LONG = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyLWEifQ.c2lnbmF0dXJlLW9mLXVzZXItYQ"


def cut(secret: str, text: str) -> str:
    redactor = Redactor()
    redactor.register(secret, "user_a_token")
    clean = redactor.redact(text)
    assert redactor.finds(text) == (clean != text)
    return clean


@pytest.mark.parametrize("mark", ["…", " … ", "...", " ... ", "\n… "])
@pytest.mark.parametrize("kept", [8, 20, 60])
def test_a_piece_of_a_secret_beside_an_ellipsis_is_hidden(mark, kept):
    opaque = "opaque-4f1d9c7b2e-with-a-long-tail-of-words-that-nobody-may-ever-read-anywhere"

    assert cut(opaque, f"said {opaque[:kept]}{mark}and on") == f"said [redacted:user_a_token]{mark}and on"
    assert cut(opaque, f"so{mark}{opaque[-kept:]} it said") == f"so{mark}[redacted:user_a_token] it said"


def test_both_ends_of_a_secret_that_was_cut_in_its_middle_are_hidden():
    clean = cut(LONG, f"Bearer {LONG[:30]} ... {LONG[-24:]}, and {LONG[:12]}…")

    assert clean == "Bearer [redacted:user_a_token] ... [redacted:user_a_token], and [redacted:user_a_token]…"


def test_half_of_a_short_secret_is_hidden_too():
    assert cut("hunter22", "password hunt…") == "password [redacted:user_a_token]…"


@pytest.mark.parametrize(
    "text", ["1 of 2 nodes … and 3 more", "eyJhbG…", "...", "………", f"{LONG[:30]} without an ellipsis", "a " * 50 + "…"]
)
def test_other_words_beside_an_ellipsis_stay(text):
    redactor = Redactor()
    redactor.register("opaque-secret-of-another-kind", "user_a_token")
    assert redactor.redact(text) in (text, text.replace(LONG[:30], "[redacted:jwt]"))


def test_a_text_of_nothing_but_ellipses_takes_no_time():
    redactor = Redactor()
    for number in range(10):
        redactor.register(f"{LONG}{number}", f"token_{number}")
    text = "…" * 30_000 + "eyJhbGci..." * 3_000
    started = time.process_time()
    redactor.redact(text)

    assert time.process_time() - started < 3
