"""Values that merely stand where a secret goes: placeholders, examples, sequences; and values that look random."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

_WORDS: Final = re.compile(
    r"example|your|change[-_ ]?me|placeholder|dummy|fake|sample|redacted|insert|replace|foobar|[-_]here\b|not[-_]?real"
    r"|x{4}|\*{3}|\.{3}|…|<[^>]*>|\$\{|\{\{|%\(|%s|process\.env|import\.meta",
    re.IGNORECASE,
)
_SEQUENCES: Final = ("12345678", "abcdefgh", "87654321", "deadbeef", "0a1b2c3d", "a1b2c3d4")
_FEWEST: Final = 5
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NO_LITERAL: Final = re.compile(r"[\s(){}<>$,;\"'`\\]|://|^[./#@]|^sha\d{3}-")
_LONG_HEX: Final = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_SHORTEST: Final = 16
_LEAST_BITS: Final = 3.0
# Steps from a letter to a digit, back, and from a small letter to a capital: in what was made at random almost every
# second character, in names every fifth.
_STEP: Final = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[a-z])(?=[A-Z])")
_LEAST_STEPS: Final = 0.26


def is_dummy(value: str) -> bool:
    """Tell whether *value* is a placeholder that a person wrote in place of a secret."""
    low = value.lower()
    return (
        _WORDS.search(value) is not None
        or any(sequence in low for sequence in _SEQUENCES)
        or len(set(re.sub(r"[^a-z0-9]", "", low))) < _FEWEST
    )


def looks_random(value: str) -> bool:
    """Tell whether *value* looks like something that a machine made up: no word, path, expression or UUID."""
    if len(value) < _SHORTEST or _NO_LITERAL.search(value) or _UUID.fullmatch(value) or is_dummy(value):
        return False
    if not re.search(r"[0-9]", value) or not re.search(r"[A-Za-z]", value):
        return False
    if _LONG_HEX.fullmatch(value):
        return True
    return len(_STEP.findall(value)) >= _LEAST_STEPS * len(value) and _bits(value) >= _LEAST_BITS


def _bits(value: str) -> float:
    """Return the Shannon entropy of the characters of *value*, in bits a character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
