"""Finding many known secrets, in many encodings, in one pass over a text.

A look for each of some hundred forms takes milliseconds on 64 KiB. So a text is first cut into pieces of 16
characters at multiples of 16: whatever form of 31 characters or more stands in it fills one of those pieces with 16
of its own first 31 characters. Only forms that show up this way, and the few short ones, are searched for.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

_PIECE = 16
_LONG = 2 * _PIECE - 1
_ELLIPSES = ("…", "...")
# So many characters of a long secret are worth to be hidden.
_LEAST = 8


@dataclass(frozen=True)
class KnownValues:
    """Forms of secrets with their names. Immutable: `plus` makes the next one, so that threads may share it."""

    names: dict[str, str] = field(default_factory=dict)
    short: tuple[str, ...] = ()
    pieces: dict[str, tuple[str, ...]] = field(default_factory=dict)
    longest: int = 0

    def plus(self, forms: Iterable[str], name: str) -> KnownValues:
        """Return these and *forms* of a secret called *name*; a form that is known keeps its name."""
        fresh = {form: name for form in forms if form not in self.names}
        pieces = dict(self.pieces)
        for form in fresh:
            for start in range(_PIECE) if len(form) >= _LONG else ():
                piece = form[start : start + _PIECE]
                pieces[piece] = (*pieces.get(piece, ()), form)
        short = (*self.short, *(form for form in fresh if len(form) < _LONG))
        return KnownValues(self.names | fresh, short, pieces, max(self.longest, *map(len, fresh), 0))

    def within(self, text: str) -> list[tuple[str, str]]:
        """Return (form, name) of each form in *text*, the longest first."""
        found = {form for form in self.short if form in text}
        if self.pieces:
            cut = {text[at : at + _PIECE] for at in range(0, len(text), _PIECE)}
            for piece in cut & self.pieces.keys():
                found.update(form for form in self.pieces[piece] if form in text)
        return [(form, self.names[form]) for form in sorted(found, key=len, reverse=True)]

    def cut_off(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, name) of each piece of a form that ends or begins at an ellipsis, in order, apart.

        Messages are cut before they come here. What is left of a secret then is no form any more, and still gives
        most of it away.
        """
        if not any(mark in text for mark in _ELLIPSES):
            return []
        found = {span for form, name in self.names.items() for span in _pieces(text, form, name)}
        apart: list[tuple[int, int, str]] = []
        for start, end, name in sorted(found, key=lambda span: (span[0], -span[1])):
            if not apart or start >= apart[-1][1]:
                apart.append((start, end, name))
        return apart


def _pieces(text: str, form: str, name: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a beginning of *form* stands before an ellipsis, or an end of it after one."""
    least = min(_LEAST, (len(form) + 1) // 2)
    for at in _places(text, form[:least]):
        end = at + _shared(text[at : at + len(form)], form)
        if end < at + len(form) and text[end : end + 5].lstrip().startswith(_ELLIPSES):
            yield at, end, name
    for at in _places(text, form[-least:]):
        end = at + least
        start = end - _shared(text[max(0, end - len(form)) : end][::-1], form[::-1])
        if start > end - len(form) and text[max(0, start - 5) : start].rstrip().endswith(_ELLIPSES):
            yield start, end, name


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _shared(one: str, other: str) -> int:
    """Return how many characters *one* and *other* begin with together."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


def encodings(value: str) -> set[str]:
    """The forms in which *value* travels: as is, in JSON (once and twice), URLs, HTML, hex, and inside base64."""
    return set[str]().union(*named_encodings(value).values())


def named_encodings(value: str) -> dict[str, set[str]]:
    """The same forms by the name of the encoding; the value as it is stands under the empty name."""
    data = value.encode("utf-8", "surrogatepass")
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    twice = {json.dumps(form)[1:-1] for form in escaped}
    urls = {quote(data), quote(data, safe=""), quote_plus(data)}
    urls |= {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), url) for url in urls}
    return {
        "": {value},
        "JSON-escaped": escaped | twice,
        "percent-encoded": urls,
        "HTML-escaped": {html.escape(value), html.escape(value, quote=False)},
        "hex": {data.hex(), data.hex().upper()},
        "base64": set(_base64(data)),
    }


def _base64(data: bytes) -> Iterator[str]:
    """What of the base64 text does not depend on the neighbours, for each of the three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + data).decode()
        core = encoded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")
