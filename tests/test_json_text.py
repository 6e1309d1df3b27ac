"""JSON of others: a value, or a ValueError; nothing else."""

from __future__ import annotations

import json

import pytest

from rollout_gates.json_text import DEEPEST, parse


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return json.dumps(value)


@pytest.mark.parametrize("text", ["1", '{"a": [1, {"b": null}]}', '"\\ud800"', "[]", "NaN", json.dumps([[]] * 500)])
def test_what_is_json_is_read(text):
    assert repr(parse(text)) == repr(parse(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"9" * 6_000,
        b"nul",
        nested(DEEPEST + 1),
    ],
)
def test_what_is_none_is_a_value_error(data):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        parse(data)


def test_nesting_is_allowed_up_to_its_limit():
    assert json.dumps(parse(nested(DEEPEST))) == nested(DEEPEST)
    with pytest.raises(ValueError, match="nested deeper than 100 levels"):
        parse(nested(500))
