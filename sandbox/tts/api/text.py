"""How the function reads what callers send: trimming, lengths and numbers as JavaScript has them."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import quote

# White space that `String.prototype.trim` removes. Python's `strip` takes other characters away.
JS_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Nothing that counts rows or credits gets near this; longer digit strings only cost time.
LARGEST = 2**53
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_HOST_SCHEMES = frozenset({"http", "https", "ws", "wss", "ftp"})
_BAD_HOST = re.compile(r"[\s<>^|%#?@\\\x00-\x1f\x7f]|^$")


def trimmed(value: Any) -> str | None:
    """*value* without surrounding white space. None for anything that is not a string, and for a blank one."""
    if not isinstance(value, str):
        return None
    return value.strip(JS_SPACE) or None


def units(text: str) -> int:
    """Length in UTF-16 code units: an emoji counts two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def first_units(text: str, count: int) -> str:
    """The first *count* UTF-16 code units; a character that would be cut in half is left out."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * count].decode("utf-16-le", "ignore")


def whole_number(raw: str | None) -> int | None:
    """The integer that *raw* begins with, as `parseInt` reads it. None when there is none."""
    match = _WHOLE.match((raw or "").strip(JS_SPACE))
    if match is None:
        return None
    digits = match.group()
    return int(digits) if len(digits) < 17 else (-LARGEST if digits.startswith("-") else LARGEST)


def decimal_number(raw: str) -> float | None:
    """*raw* as `Number` reads it: blank is 0, None stands for NaN and infinity."""
    text = raw.strip(JS_SPACE)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def rounded(number: float) -> float:
    """*number* to one decimal, halves up, and as an int when it is whole: how JavaScript would print it."""
    tenth = math.floor(number * 10 + 0.5) / 10
    return int(tenth) if tenth.is_integer() else tenth


def is_uuid(value: Any) -> bool:
    """Whether *value* is written like a UUID, of whatever version."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def thousands(number: int) -> str:
    """`5,000` for 5000."""
    return f"{number:,}"


def percent_encoded(text: str) -> str:
    """*text* as `encodeURIComponent` writes it."""
    return quote(text, safe="-_.!~*'()", errors="replace")


def is_url(text: str) -> bool:
    """Whether the platform's URL parser would take *text* as an absolute URL."""
    match = _SCHEME.fullmatch(text)
    if match is None:
        return False
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme not in _HOST_SCHEMES:
        return True
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    host, _, port = authority.rpartition("@")[2].partition(":")
    return _BAD_HOST.search(host) is None and (not port or (port.isdigit() and int(port[:6]) <= 65535))
