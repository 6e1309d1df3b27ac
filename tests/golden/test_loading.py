"""A golden folder is read in order; whatever is wrong in it is one line that names the file and the place."""

from __future__ import annotations

import json

import pytest

from rollout_gates.golden import UNSET, GoldenError, load, load_cases
from tests.golden.making import NAMES, case_data, folder


def refusal(root, system="talk"):
    with pytest.raises(GoldenError) as caught:
        load(root, system, names=NAMES)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{root}/", "")


def refused(tmp_path, **changes):
    return refusal(folder(tmp_path / "g", {"speak/a-case.json": case_data(**changes)}))


def test_a_case_is_read_with_all_that_it_says(tmp_path):
    twin = case_data(title="The twin of the case")
    data = case_data(twin="the-twin", applies={"lane": ["task"]}, not_compared=["the time"], billable=True)
    root = folder(
        tmp_path / "g",
        {
            "speak/loud/a-case.json": data | {"$schema": "../../../payload.schema.json"},
            "speak/loud/the-twin.json": twin | {"$schema": "../../../payload.schema.json"},
        },
    )

    case = load(root, "talk", names=NAMES)[0]

    assert case.id == "talk/speak/loud/a-case"
    assert (case.system, case.folder, case.actor) == ("talk", "speak/loud", "user_a")
    assert case.twin == "talk/speak/loud/the-twin"
    assert case.observes == ("talk", "golden:talk/speak/loud/a-case")
    assert case.billable
    assert case.request.json == {"text": "${text:short}", "limit": "${cap}"}
    assert case.request.raw_body is UNSET
    assert case.collected("fast", {"lane": "task"})
    assert not case.collected("fast", {"lane": "other"})


def test_a_body_of_null_is_a_body(tmp_path):
    root = folder(tmp_path / "g", {"speak/a.json": case_data(request={"method": "POST", "path": "/x", "json": None})})

    assert load(root, "talk", names=NAMES)[0].request.json is None


def test_cases_come_in_the_order_of_their_ids(tmp_path):
    files = {
        f"{where}/{name}.json": case_data(title=f"A case called {where} {name}") for where in "ba" for name in "ca"
    }

    assert [case.id for case in load(folder(tmp_path / "g", files), "talk", names=NAMES)] == [
        "talk/a/a",
        "talk/a/c",
        "talk/b/a",
        "talk/b/c",
    ]


def test_a_mode_without_an_expectation_has_no_such_check(tmp_path):
    root = folder(tmp_path / "g", {"speak/a.json": case_data(expect={"slow": {"status": 200}})})
    (case,) = load(root, "talk", names=NAMES)

    assert not case.collected("fast", {})
    assert case.collected("slow", {})
    assert case.modes(["fast", "slow"]) == ("slow",)


def test_the_own_entry_of_a_mode_comes_before_any(tmp_path):
    root = folder(tmp_path / "g", {"speak/a.json": case_data(expect={"slow": {"status": 201}, "any": {"status": 200}})})
    (case,) = load(root, "talk", names=NAMES)

    assert case.expectation("slow").status == (201,)
    assert case.expectation("fast").status == (200,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"title": ...}, "/: 'title' is a required property"),
        ({"titel": "A case"}, "/: Additional properties are not allowed ('titel' was unexpected)"),
        ({"title": "Ends with a full stop."}, "/title: "),
        ({"clauses": []}, "/clauses: [] should be non-empty"),
        ({"clauses": ["not a clause"]}, "/clauses/0: "),
        ({"archetype": "odd"}, "/archetype: 'odd' is not one of"),
        ({"as": "root"}, "/as: 'root' is not one of"),
        ({"request": ...}, "/: a case has a request or a step"),
        ({"step": "talk.answer"}, "/: a case has a request or a step, and not both"),
        ({"request": {"method": "GET", "path": "no-slash"}}, "/request/path: "),
        ({"request": {"method": "POST", "path": "/x", "json": 1, "raw_body": "x"}}, "/request: a request has one body"),
        ({"expect": {}}, "/expect: {} should be non-empty"),
        ({"expect": {"any": {}}}, "/expect/any: {} should be non-empty"),
        ({"expect": {"any": {"status": 99}}}, "/expect/any/status: "),
        ({"expect": {"any": {"code": 200}}}, "/expect/any: Additional properties"),
        ({"expect": {"fats": {"status": 200}}}, "/expect/fats: unknown mode, did you mean 'fast'?"),
        ({"expect": {"any": {"json": {"$any": True}}}}, "/expect/any: compares nothing"),
        ({"expect": {"any": {"json": {"$mach": "int"}}}}, "/expect/any/json: unknown matcher '$mach', did you mean"),
        ({"expect": {"any": {"body_schema": "gone.schema.json"}}}, "/expect/any/body_schema: there is no "),
        ({"expect": {"any": {"says": "${cpa}"}}}, "/expect: unknown placeholder '${cpa}', did you mean '${cap}'?"),
        ({"request": {"method": "GET", "path": "/${cpa}"}}, "/request: unknown placeholder '${cpa}', did you mean"),
        ({"$schema": "../../../payload.schema.json"}, "/$schema: does not lead to "),
        ({"twin": "nowhere"}, "/twin: there is no other case 'talk/speak/nowhere'"),
        ({"twin": "a-case"}, "/twin: there is no other case 'talk/speak/a-case'"),
    ],
)
def test_a_bad_case_is_one_line_with_file_and_pointer(tmp_path, changes, message):
    said = refused(tmp_path, **changes)

    assert said.startswith(f"talk/speak/a-case.json: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "talk/speak/a-case.json: is not JSON: "),
        ("[]", "talk/speak/a-case.json: /: [] is not of type 'object'"),
        ('{"title": "a", "title": "b"}', "talk/speak/a-case.json: member 'title' stands twice in one object"),
    ],
)
def test_a_file_that_holds_no_case_is_one_line(tmp_path, text, message):
    assert refusal(folder(tmp_path / "g", {"speak/a-case.json": text})).startswith(message)


def test_a_file_that_is_not_utf_8_is_one_line(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": "x"})
    (root / "talk/speak/a-case.json").write_bytes(b"\xff\xfe")

    assert refusal(root) == "talk/speak/a-case.json: is not UTF-8"


def test_two_cases_never_share_a_title(tmp_path):
    root = folder(tmp_path / "g", {"speak/a.json": case_data(), "speak/b.json": case_data()})

    assert refusal(root) == "talk/speak/b.json: /title: is the title of talk/speak/a.json already"


def test_a_twin_must_be_a_check_wherever_its_case_is_one(tmp_path):
    files = {
        "speak/a.json": case_data(twin="b"),
        "speak/b.json": case_data(title="A twin in one mode only", expect={"fast": {"status": 200}}),
    }

    assert refusal(folder(tmp_path / "g", files)) == (
        "talk/speak/a.json: /twin: talk/speak/b.json has nothing for ['slow']"
    )


def test_a_twin_must_apply_wherever_its_case_does(tmp_path):
    files = {
        "speak/a.json": case_data(twin="b"),
        "speak/b.json": case_data(title="A twin in one lane only", applies={"lane": ["task"]}),
    }

    assert "applies to other configurations" in refusal(folder(tmp_path / "g", files))


@pytest.mark.parametrize(
    "stray", ["notes.txt", "speak/notes.txt", "speak/A-Case.json", "top-level.json", "speak/.hidden"]
)
def test_a_stray_file_is_refused(tmp_path, stray):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()})
    (root / "talk" / stray).write_text("{}")

    assert refusal(root).startswith(f"talk/{stray}: stray file")


def test_a_stray_file_beside_the_schemas_is_refused(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data(), "schemas/notes.txt": "x"})

    assert refusal(root).startswith("talk/schemas/notes.txt: stray file")


def test_an_empty_folder_is_an_error_and_not_an_empty_list(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()})
    (root / "talk/listen").mkdir()

    assert refusal(root) == "talk/listen: the folder is empty"


def test_a_folder_that_lost_all_its_cases_is_an_error(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()}, folders={"speak": 1, "listen": 3})

    assert refusal(root) == "talk/listen: the folder is empty, 3 files are expected"


def test_a_lost_file_is_found_by_the_count(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()}, folders={"speak": 2})

    assert refusal(root) == "counts.json: /talk/folders/speak: 2 files are expected, 1 are there"


def test_a_folder_that_nobody_counts_is_an_error(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()}, folders={})

    assert refusal(root) == "counts.json: /talk/folders: does not count 'speak' with its 1 files"


def test_a_missing_system_is_an_error(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()})

    assert refusal(root, "walk").startswith('counts.json: expected "walk": {"modes": [...]')
    (root / "counts.json").write_text(json.dumps({"walk": {"modes": [], "folders": {}}}))
    assert refusal(root, "walk") == "walk: there is no such folder"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "text"}, "is not a valid schema"),
        ({"properties": {"a": {"$ref": "gone.schema.json"}}}, "refers to 'gone.schema.json', which is not beside it"),
    ],
)
def test_a_body_schema_that_is_none_is_refused(tmp_path, schema, message):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data(), "schemas/bad.schema.json": schema})

    said = refusal(root)

    assert said.startswith("talk/schemas/bad.schema.json: ")
    assert message in said


def test_a_misspelt_body_schema_is_answered_with_the_nearest(tmp_path):
    data = case_data(expect={"any": {"body_schema": "answr.schema.json"}})
    root = folder(tmp_path / "g", {"speak/a-case.json": data, "schemas/answer.schema.json": {"type": "object"}})

    assert refusal(root).endswith("answr.schema.json, did you mean 'answer.schema.json'?")


def test_several_systems_are_loaded_together(tmp_path):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()})

    assert [case.id for case in load_cases(root, ["talk", "walk"], names={"talk": NAMES})] == ["talk/speak/a-case"]


@pytest.mark.parametrize("stray", ["walk/steps/a.json", "notes.txt"])
def test_what_no_system_owns_is_refused(tmp_path, stray):
    root = folder(tmp_path / "g", {"speak/a-case.json": case_data()})
    (root / stray).parent.mkdir(parents=True, exist_ok=True)
    (root / stray).write_text("{}")

    with pytest.raises(GoldenError, match=r"does not count 'walk'|notes\.txt: stray file"):
        load_cases(root, ["talk"], names={"talk": NAMES})
