"""Placeholders keep types, take arguments, and are known before anything is sent."""

from __future__ import annotations

import uuid

import pytest

from rollout_gates.golden import UNSET, Expectation, GoldenError, Request, fill, load, needs
from rollout_gates.golden.render import builtin, builtins_for, check_names, fill_expectation, fill_request
from tests.golden.making import NAMES, case_data, folder


def test_a_placeholder_alone_keeps_the_type_of_its_value():
    assert fill({"a": "${cap}", "b": ["${flag}"]}, {"cap": 600, "flag": None}) == {"a": 600, "b": [None]}


def test_a_placeholder_inside_a_text_becomes_text():
    assert fill("up to ${cap} of ${text:short}", {"cap": 600, "text:short": "these"}) == "up to 600 of these"


def test_a_doubled_dollar_is_no_placeholder():
    assert fill("costs $${cap}", {}) == "costs ${cap}"
    assert fill("$${cap}", {}) == "${cap}"
    check_names("$${whatever}", NAMES)


def test_values_that_are_no_text_stay_as_they_are():
    assert fill({"a": None, "b": 1.5, "c": True}, {}) == {"a": None, "b": 1.5, "c": True}


def test_a_value_that_nobody_supplied_is_an_error():
    with pytest.raises(GoldenError, match=r"no value was supplied for placeholder '\$\{cap\}'"):
        fill("${cap}", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${cpa}", "unknown placeholder '${cpa}', did you mean '${cap}'?"),
        ("${zzzzzz}", "unknown placeholder '${zzzzzz}'; offered: cap, chars:*"),
        ("${Cap}", "is not of the form name or name:argument"),
        ("${}", "is not of the form name or name:argument"),
        ("${chars:many}", "needs a count of 1 to 1000000"),
        ("${emoji:0}", "needs a count of 1 to 1000000"),
    ],
)
def test_a_wrong_placeholder_is_refused_with_a_hint(text, message):
    with pytest.raises(GoldenError) as caught:
        check_names({"deep": [text]}, NAMES)
    assert message in str(caught.value)


def test_names_with_any_argument_are_offered_by_a_star():
    check_names("${text:whatever} ${uuid} ${uuid:second} ${chars:7}", NAMES)
    with pytest.raises(GoldenError):
        check_names("${text}", NAMES)


def test_the_library_makes_ids_and_lengths():
    assert uuid.UUID(builtin("uuid")) != uuid.UUID(builtin("uuid"))
    assert builtin("chars:101") == "a" * 101
    assert len(builtin("emoji:50").encode("utf-16-le")) == 200


def test_one_name_is_one_value_throughout_a_case_and_another_in_the_next(tmp_path):
    data = case_data(
        request={"method": "GET", "path": "/x/${uuid:one}", "headers": {"x-id": "${uuid}"}},
        expect={"any": {"headers": {"x-id": "${uuid}"}}},
    )
    (case,) = load(folder(tmp_path / "g", {"speak/a.json": data}), "talk", names=NAMES)

    values = builtins_for(case)

    assert set(values) == {"uuid", "uuid:one"}
    assert values["uuid"] != values["uuid:one"]
    assert builtins_for(case) != values
    assert (
        fill_request(case.request, values).headers["x-id"]
        == fill_expectation(case.expect["any"], values).headers["x-id"]
    )


def test_needs_are_those_of_the_mode_and_of_the_system(tmp_path):
    data = case_data(expect={"fast": {"status": 200, "says": "${text:fast} ${uuid}"}, "slow": {"status": 200}})
    (case,) = load(folder(tmp_path / "g", {"speak/a.json": data}), "talk", names=NAMES)

    assert needs(case) == {"cap", "text:short", "text:fast"}
    assert needs(case, "slow") == {"cap", "text:short"}


def test_path_query_and_headers_are_text_and_null_leaves_a_header_out():
    request = Request("GET", "/x/${n}", (("a", "${n}"),), {"b": "${n}", "c": None}, json={"d": "${n}"})

    filled = fill_request(request, {"n": 5})

    assert (filled.path, filled.query, filled.headers) == ("/x/5", (("a", "5"),), {"b": "5", "c": None})
    assert filled.json == {"d": 5}
    assert filled.raw_body is UNSET


def test_an_expectation_is_filled_part_by_part():
    filled = fill_expectation(Expectation("any", (200,), json={"a": "${n}"}, says="${n}!"), {"n": 5})

    assert (filled.status, filled.json, filled.says, filled.text) == ((200,), {"a": 5}, "5!", UNSET)
