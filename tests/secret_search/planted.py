"""Secrets that are made up when the tests run, so that no file holds anything that looks like one; and healthy noise."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def word(size: int, seed: int = 1, alphabet: str = ALPHABET) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=size))


def hexadecimal(size: int, seed: int = 1) -> str:
    return word(size, seed, "0123456789abcdef")


def part(claims: Any) -> str:
    data = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(role: str, *, lasts_s: float = 3600, **claims: Any) -> str:
    """A JWT as the platform signs it; nobody checks its signature here."""
    told = {"iss": "supabase", "ref": "abc", "role": role, "exp": int(time.time() + lasts_s), **claims}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(told)}.{part(random.Random(role).randbytes(32))}"


SERVICE, ANON, USER = token("service_role"), token("anon"), token("authenticated", sub="u")
PROVIDER = f"sk-{hexadecimal(32)}"
PASSWORD = f"{word(9)}/{word(9, 2)}+="
DSN = f"postgresql://postgres:{word(20, 3)}@db.abcdefgh.supabase.co:5432/postgres"
HELD = {"service_role_key": SERVICE, "provider_key": PROVIDER, "database_dsn": DSN, "user_password": PASSWORD}

BY_FORM = {
    "JWT of the service role": SERVICE,
    "JWT that has not expired": USER,
    "Supabase secret key": f"sb_secret_{word(31)}",
    "Supabase access token": f"sbp_{hexadecimal(40)}",
    "Stripe secret key": f"sk_live_{word(24)}",
    "Stripe webhook secret": f"whsec_{word(32)}",
    "API key of a model provider (sk-)": PROVIDER,
    "Alibaba Cloud access key": f"LTAI{word(20, 7)}",
    "private key": f"-----BEGIN PRIVATE KEY-----\n{word(64)}\n{word(64, 2)}\n-----END PRIVATE KEY-----",
    "password in a URL": f"postgresql://app:{word(16, 5)}@db.abcdefgh.supabase.co/postgres",
}
BY_LIBRARY = {
    "AWS Access Key": f"AKIA{word(16, 1, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789')}",
    "GitHub Token": f"ghp_{word(36)}",
    "Slack Token": f"xoxb-{word(12, 1, '0123456789')}-{word(24, 1, 'abcdefghijklmnopqrstuvwxyz0123456789')}",
    "SendGrid API Key": f"SG.{word(22)}.{word(43)}",
    "Twilio API Key": f"SK{hexadecimal(32)}",
    "Mailchimp Access Key": f"{hexadecimal(32)}-us12",
    "Azure Storage Account access key": f"AccountKey={word(86)}==",
}
MORE = {
    "test key": f"sk_test_{word(24)}",
    "restricted key": f"rk_live_{word(24)}",
    "project key": f"sk-proj-{word(48)}",
}
PUBLIC = {
    "publishable key": f"pk_live_{word(24)}",
    "publishable test key": f"pk_test_{word(24)}",
    "publishable platform key": f"sb_publishable_{word(31)}",
    "anon key": ANON,
    "expired token": token("authenticated", lasts_s=-60),
    "map token": f"pk.{part({'u': 'somebody', 'a': word(25)})}.{word(22)}",
    "UUID": "3f2b8c1e-8d0a-4b57-9a6f-0c1d2e3f4a5b",
    "digest": hexadecimal(64),
    "integrity": f"sha384-{word(64)}",
    "style": "sk-fading-circle sk-cube-grid sk-three-bounce-delay-animation-long",
    "check for a key": 'if(!e.startsWith("-----BEGIN PRIVATE KEY-----"))throw TypeError(\'"pkcs8" must be PKCS#8\')',
    "URL with a port": "https://app.example.com:8443/a@b",
    "address of a local stack": "postgresql://postgres:postgres@127.0.0.1:54322/postgres",
    "task": f"task-{hexadecimal(32)}",
}


def noise(seed: int, size: int = 40) -> str:
    """Minified code as bundlers write it: chunk names, digests, integrity, embedded fonts and images, short names."""
    source = random.Random(seed)

    def chars(count: int, alphabet: str = ALPHABET) -> str:
        return "".join(source.choices(alphabet, k=count))

    def embedded() -> str:
        kind = source.choice(("font/woff2", "image/png", "application/wasm"))
        return f'"data:{kind};base64,{base64.b64encode(source.randbytes(600)).decode()}"'

    def code() -> str:
        names = [chars(source.randint(1, 3), ALPHABET[:52]) for _ in range(8)]
        a, b, c, d, e, f, g, h = names
        return f"function {a}({b},{c}){{var {d}={b}.{e}[{c}>>>{source.randint(0, 31)}];return {d}?{f}({g}):{h}}}"

    pieces = (
        lambda: f'{{{source.randint(100, 9999)}:"{chars(8, "0123456789abcdef")}"}}[e]+".js"',
        lambda: f'integrity:"sha512-{chars(86)}=="',
        lambda: f'"{chars(64, "0123456789abcdef")}"',
        lambda: f'token:"{source.choice(("sb-access-token", "csrf", "auth.oauth2.tokenUrl"))}"',
        lambda: f'password:"{source.choice(("Your password", "At least 8 characters", "password-field-v2"))}"',
        lambda: f"apiKey:e.{chars(6)}Key",
        lambda: f'"{chars(44)}"',
        embedded,
        code,
        code,
    )
    return ";".join(source.choice(pieces)() for _ in range(size))
