"""Each part of an expectation passes on the right answer and shows what differs on another."""

from __future__ import annotations

import json

import pytest

from rollout_gates.golden import Expectation, GoldenError, compare
from rollout_gates.golden.schemas import compiled
from tests.golden.making import Answer, answer


def lines(expectation: Expectation, reply: Answer) -> list[str]:
    return [str(difference) for difference in compare(expectation, reply).differences]


def test_a_status_is_one_of_those_expected():
    expectation = Expectation("any", status=(400, 404))

    assert lines(expectation, answer(status=404)) == []
    assert lines(expectation, answer(status=500)) == ["status: got 500, expected 400 or 404"]


def test_a_class_of_status_takes_all_of_it():
    expectation = Expectation("any", status=("4xx",))

    assert lines(expectation, answer(status=422)) == []
    assert lines(expectation, answer(status=500)) == ["status: got 500, expected 4xx"]


def test_headers_are_found_in_any_letter_case():
    expectation = Expectation("any", headers={"X-Request-Id": "7"})

    assert lines(expectation, answer(headers={"x-request-id": "7"})) == []
    assert lines(expectation, answer(headers={"x-request-id": "8"})) == ['header X-Request-Id: got "8", expected "7"']
    assert lines(expectation, answer()) == ['header X-Request-Id: got nothing (absent), expected "7"']


def test_a_content_type_may_have_parameters_that_nobody_asked_about():
    plain = Expectation("any", headers={"content-type": "application/json"})

    assert lines(plain, answer(headers={"content-type": "application/json; charset=utf-8"})) == []
    assert len(lines(plain, answer(headers={"content-type": "text/plain; charset=utf-8"}))) == 1


def test_a_header_may_have_to_be_absent():
    expectation = Expectation("any", headers={"set-cookie": {"$absent": True}})

    assert lines(expectation, answer()) == []
    assert len(lines(expectation, answer(headers={"Set-Cookie": "a=b"}))) == 1


def test_json_is_compared_with_json():
    expectation = Expectation("any", json={"detail": "no"})

    assert lines(expectation, answer({"detail": "no"})) == []
    assert lines(expectation, answer({"detail": "yes"})) == ['json.detail: got "yes", expected "no"']


def test_an_answer_that_is_no_json_is_shown_with_its_type():
    reply = Answer(404, b"<html>404</html>", {"content-type": "text/html"})

    (line,) = lines(Expectation("any", json={"detail": "no"}), reply)

    assert line == 'body: got text/html "<html>404</html>", expected JSON {"detail": "no"}'


def test_a_body_of_null_is_json_and_not_nothing():
    assert lines(Expectation("any", json=None), answer(None)) == []
    assert len(lines(Expectation("any", json=None), Answer(200, b""))) == 1


@pytest.mark.parametrize("body", [b"[" * 9000, b'{"a":' * 9000, b"9" * 6000, b"<![foo[bar]]>", b"\xff\xfe\x00"])
def test_an_answer_of_nonsense_is_a_difference_and_no_crash(body):
    for expected in (Expectation("any", json={"a": 1}), Expectation("any", says="Hello")):
        assert lines(expected, Answer(body=body))


def test_text_is_compared_whole():
    assert lines(Expectation("any", text=""), Answer(200, b"")) == []
    assert lines(Expectation("any", text=""), Answer(200, b"x")) == ['text: got "x", expected ""']


@pytest.mark.parametrize(
    "body",
    [
        b'{"detail": "Please sit down"}',
        b'{"error": {"messages": ["No.", "Please sit down"]}}',
        b"Please sit down\n",
        b"<html><body><h1>400</h1><p>Please sit down</p></body></html>",
    ],
)
def test_words_are_found_whatever_the_format_around_them(body):
    assert lines(Expectation("any", says="Please sit down"), Answer(400, body)) == []
    assert len(lines(Expectation("any", says="Please sit"), Answer(400, body))) == 1
    assert lines(Expectation("any", says={"$regex": "^Please sit"}), Answer(400, body)) == []


def test_a_body_schema_names_each_place_that_it_refuses(tmp_path):
    file = tmp_path / "thing.schema.json"
    file.write_text(json.dumps({"properties": {"id": {"type": "integer"}}, "required": ["name"]}))
    expectation = Expectation("any", body_schema=file.name, schema=compiled(file))

    assert lines(expectation, answer({"id": 1, "name": "x"})) == []
    found = lines(expectation, answer({"id": "1"}))
    assert found == [
        "json.name: got nothing (absent), expected a member that is required (thing.schema.json)",
        'json.id: got "1", expected type "integer" (thing.schema.json)',
    ]
    assert len(lines(expectation, Answer(200, b"text"))) == 1


def test_a_body_schema_of_exact_members_names_the_one_too_many(tmp_path):
    file = tmp_path / "thing.schema.json"
    file.write_text(json.dumps({"properties": {"id": {}}, "additionalProperties": False}))
    expectation = Expectation("any", body_schema=file.name, schema=compiled(file))

    assert lines(expectation, answer({"id": 1, "name": "x"})) == [
        'json.name: got "x", expected nothing (no such member) (thing.schema.json)'
    ]


def test_an_answer_that_broke_off_is_a_difference():
    reply = answer({"detail": "no"}, fault="the connection was closed after 3 bytes")

    assert "the connection was closed" in lines(Expectation("any", json={"detail": "no"}), reply)[0]


def test_every_difference_is_listed_and_every_comparison_counted():
    expectation = Expectation("any", status=(200,), headers={"a": "1"}, json={"b": 1, "c": 2})

    comparison = compare(expectation, answer({"b": 1, "c": 3}, status=500))

    assert [difference.path for difference in comparison.differences] == ["status", "header a", "json.c"]
    assert comparison.compared == 5
    assert str(comparison).count("\n") == 2
    assert str(compare(Expectation("any", status=(200,)), answer())) == "no difference (1 values compared)"


def test_an_expectation_that_compares_nothing_never_passes():
    with pytest.raises(GoldenError, match="compared nothing"):
        compare(Expectation("any"), answer())
    with pytest.raises(GoldenError, match="compared nothing"):
        compare(Expectation("any", json={"$any": True}), answer())
