"""`--update-golden` takes over what was answered, keeps what still holds, lists the files, and keeps out of CI."""

from __future__ import annotations

import json

import pytest

from rollout_gates import golden
from rollout_gates.golden.update import merged
from tests.golden.making import NAMES, Answer, answer, case_data, folder


def exchange(tmp_path, reply, *, mode="fast", **changes):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data(**changes)})
    (case,) = golden.load(root, "talk", names=NAMES)
    return golden.Exchange(case, mode, reply, {"cap": 600, "text:short": "hello"})


def updated(seen):
    files = golden.update([seen], variables={})
    assert files == [seen.case.file]
    return json.loads(seen.case.file.read_text())["expect"]


def test_status_and_json_are_taken_over_and_the_file_is_listed(tmp_path):
    seen = exchange(tmp_path, answer({"detail": "new", "more": None}, status=201))

    assert updated(seen) == {"any": {"status": 201, "json": {"detail": "new", "more": None}}}


def test_a_case_that_has_no_difference_is_left_alone(tmp_path):
    seen = exchange(tmp_path, answer({"detail": "up to 600"}))
    before = seen.case.file.read_bytes()

    assert golden.update([seen], variables={}) == []
    assert seen.case.file.read_bytes() == before


def test_only_the_active_mode_is_rewritten(tmp_path):
    seen = exchange(tmp_path, answer(status=500), expect={"fast": {"status": 200}, "slow": {"status": 200}})

    assert updated(seen) == {"fast": {"status": 500}, "slow": {"status": 200}}


def test_matchers_and_placeholders_that_still_hold_are_kept(tmp_path):
    expected = {"id": {"$match": "int"}, "cap": "${cap}", "name": {"$regex": "^a"}, "old": 1, "gone": {"$absent": True}}
    seen = exchange(tmp_path, answer({"id": 7, "cap": 600, "name": "b", "old": 2}), expect={"any": {"json": expected}})

    assert updated(seen)["any"]["json"] == {
        "id": {"$match": "int"},
        "cap": "${cap}",
        "name": "b",
        "old": 2,
        "gone": {"$absent": True},
    }


def test_a_text_is_taken_over_and_words_and_headers_are_not(tmp_path):
    expect = {"any": {"text": "old", "says": "old", "headers": {"x": "old"}}}
    seen = exchange(tmp_path, Answer(200, b"new", {"x": "new"}), expect=expect)

    assert updated(seen) == {"any": {"text": "new", "says": "old", "headers": {"x": "old"}}}


def test_what_cannot_be_taken_over_is_not_called_rewritten(tmp_path):
    seen = exchange(tmp_path, answer("new"), expect={"any": {"says": "old"}})

    assert golden.update([seen], variables={}) == []


def test_an_answer_that_is_no_json_is_refused_in_one_line(tmp_path):
    seen = exchange(tmp_path, Answer(500, b"<html>"))

    with pytest.raises(golden.GoldenError, match="the answer is not JSON") as caught:
        golden.update([seen], variables={})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["true", "1"])
def test_nothing_is_rewritten_in_ci(tmp_path, value):
    seen = exchange(tmp_path, answer({"detail": "new"}))
    before = seen.case.file.read_bytes()

    with pytest.raises(golden.GoldenError, match="refuses to work in CI"):
        golden.update([seen], variables={"CI": value})
    assert seen.case.file.read_bytes() == before


def test_no_variable_means_no_ci():
    golden.refuse_in_ci({})
    golden.refuse_in_ci({"CI": ""})


@pytest.mark.parametrize(
    ("expected", "got", "result"),
    [
        (
            {"$has": {"a": 1, "b": {"$match": "int"}}},
            {"a": 2, "b": 3, "c": 4},
            {"$has": {"a": 2, "b": {"$match": "int"}}},
        ),
        ({"$has": {"a": 1, "b": 1}}, {"a": 1}, {"$has": {"a": 1}}),
        ({"$each": {"a": 1}}, [{"a": 2}], {"$each": {"a": 2}}),
        ([{"$match": "int"}, 1], [5, 2, 3], [{"$match": "int"}, 2, 3]),
        ({"$match": "int"}, "text", "text"),
        ({"a": 1}, None, None),
    ],
)
def test_an_expectation_is_merged_with_what_was_seen(expected, got, result):
    assert merged(expected, got, {}) == result
