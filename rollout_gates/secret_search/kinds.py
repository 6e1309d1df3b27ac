"""Keys that tell by their form what they are. Public ones (publishable keys, the anon key) are none of them."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from rollout_gates.secret_search.dummies import is_dummy

DEMO_ISSUER: Final = "supabase-demo"
"""Who signs the keys of every local stack: they are published, and open nothing else."""
PUBLIC_ROLES: Final = frozenset({"anon"})


@dataclass(frozen=True)
class Match:
    """Something at *start* of a text that is a key of this *kind*; *core* is what the library takes for the key."""

    start: int
    kind: str
    value: str
    core: str = ""


@dataclass(frozen=True)
class _Kind:
    """*regex* marks the key as group ``v``; it is run where one of *triggers* stands, and *accept* has a last word."""

    name: str
    triggers: tuple[str, ...]
    regex: re.Pattern[str]
    accept: Callable[[re.Match[str]], bool] = lambda _match: True


def _kind(name: str, triggers: str, regex: str, accept: Callable[[re.Match[str]], bool] = lambda _match: True) -> _Kind:
    return _Kind(name, tuple(triggers.split()), re.compile(regex), accept)


def _has_digit(match: re.Match[str]) -> bool:
    return any(map(str.isdigit, match["v"]))


def _is_far(match: re.Match[str]) -> bool:
    """Whether the host of a URL is one that others can reach; passwords of a local stack are published."""
    host = match["host"].lower()
    nearby = host.startswith("127.") or host.endswith((".0.0", ".localhost", ".local", ".test", ".invalid"))
    return "." in host and not nearby and "example" not in host


_BEFORE, _AFTER = r"(?<![A-Za-z0-9_+/-])", r"(?![A-Za-z0-9_+/=-])"
_KINDS: Final = (
    _kind("Supabase secret key", "sb_secret_", r"(?P<v>\bsb_secret_[A-Za-z0-9_-]{16,})"),
    _kind("Supabase access token", "sbp_", rf"{_BEFORE}(?P<v>sbp_[0-9a-f]{{40}}){_AFTER}"),
    _kind(
        "Stripe secret key", "k_live_ k_test_", rf"{_BEFORE}(?P<v>[sr]k_(?:live|test)_[A-Za-z0-9]{{16,}})"
    ),
    _kind("Stripe webhook secret", "whsec_", rf"{_BEFORE}(?P<v>whsec_[A-Za-z0-9+/=]{{16,}})", _has_digit),
    _kind(
        "API key of a model provider (sk-)",
        "sk-",
        rf"{_BEFORE}(?P<v>sk-(?:[A-Za-z0-9]+-){{0,3}}[A-Za-z0-9_]{{20,}})(?![A-Za-z0-9+/=])",
        _has_digit,
    ),
    _kind(
        "Alibaba Cloud access key", "LTAI", rf"{_BEFORE}(?P<v>LTAI[A-Za-z0-9]{{12,24}}){_AFTER}", _has_digit
    ),
    _kind(
        "private key",
        "PRIVATE KEY",
        r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY[A-Z ]{0,10}-----"
        r"(?:\\[rn]|\s)*(?P<v>(?:[A-Za-z0-9+/=]|\\[rn]|\s){64,4000})",
    ),
    _kind(
        "password in a URL",
        "://",
        r"://[^\s:/?#\[\]@\"'`<>{}$\\]{1,80}:(?P<v>[^\s:/?#\[\]@\"'`<>{}$\\]{8,200})@(?P<host>[A-Za-z0-9.-]{1,253})",
        _is_far,
    ),
)  # fmt: skip
NAMES: Final = (*(kind.name for kind in _KINDS), "JWT of the service role")
_PREFIX: Final = re.compile(r"^(?:sb_secret_|sbp_|[sr]k_(?:live|test)_|whsec_|sk-)")
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,2000}\.(?P<claims>eyJ[A-Za-z0-9_-]{8,8000})\.[A-Za-z0-9_-]{16,2000}")
_EMBEDDED: Final = re.compile(r"data:[\w.+/-]*(?:;[\w=-]+)*;base64,[A-Za-z0-9+/=]{40,}")


def by_form(text: str, *, lasting: bool, demo: bool = False) -> Iterator[Match]:
    """Yield the keys in *text*. Placeholders are none, nor is what stands inside embedded images and fonts.

    *lasting*: tokens of anybody that have not expired yet are told too. *demo*: the published keys of a local stack are
    no secrets here.
    """
    if "base64," in text:
        text = _EMBEDDED.sub(lambda match: " " * len(match[0]), text)
    for kind in _KINDS:
        if any(trigger in text for trigger in kind.triggers):
            for match in kind.regex.finditer(text):
                if kind.accept(match) and not is_dummy(_PREFIX.sub("", match["v"])):
                    yield Match(match.start("v"), kind.name, match["v"])
    if "eyJ" in text:
        yield from _tokens(text, lasting=lasting, demo=demo)


def _tokens(text: str, *, lasting: bool, demo: bool) -> Iterator[Match]:
    for match in _JWT.finditer(text):
        claims = _claims(match["claims"])
        role, expires = claims.get("role"), claims.get("exp")
        if demo and claims.get("iss") == DEMO_ISSUER:
            continue
        if role == "service_role":
            yield Match(match.start(), "JWT of the service role", match[0])
        elif lasting and role not in PUBLIC_ROLES and isinstance(expires, int | float) and expires > time.time():
            yield Match(match.start(), "JWT that has not expired", match[0])


def _claims(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
