"""Values for columns by type: distinctive ones first, so that they are recognised wherever they turn up."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable, Iterator

from rollout_gates.row_policy.catalogue import Column

MARK = "rg"
_TOKEN = re.compile(
    rf"{MARK}[0-9a-f]{{12}}|[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}|[0-9a-f]{{32}}|\d{{8,19}}"
)
TEXTS = frozenset({"text", "varchar", "bpchar", "name", "citext"})
NUMBERS = frozenset({"int4", "int8", "numeric", "float8"})
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_FIXED = {
    "bool": ("false", "true"),
    "int2": ("1", "0", "10", "100"),
    "float4": ("1", "0", "100"),
    "money": ("1",),
    "date": ("2026-06-01", "2020-01-01"),
    "time": ("12:00",),
    "timetz": ("12:00+00",),
    "timestamp": ("2026-06-01 12:00", "2020-01-01"),
    "timestamptz": ("2026-06-01 12:00+00", "2020-01-01 00:00+00"),
    "interval": ("1 day", "00:01"),
    "inet": ("10.1.2.3",),
    "cidr": ("10.1.2.0/24",),
    "macaddr": ("08:00:2b:01:02:03",),
    "point": ("(1,2)",),
    "box": ("(1,2),(0,0)",),
    "circle": ("<(1,2),3>",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "xml": ("<a/>",),
    "oid": ("1",),
    "tsquery": ("a",),
    "hstore": ("",),
    "int4range": ("[1,5)",),
    "int8range": ("[1,5)",),
    "numrange": ("[1,5)",),
    "daterange": ("[2026-01-01,2026-02-01)",),
    "tsrange": ("[2026-01-01,2026-02-01)",),
    "tstzrange": ("[2026-01-01,2026-02-01)",),
}


def marker() -> str:
    """Return a text that stands nowhere else."""
    return MARK + secrets.token_hex(6)


def big_number() -> str:
    """Return a number that fits into four bytes and hardly stands anywhere else."""
    return str(10**9 + secrets.randbelow(10**9))


def tokens(text: str) -> set[str]:
    """Return what in *text* may be a distinctive value."""
    return {found.replace("-", "") for found in _TOKEN.findall(text.lower())}


def token_of(value: str) -> set[str]:
    """Return the distinctive values in what is written into a column."""
    return tokens(value.removeprefix("\\x"))


def candidates(column: Column, checks: Iterable[str] = ()) -> Iterator[str]:
    """Yield values for *column*, the most telling first, then what *checks* (their text) seem to ask for."""
    texts = list(checks)
    yield from _telling(column)
    literals = [found.replace("''", "'") for text in texts for found in _LITERAL.findall(text)]
    if column.type in TEXTS:
        yield from _asked_text(literals, texts)
    elif column.type in NUMBERS | {"int2", "float4"}:
        numbers = [float(found) for text in texts for found in _NUMBER.findall(text)]
        yield from (_written(column, number + step) for number in numbers for step in (0, 1, -1))
        yield from ("1", "0", "10", "50", "-1")
    else:
        yield from literals


def _telling(column: Column) -> Iterator[str]:
    if column.labels and column.category == "E":
        yield from column.labels
    elif column.type in TEXTS:
        yield from _telling_texts(column.length)
    elif column.type == "uuid":
        yield str(uuid.uuid4())
    elif column.type in NUMBERS:
        number = big_number()
        yield number[: column.length] if 0 < column.length < len(number) else number
    elif column.type in {"json", "jsonb"}:
        yield f'{{"{MARK}": "{marker()}"}}'
        yield from ("{}", "[]")
    elif column.type.startswith("_"):
        yield from _arrays(column)
    else:
        yield from _rarely(column)
    yield from _FIXED.get(column.type, ())


def _rarely(column: Column) -> Iterator[str]:
    size = max(column.length, 1)
    match column.type:
        case "bytea":
            yield "\\x" + secrets.token_hex(16)
        case "tsvector":
            yield marker()
        case "vector":
            yield "[" + ",".join("0" for _ in range(size)) + "]"
        case "bit" | "varbit":
            yield "0" * size


def _telling_texts(length: int) -> Iterator[str]:
    mark = marker()
    yield mark if length < 0 or length >= len(mark) else mark[2 : 2 + length]


def _arrays(column: Column) -> Iterator[str]:
    if column.type in {"_text", "_varchar", "_name"}:
        yield f"{{{marker()}}}"
    elif column.type == "_uuid":
        yield f"{{{uuid.uuid4()}}}"
    elif column.labels:
        yield f"{{{column.labels[0]}}}"
    yield "{}"


def _asked_text(literals: list[str], texts: list[str]) -> Iterator[str]:
    mark = marker()
    for literal in literals:
        if "%" in literal or "_" in literal:
            yield literal.replace("%", mark).replace("_", "a")
        if _looks_like_pattern(literal):
            yield from matching(literal)
        yield literal
    digits = "".join(str(secrets.randbelow(10)) for _ in range(12))
    yield from (f"{mark}@example.com", f"https://example.com/{mark}", f"{mark}/{mark}", f"+{digits}", digits)
    yield from (mark.upper(), "a", "AB", "ABC", "ABCD", "00", "en", "en-US", "UTC", "#aabbcc", "x" * 40)
    del texts


def _looks_like_pattern(literal: str) -> bool:
    return any(mark in literal for mark in ("[", "^", "$", "\\d", "\\w", "{"))


_PIECE = re.compile(r"(\[[^\]]*\]|\\.|\([^)]*\)|[^\[\](){}*+?^$|\\])(\{\d+(?:,\d*)?\}|[*+?])?")


def matching(pattern: str) -> Iterator[str]:
    """Yield texts that a simple regular *pattern* may match: for each piece a character of its class."""
    for wide in (True, False):
        built = ""
        for piece, times in _PIECE.findall(pattern):
            built += "".join(_one_of(piece) for _ in range(_count(times, wide=wide)))
        if built:
            yield built


def _count(times: str, *, wide: bool) -> int:
    if not times:
        return 1
    if times[0] != "{":
        return 12 if wide else int(times == "+")
    low, _, high = times[1:-1].partition(",")
    return min(int(high), int(low) + 12) if wide and high else int(low) + (12 if wide and times.endswith(",}") else 0)


def _one_of(piece: str) -> str:
    if piece.startswith("["):
        inner = piece[1:-1]
        for pool, example in (
            ("a-z", "abcdefghijklmnopqrstuvwxyz"),
            ("A-Z", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ("0-9", "0123456789"),
        ):
            if pool in inner:
                return secrets.choice(example[1:])
        return inner.lstrip("^")[:1] or "a"
    if piece.startswith("("):
        return piece[1:-1].split("|", maxsplit=1)[0].removeprefix("?:")
    if piece.startswith("\\"):
        return {"d": str(1 + secrets.randbelow(9)), "w": "a", "s": " "}.get(piece[1], piece[1])
    return "a" if piece == "." else piece


def _written(column: Column, number: float) -> str:
    whole = number == int(number) or column.type in {"int2", "int4", "int8"}
    return str(int(number)) if whole else str(number)
