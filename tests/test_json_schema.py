from __future__ import annotations

import subprocess
import sys

import pytest

from rollout_gates.json_schema import InvalidSchema, Schema

NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 2}


def test_a_valid_value_is_allowed_and_has_no_errors():
    schema = Schema(NUMBERS)

    assert schema.allows([1, 2.5])
    assert schema.errors([1, 2.5]) == []


def test_every_error_of_an_invalid_value_is_told():
    schema = Schema({**NUMBERS, "minItems": 3})

    assert not schema.allows([1, "two"])
    assert sorted(error.json_path for error in schema.errors([1, "two"])) == ["$", "$[1]"]


def test_half_a_surrogate_pair_is_judged_like_any_text():
    assert Schema({"type": "string", "maxLength": 1}).allows("\ud83d")
    assert [error.validator for error in Schema({"type": "integer"}).errors("\ud83d")] == ["type"]


def test_the_stricter_validator_has_the_last_word():
    errors = Schema(NUMBERS).errors([1, float("nan")])

    assert [(error.json_path, error.message) for error in errors] == [("$[1]", 'null is not of type "number"')]


def test_a_reference_leads_to_the_schema_beside_it():
    asked: list[str] = []

    def neighbour(name: str) -> dict[str, str]:
        asked.append(name)
        return {"type": "integer"}

    schema = Schema({"properties": {"a": {"$ref": "number.schema.json"}}}, neighbour)

    assert schema.allows({"a": 1})
    assert [error.json_path for error in schema.errors({"a": "one"})] == ["$.a"]
    assert set(asked) == {"number.schema.json"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": "text"}, "$.type: is not a valid schema: 'text' is not valid under any of the given schemas"),
        ({"pattern": "(?P<half"}, "$.pattern: is not a valid schema: "),
        ({"$ref": "gone.schema.json"}, "is not a valid schema: "),
    ],
)
def test_what_is_no_schema_is_refused_in_one_line(wrong, message):
    with pytest.raises(InvalidSchema) as refused:
        Schema(wrong)

    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_formats_are_notes_for_readers_and_judge_nothing():
    assert Schema({"format": "uuid"}).allows("no uuid")


def test_a_valid_value_costs_no_import_of_the_interpreted_validator():
    code = "import sys; from rollout_gates.json_schema import Schema; assert Schema({'type': 'string'}).allows('x');"
    code += "sys.exit('jsonschema' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
