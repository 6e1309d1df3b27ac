"""Text that came from outside, made fit for a page, an XML file or a terminal."""

from __future__ import annotations

import re
from typing import Final

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -~])")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
# Marks that change the direction of what follows: with them a target could make a line read backwards.
_DIRECTION: Final = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")


def plain(text: object) -> str:
    """Return *text* without terminal codes and control characters; what cannot be shown becomes U+FFFD.

    Line ends and tabs stay. The result can stand in XML 1.0 and in HTML once it is escaped.
    """
    if type(text) is str and text.isprintable():
        return text  # most texts are: no line end, no control character, no mark of direction
    clean = _ANSI.sub("", str(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _DIRECTION.sub("\ufffd", _CONTROL.sub("\ufffd", clean))


def one_line(text: object, limit: int = 300) -> str:
    """Return `plain` text with all white space runs made single blanks, cut at *limit* characters."""
    line = " ".join(plain(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def clip(text: str, limit: int) -> str:
    """Return at most *limit* characters of *text*, and how many more there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit:,} more characters"


def duration(seconds: float | None) -> str:
    """Return a time span as a person reads it: ``35 ms``, ``4.2 s``, ``3 min 07 s``, ``2 h 05 min``."""
    if seconds is None:
        return "unknown"
    if 0 < seconds < 0.0005:
        return "<1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: int) -> str:
    """Return a number of bytes as a person reads it: ``812 bytes``, ``24.3 kB``, ``1.2 MB``."""
    if number < 1000:
        return count(number, "byte")
    return f"{number / 1000:.1f} kB" if number < 1_000_000 else f"{number / 1_000_000:.1f} MB"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 check``, ``2 checks``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
