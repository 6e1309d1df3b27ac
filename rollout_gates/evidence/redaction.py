"""The one redactor. Every writer of evidence passes through it: events, transcripts, reports, tracebacks.

Two ways at once: by value, for every secret that is registered, in the encodings that values travel in; and by
pattern, for what looks like a credential although nobody registered it. A find becomes ``[redacted:NAME]``.
Numbers, booleans and keys are never touched, and no pattern matches a digest, a UUID, a run id or a reason, so
counts and verdicts survive.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST_SECRET = 6
_CREDENTIALS = (
    "authorization proxy-authorization apikey api_key api-key x-api-key set-cookie stripe-signature "
    "password passwd pwd secret client_secret client-secret token access_token refresh_token id_token provider_token "
    "auth_token jwt private_key service_role_key anon_key dashscope_api_key x-amz-security-token"
)
SENSITIVE = frozenset({"cookie", *_CREDENTIALS.split()})
_VARIABLE_NAME = re.compile(r"\$?[A-Z][A-Z0-9]*_[A-Z0-9_]+|\$[A-Z]+")
_DONE = "[redacted:"


@dataclass(frozen=True)
class _Pattern:
    """*regex* marks the secret as group ``v``; it is only run on text that holds one of *triggers* (lower case)."""

    name: str
    triggers: tuple[str, ...]
    regex: re.Pattern[str]


def _pattern(name: str, triggers: str, regex: str, flags: int = 0) -> _Pattern:
    return _Pattern(name, tuple(triggers.split()), re.compile(regex, flags))


_KEYS = "|".join(sorted(map(re.escape, _CREDENTIALS.split()), key=len, reverse=True))
_PATTERNS = (
    _pattern("private_key", "private", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<v>.*?)(?:-----END|\Z)", re.DOTALL),
    _pattern("jwt", "eyj", r"(?P<v>\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?)"),
    _pattern(
        "authorization",
        "bearer basic",
        r"(?i:\bbearer|\bbasic)(?:\s|%20|\+)+(?P<v>[A-Za-z0-9._~+/=-]{20,})",
    ),
    _pattern(
        "authorization",
        "authorization",
        r"(?i:authorization)\\*[\"']?\s*[:=,]\s*\\*[\"']?"
        r"(?:(?i:bearer|basic)\s+(?P<v>[^\s\"'\\,;}\]]+)|(?P<w>[^\s\"'\\,;}\]]{16,}))",
    ),
    _pattern(
        "url_token",
        "token= apikey= api_key= signature= sig= security-token= secret= password= code=",
        r"(?i:[?&;](?:[a-z_-]*token|apikey|api_key|(?:x-amz-)?signature|sig|[a-z_]*secret|password|code)=)"
        r"(?P<v>[^&\s\"'<>\\#]+)",
    ),
    _pattern("dsn_password", "://", r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@\"'?#]*:(?P<v>[^\s@/\"']+)@"),
    _pattern("dsn_password", "password=", r"(?i:\bpassword=)(?P<v>'[^']*'|[^\s\"'&;]+)"),
    _pattern(
        "",
        _CREDENTIALS,
        rf"(?i:(?P<key>{_KEYS}))\"\s*:\s*\"(?P<v>(?:[^\"\\]|\\.)+)\"",
    ),
    _pattern(
        "",
        _CREDENTIALS,
        rf"(?i:(?P<key>{_KEYS}))\\\"\s*:\s*\\\"(?P<v>(?:[^\\\"]|\\\\(?:\\[\"\\]|[^\\\"]))+)\\\"",
    ),
    _pattern(
        "",
        _CREDENTIALS,
        rf"(?i:(?P<key>{_KEYS}))'\s*:\s*'(?P<v>(?:[^'\\]|\\.)+)'",
    ),
    _pattern("cookie", "cookie:", r"(?i:\b(?:set-)?cookie:\s*)(?P<v>[^\r\n\"']+)"),
    _pattern(
        "api_key",
        "sk- sk_ rk_ whsec_ sbp_ sb_secret_ akia ghp_ github_pat_ xox",
        r"(?P<v>\b(?:sk-[A-Za-z0-9_-]{12,}|[sr]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}"
        r"|sbp_[A-Za-z0-9]{16,}|sb_secret_[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{16}|ghp_[A-Za-z0-9]{20,}"
        r"|github_pat_[A-Za-z0-9_]{20,}|xox[abp]-[A-Za-z0-9-]{10,}))",
    ),
)


class Redactor:
    """Knows the secrets of a run. `register` what is configured or obtained, then pass all output through it.

    `counts` says how often each name was replaced.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._variants: tuple[tuple[str, str], ...] = ()
        self._allowed: frozenset[str] = frozenset()
        self._longest = 0

    @property
    def total(self) -> int:
        """All replacements so far."""
        return sum(self.counts.values())

    @property
    def longest(self) -> int:
        """Characters of the longest form of a registered secret."""
        return self._longest

    def register(self, value: str, name: str) -> bool:
        """Replace *value*, and its usual encodings, by ``[redacted:name]`` from now on.

        Returns False, and does nothing, for a value shorter than 6 characters: it would take ordinary words away.
        The first name of a value stays.
        """
        if len(value) < SHORTEST_SECRET or value in self._allowed:
            return False
        if value in self._names:
            return True
        self._names[value] = name
        known = dict(self._variants)
        for variant in _encodings(value):
            known.setdefault(variant, name)
        self._variants = tuple(sorted(known.items(), key=lambda item: len(item[0]), reverse=True))
        self._longest = max(self._longest, len(self._variants[0][0]))
        return True

    def allow(self, value: str) -> None:
        """Let *value* stand although it looks like a credential, for example a token that was made wrong on purpose."""
        self._allowed |= {value}

    def name_of(self, value: str) -> str | None:
        """Return the name that *value* was registered under."""
        return self._names.get(value)

    def redact(self, text: str) -> str:
        """Return *text* without secrets."""
        for variant, name in self._variants:
            if variant in text:
                self.counts[name] += text.count(variant)
                text = text.replace(variant, f"{_DONE}{name}]")
        for pattern in _triggered(text):
            text = pattern.regex.sub(partial(self._masked, pattern), text)
        return text

    def header(self, name: str, value: str) -> str:
        """Return the value of an HTTP header without secrets; the scheme of an Authorization header stays."""
        if name.lower() not in SENSITIVE:
            return self.redact(value)
        scheme, blank, rest = value.partition(" ")
        if blank and scheme.lower() in {"bearer", "basic"}:
            return f"{scheme} {self._named(rest, 'authorization')}"
        return self._named(value, name.lower())

    def data(self, value: Any) -> Any:
        """Return a JSON-like *value* without secrets in its strings. Keys, numbers and booleans stay."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {key: self._field(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str):
                return [value[0], self.header(value[0], value[1])]
            return [self.data(item) for item in value]
        return value

    def dumps(self, value: Any) -> str:
        """Return *value* as one line of JSON without secrets."""
        line = _line(value)
        return _line(self.data(value)) if self.finds(line) else line

    def finds(self, text: str) -> bool:
        """Say whether `redact` would change *text*."""
        if any(variant in text for variant, _ in self._variants):
            return True
        return any(self._hidden(match) for pattern in _triggered(text) for match in pattern.regex.finditer(text))

    def _field(self, key: str, item: Any) -> Any:
        if isinstance(item, str) and key.lower() in SENSITIVE:
            return self._named(item, key.lower())
        return self.data(item)

    def _named(self, value: str, fallback: str) -> str:
        """Mask the whole of *value*, unless it was allowed or is only the name of a variable."""
        if not self._secret(value):
            return value
        name = self._names.get(value, fallback)
        self.counts[name] += 1
        return f"{_DONE}{name}]"

    def _secret(self, value: str) -> bool:
        return bool(value) and not (
            value.startswith(_DONE) or value in self._allowed or _VARIABLE_NAME.fullmatch(value)
        )

    def _hidden(self, match: re.Match[str]) -> bool:
        return self._secret(match[_group(match)])

    def _masked(self, pattern: _Pattern, match: re.Match[str]) -> str:
        group = _group(match)
        if not self._secret(match[group]):
            return match[0]
        name = self._names.get(match[group]) or pattern.name or match["key"].lower()
        self.counts[name] += 1
        start, end = match.span(group)
        at = match.start()
        return f"{match[0][: start - at]}{_DONE}{name}]{match[0][end - at :]}"


def _group(match: re.Match[str]) -> str:
    return "v" if match["v"] is not None else "w"


def _triggered(text: str) -> Iterator[_Pattern]:
    """Yield the patterns that can match at all: a look for plain words is a hundred times cheaper than a match."""
    lower = text.lower()
    seen: dict[tuple[str, ...], bool] = {}
    for pattern in _PATTERNS:
        if pattern.triggers not in seen:
            seen[pattern.triggers] = any(trigger in lower for trigger in pattern.triggers)
        if seen[pattern.triggers]:
            yield pattern


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _encodings(value: str) -> Iterable[str]:
    """The forms in which *value* travels: as is, in JSON (once and twice), URLs, HTML, hex, and inside base64."""
    data = value.encode("utf-8", "surrogatepass")
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    twice = {json.dumps(form)[1:-1] for form in escaped}
    urls = {quote(data), quote(data, safe=""), quote_plus(data)}
    urls |= {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), url) for url in urls}
    return {value, html.escape(value), html.escape(value, quote=False), data.hex(), data.hex().upper()}.union(
        escaped, twice, urls, _base64(data)
    )


def _base64(data: bytes) -> Iterator[str]:
    """What of the base64 text does not depend on the neighbours, for each of the three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode()
        core = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")
