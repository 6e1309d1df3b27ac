"""The one redactor. Every writer of evidence passes through it: events, transcripts, reports, tracebacks.

Two ways at once: by value, for every secret that is registered, in the encodings that values travel in; and by
pattern, for what looks like a credential although nobody registered it. A find becomes ``[redacted:NAME]``.
Numbers, booleans and keys are never touched, and no pattern matches a digest, a UUID, a run id or a reason, so
counts and verdicts survive.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rollout_gates.evidence.known_values import KnownValues, encodings

SHORTEST_SECRET = 6
_CREDENTIALS = frozenset(
    {
        *("authorization", "proxyauthorization", "apikey", "xapikey", "cookie", "setcookie", "stripesignature"),
        *("password", "passwd", "pwd", "secret", "clientsecret", "privatekey", "jwt", "xamzsecuritytoken"),
        *("token", "accesstoken", "refreshtoken", "idtoken", "providertoken", "authtoken", "sessiontoken"),
        *("servicerolekey", "anonkey", "dashscopeapikey"),
    }
)
_VARIABLE_NAME = re.compile(r"\$?[A-Z][A-Z0-9]*_[A-Z0-9_]+|\$[A-Z]+")
_DONE = "[redacted:"


@dataclass(frozen=True)
class _Pattern:
    """*regex* marks the secret as group ``v`` or ``w``, and perhaps the name of its field as ``key``.

    It is only run on text that holds one of *triggers* (none: on any text). Each regex begins with a literal or a
    narrow set of characters, which is what makes it fast.
    """

    name: str
    triggers: tuple[str, ...]
    regex: re.Pattern[str]


def _pattern(name: str, triggers: str, regex: str) -> _Pattern:
    return _Pattern(name, tuple(triggers.split()), re.compile(regex))


# The ends of the names in `_CREDENTIALS`, less a letter that may be a capital; (?i:...) would be ten times slower.
_ENDS = ("oken", "ecret", "assword", "asswd", "wd", "ey", "wt", "uthorization", "ookie", "ignature")
_KEY = rf"(?P<key>[A-Za-z_-]*(?:{'|'.join([*_ENDS, *(end.upper() for end in _ENDS)])}))"
_PATTERNS = (
    _pattern("private_key", "", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<v>(?s:.*?))(?:-----END|\Z)"),
    _pattern("jwt", "", r"(?P<v>eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?)"),
    _pattern(
        "authorization",
        "earer asic EARER ASIC",
        r"[Bb](?i:earer|asic)(?:\s|%20|\+)+(?P<v>[A-Za-z0-9._~+/=-]{20,})",
    ),
    _pattern(
        "authorization",
        "uthorization UTHORIZATION",
        r"[Aa](?i:uthorization)\\*[\"']?\s*"
        r"(?:[:=,]\s*\\*[\"']?(?i:bearer|basic)\s+(?P<v>[^\s\"'\\,;}\]]+)|[:=]\s*\\*[\"']?(?P<w>[^\s\"'\\,;}\]]{16,}))",
    ),
    _pattern(
        "url_token",
        "",
        r"[?&;](?i:[a-z_-]*token|apikey|api_key|(?:x-amz-)?signature|sig|[a-z_]*secret|password|code)="
        r"(?P<v>[^&\s\"'<>\\#]+)",
    ),
    _pattern("dsn_password", "", r"://[^\s:/@\"'?#]*:(?P<v>[^\s@/\"']+)@"),
    _pattern("dsn_password", "assword= ASSWORD=", r"[Pp](?i:assword=)(?P<v>'[^']*'|[^\s\"'&;]+)"),
    _pattern("", "", rf"\"{_KEY}\"\s*:\s*\"(?P<v>(?:[^\"\\]|\\.)+)\""),
    _pattern("", "", rf"\\\"{_KEY}\\\"\s*:\s*\\\"(?P<v>(?:[^\\\"]|\\\\(?:\\[\"\\]|[^\\\"]))+)\\\""),
    _pattern("", "", rf"'{_KEY}'\s*:\s*'(?P<v>(?:[^'\\]|\\.)+)'"),
    _pattern("cookie", "ookie: OOKIE:", r"[Cc](?i:ookie):\s*(?P<v>[^\r\n\"']+)"),
    _pattern(
        "api_key",
        "sk- k_live_ k_test_ whsec_ sbp_ sb_secret_ AKIA LTAI ghp_ github_pat_ xox",
        r"(?P<v>\b(?:sk-[A-Za-z0-9_-]{12,}|[sr]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}"
        r"|sbp_[A-Za-z0-9]{16,}|sb_secret_[A-Za-z0-9_-]{8,}|AKIA[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,24}\b|ghp_[A-Za-z0-9]{20,}"
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
        self._known = KnownValues()
        self._lock = threading.Lock()
        self._allowed: frozenset[str] = frozenset()

    @property
    def total(self) -> int:
        """All replacements so far."""
        return sum(self.counts.values())

    @property
    def longest(self) -> int:
        """Characters of the longest form of a registered secret."""
        return self._known.longest

    def register(self, value: str, name: str) -> bool:
        """Replace *value*, and its usual encodings, by ``[redacted:name]`` from now on.

        Returns False, and does nothing, for a value shorter than 6 characters: it would take ordinary words away.
        The first name of a value stays.
        """
        if len(value) < SHORTEST_SECRET or value in self._allowed:
            return False
        with self._lock:
            if value not in self._names:
                self._names[value] = name
                self._known = self._known.plus(encodings(value), name)
        return True

    @property
    def registered(self) -> Mapping[str, str]:
        """The secrets and their names, in the order in which they became known. Never to be written."""
        return self._names

    @property
    def known(self) -> KnownValues:
        """The forms of these secrets, to look for them."""
        return self._known

    def is_allowed(self, value: str) -> bool:
        """Say whether *value* may stand although it looks like a credential."""
        return value in self._allowed

    def allow(self, value: str) -> None:
        """Let *value* stand although it looks like a credential, for example a token that was made wrong on purpose."""
        self._allowed |= {value}

    def name_of(self, value: str) -> str | None:
        """Return the name that *value* was registered under."""
        return self._names.get(value)

    def redact(self, text: str) -> str:
        """Return *text* without secrets."""
        for variant, name in self._known.within(text):
            if found := text.count(variant):
                self.counts[name] += found
                text = text.replace(variant, f"{_DONE}{name}]")
        for start, end, name in reversed(self._known.cut_off(text)):
            self.counts[name] += 1
            text = f"{text[:start]}{_DONE}{name}]{text[end:]}"
        for pattern in _triggered(text):
            text = pattern.regex.sub(partial(self._masked, pattern), text)
        return text

    def header(self, name: str, value: str) -> str:
        """Return the value of an HTTP header without secrets; the scheme of an Authorization header stays."""
        if not sensitive(name):
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
        if self._known.within(text) or self._known.cut_off(text):
            return True
        return any(self._hidden(match) for pattern in _triggered(text) for match in pattern.regex.finditer(text))

    def _field(self, key: str, item: Any) -> Any:
        if isinstance(item, str) and sensitive(key):
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
        # Quotes alone are what is left between two pieces of a shell word around a variable.
        return any(map(str.isalnum, value)) and not (
            value.startswith(_DONE) or value in self._allowed or _VARIABLE_NAME.fullmatch(value)
        )

    def _hidden(self, match: re.Match[str]) -> bool:
        key = match.groupdict().get("key")
        return (key is None or sensitive(key)) and self._secret(match[_group(match)])

    def _masked(self, pattern: _Pattern, match: re.Match[str]) -> str:
        if not self._hidden(match):
            return match[0]
        group = _group(match)
        name = self._names.get(match[group]) or pattern.name or match["key"].lower()
        self.counts[name] += 1
        start, end = match.span(group)
        at = match.start()
        return f"{match[0][: start - at]}{_DONE}{name}]{match[0][end - at :]}"


def sensitive(name: str) -> bool:
    """Say whether a header or field called *name* holds a credential, however the name is spelt."""
    return name.lower().replace("_", "").replace("-", "") in _CREDENTIALS


def _group(match: re.Match[str]) -> str:
    return "w" if match["v"] is None else "v"


def _triggered(text: str) -> Iterator[_Pattern]:
    """Yield the patterns that can match at all: a look for a plain word is far cheaper than a match."""
    return (p for p in _PATTERNS if not p.triggers or any(trigger in text for trigger in p.triggers))


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
