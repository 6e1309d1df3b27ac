"""Each matcher lets the right value through and says what is wrong with another one."""

from __future__ import annotations

from typing import Any

import pytest

from rollout_gates.golden.matchers import Findings, check_matchers, compare_value, compares_something
from rollout_gates.golden.model import UNSET, GoldenError


def differences(got: Any, expected: Any) -> list[str]:
    findings = Findings()
    compare_value(got, expected, "json", findings)
    return [str(difference) for difference in findings.differences]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("uuid", "0c5b1e5a-2b9e-4a57-9a41-6f1f6f0a1b2c", "0c5b1e5a2b9e4a579a416f1f6f0a1b2c"),
        ("int", 7, True),
        ("int", 0, 7.5),
        ("number", 7.5, "7.5"),
        ("number", 7, False),
        ("string", "", 7),
        ("bool", False, 0),
        ("null", None, ""),
        ("array", [], {}),
        ("object", {}, []),
        ("nonempty", "x", ""),
        ("nonempty", [None], []),
        ("timestamp", "2026-02-26T15:30:00.123456+00:00", "2026-02-26"),
        ("timestamp", "2026-02-26T15:30:00Z", "2026-02-26T15:30:00"),
    ],
)
def test_a_kind_tells_values_apart(kind, good, bad):
    assert differences(good, {"$match": kind}) == []
    assert len(differences(bad, {"$match": kind})) == 1
    assert f"a value of kind {kind}" in differences(bad, {"$match": kind})[0]


@pytest.mark.parametrize(
    ("matcher", "good", "bad"),
    [
        ({"$one_of": ["a", None, {"$match": "int"}]}, None, "b"),
        ({"$one_of": [1, 2]}, 2, True),
        ({"$regex": "^https?://"}, "http://x", "ftp://x"),
        ({"$regex": "."}, "x", 5),
        ({"$has": {"a": 1}}, {"a": 1, "b": 2}, {"b": 2}),
        ({"$has": {"a": 1}}, {"a": 1}, "a"),
        ({"$each": {"$match": "int"}}, [1, 2], [1, "2"]),
        ({"$each": {"$match": "int"}}, [1], []),
        ({"$any": True}, None, UNSET),
        ({"$absent": True}, UNSET, None),
    ],
)
def test_a_matcher_lets_one_value_through_and_another_not(matcher, good, bad):
    assert differences(good, matcher) == []
    assert len(differences(bad, matcher)) == 1


def test_values_are_compared_whole_unless_a_matcher_says_otherwise():
    assert differences({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []
    assert differences({"a": 1, "extra": 2}, {"a": 1}) == ["json.extra: got 2, expected nothing (no such member)"]
    assert differences({}, {"a": 1}) == ["json.a: got nothing (absent), expected 1"]
    assert differences([1, 2, 3], [1, 2]) == ["json[2]: got 3, expected nothing (the list ends after 2)"]
    assert differences([1], [1, 2]) == ["json[1]: got nothing (absent), expected 2"]


def test_null_and_absent_are_two_things():
    assert differences({"a": None}, {"a": None}) == []
    assert differences({}, {"a": None}) == ["json.a: got nothing (absent), expected null"]
    assert differences({"a": None}, {"a": {"$absent": True}}) == ["json.a: got null, expected nothing (absent)"]


def test_true_is_not_one_and_a_number_is_its_value():
    assert differences(True, 1) == ["json: got true, expected 1"]
    assert differences(0, False) == ["json: got 0, expected false"]
    assert differences(1.0, 1) == []


def test_long_texts_are_shown_where_they_begin_to_differ():
    got, expected = "a" * 5000 + "X" + "b" * 5000, "a" * 5000 + "Y" + "b" * 5000

    (difference,) = differences(got, expected)

    assert "around character 5000" in difference
    assert "X" in difference.split(", expected ")[0]
    assert "Y" in difference.split(", expected ")[1]
    assert len(difference) < 600


def test_a_text_that_is_cut_short_is_told_by_its_length():
    (difference,) = differences("a" * 9999, "a" * 10000)

    assert "9999 characters" in difference
    assert "10000 characters" in difference


def test_of_several_objects_the_nearest_one_is_explained():
    choices = {"$one_of": [{"status": "completed", "url": "x", "error": None}, {"status": "failed", "error": "why"}]}

    assert differences({"status": "failed", "error": None}, choices) == ['json.error: got null, expected "why"']


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"$mach": "int"}, "unknown matcher '$mach', did you mean '$match'?"),
        ({"a": [{"$match": "integer"}]}, 'unknown kind "integer" for $match'),
        ({"$match": "int", "more": 1}, "a matcher stands alone in its object, '$match' has 1 neighbours"),
        ({"$one_of": []}, "$one_of needs a list with at least one member"),
        ({"$has": {}}, "$has needs an object with at least one member"),
        ({"$any": False}, "$any takes true and nothing else"),
        ({"$regex": "("}, '$regex "(" is no pattern'),
    ],
)
def test_what_only_looks_like_a_matcher_is_refused(value, message):
    with pytest.raises(GoldenError) as caught:
        check_matchers(value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_proper_matchers_are_not_refused():
    check_matchers({"a": [{"$match": "int"}, {"$has": {"b": {"$each": {"$regex": "x"}}}}], "c": None})


def test_a_comparison_with_anything_compares_nothing():
    assert not compares_something({"$any": True})
    assert not compares_something({"$has": {"a": {"$any": True}}})
    assert not compares_something({"$one_of": [1, {"$any": True}]})
    assert compares_something({"$one_of": [1, 2]})
    assert compares_something({"$has": {"a": {"$any": True}, "b": None}})
    assert compares_something(None)
