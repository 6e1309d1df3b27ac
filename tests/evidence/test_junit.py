"""junit.xml and ctrf.json: valid, and never green for a run that is not GO."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from rollout_gates.evidence.render import render
from tests.evidence import story

STORIES = ("go", "no_go", "inconclusive", "crash", "import_error", "waived")
JUNIT = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
TEST = {
    "type": "object",
    "required": ["name", "status", "duration"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "status": {"enum": ["passed", "failed", "skipped", "pending", "other"]},
        "duration": {"type": "integer"},
        "suite": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "rawStatus": {"type": "string"},
        "message": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "filePath": {"type": "string"},
        "extra": {"type": "object"},
    },
}


def cases(directory: Path) -> dict[str, ET.Element]:
    root = ET.parse(directory / "junit.xml").getroot()
    return {str(case.get("name")): case for case in root.iter("testcase")}


def ctrf_tests(directory: Path) -> dict[str, dict]:
    report = json.loads((directory / "ctrf.json").read_text())
    return {test["name"]: test for test in report["results"]["tests"]}


def sole(case: ET.Element) -> tuple[str, str | None]:
    """The outcome of a case as (element, type)."""
    found = [(child.tag, child.get("type")) for child in case if child.tag != "properties"]
    return found[0] if found else ("passed", None)


@pytest.mark.parametrize("name", STORIES)
def test_junit_is_valid(evidence, name):
    JUNIT.validate(str(evidence(name) / "junit.xml"))


@pytest.mark.parametrize("name", STORIES)
def test_the_counts_of_each_suite_are_those_of_its_cases(evidence, name):
    root = ET.parse(evidence(name) / "junit.xml").getroot()

    for suite in root:
        tally = Counter(sole(case)[0] for case in suite.iter("testcase"))
        found = [int(suite.get(key, "-1")) for key in ("tests", "failures", "errors", "skipped")]
        assert found == [tally.total(), tally["failure"], tally["error"], tally["skipped"]]
    assert int(root.get("errors", "-1")) == sum(int(suite.get("errors", "0")) for suite in root)


@pytest.mark.parametrize("name", STORIES)
def test_every_format_is_green_exactly_when_the_verdict_is_go(evidence, name):
    directory = evidence(name)

    go = json.loads((directory / "evidence.json").read_text())["verdict"] == "GO"
    root = ET.parse(directory / "junit.xml").getroot()
    assert ((root.get("failures"), root.get("errors")) == ("0", "0")) is go
    assert (not any(sole(case)[0] in ("failure", "error") for case in cases(directory).values())) is go
    assert (not any(test["status"] == "failed" for test in ctrf_tests(directory).values())) is go


def test_a_suite_is_a_gate_and_a_case_a_check(evidence):
    root = ET.parse(evidence("go") / "junit.xml").getroot()

    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [("smoke", "9"), ("security", "1")]


def test_a_case_carries_clause_outcome_and_reason(evidence):
    case = cases(evidence("no_go"))["test_shop_sec_01_holds"]

    properties = {row.get("name"): row.get("value") for row in case.iter("property")}
    assert properties == {"clause": "SHOP-SEC-01", "outcome": "inconclusive", "reason": "not configured"}
    assert case.get("classname") == "suites.denial.test_denial"


def test_red_is_a_failure_and_inconclusive_an_error_with_its_reason(evidence):
    found = cases(evidence("no_go"))

    assert sole(found["test_shop_smoke_04_holds"]) == ("failure", "red")
    assert sole(found["test_shop_sec_01_holds"]) == ("error", "inconclusive:not configured")
    assert sole(found["test_shop_smoke_01_holds"]) == ("passed", None)


def test_a_clause_without_a_check_is_a_case_of_its_own(evidence):
    directory = evidence("import_error")

    name = "clause SHOP-SEC-01: check did not run"
    assert sole(cases(directory)[name]) == ("error", "inconclusive:check did not run")
    assert ctrf_tests(directory)[name]["status"] == "failed"


def test_checks_that_a_killed_run_never_finished_are_errors(evidence):
    directory = evidence("crash")

    assert sole(cases(directory)["test_shop_smoke_05_holds"]) == ("error", "inconclusive:check did not run")
    assert ctrf_tests(directory)["test_shop_smoke_05_holds"]["rawStatus"] == "inconclusive:check did not run"


def test_a_waived_failure_is_skipped_and_says_so(evidence):
    case = cases(evidence("waived"))["test_shop_con_03_holds"]

    assert sole(case) == ("skipped", "failed")
    assert "waived until 2026-12-31 by Kim: fixed in 4.2, see SHOP-77" in str(case[1].get("message"))


def test_a_failure_that_the_profile_does_not_require_is_skipped(tmp_path):
    clauses = [row | {"required": row["source"] == "R"} for row in story.CLAUSES]
    run = story.Story(tmp_path, clauses).begin(profile="runbook").collect().check_rest("SHOP-CON-03")
    render(run.check("SHOP-CON-03", "failed", message="not JSON").end())

    assert sole(cases(tmp_path)["test_shop_con_03_holds"]) == ("skipped", "failed")
    assert ctrf_tests(tmp_path)["test_shop_con_03_holds"]["status"] == "skipped"


def test_a_skip_of_a_required_clause_is_no_skip(tmp_path):
    run = story.Story(tmp_path).begin().collect().check_rest("SHOP-CON-03")
    render(run.check("SHOP-CON-03", "skipped", message="no credentials").end("INCONCLUSIVE", 6))

    assert sole(cases(tmp_path)["test_shop_con_03_holds"]) == ("error", "inconclusive:check did not run")
    assert ctrf_tests(tmp_path)["test_shop_con_03_holds"]["status"] == "failed"


def test_a_clause_that_lacks_configuration_shows_although_its_check_passed(tmp_path):
    clauses = [row | {"unconfigured": "needs database"} if row["id"] == "SHOP-CON-04" else row for row in story.CLAUSES]
    render(story.Story(tmp_path, clauses).begin().collect().check_rest().end("INCONCLUSIVE", 6))

    assert sole(cases(tmp_path)["clause SHOP-CON-04: not configured"]) == ("error", "inconclusive:not configured")


def test_a_run_of_nothing_is_an_error(tmp_path):
    run = story.Story(tmp_path, []).begin(gates=["smoke"])
    render(run.end("INCONCLUSIVE", 6))

    assert any(sole(case)[0] == "error" for case in cases(tmp_path).values())
    assert any(test["status"] == "failed" for test in ctrf_tests(tmp_path).values())


def test_control_characters_and_markup_cannot_break_the_file(tmp_path):
    run = story.Story(tmp_path).begin().collect().check_rest("SHOP-CON-03")
    run.check("SHOP-CON-03", "failed", message="\x1b[31mred\x1b[0m \x00 \ud800 ]]> <x> & \uffff\u202e")
    render(run.end("NO-GO", 1))

    JUNIT.validate(str(tmp_path / "junit.xml"))
    failure = cases(tmp_path)["test_shop_con_03_holds"].find("failure")
    assert failure is not None
    assert failure.text == "red \ufffd ? ]]> <x> & \ufffd\ufffd"


@pytest.mark.parametrize("name", STORIES)
def test_ctrf_has_the_form_of_its_specification(evidence, name):
    report = json.loads((evidence(name) / "ctrf.json").read_text())

    assert (report["reportFormat"], report["specVersion"]) == ("CTRF", "0.0.0")
    results = report["results"]
    jsonschema.validate(results["tests"], {"type": "array", "items": TEST})
    tally = Counter(test["status"] for test in results["tests"])
    summary = results["summary"]
    assert {status: summary[status] for status in ("passed", "failed", "skipped")} == {
        status: tally[status] for status in ("passed", "failed", "skipped")
    }
    assert (summary["pending"], summary["other"], summary["tests"]) == (0, 0, len(results["tests"]))
    assert summary["stop"] >= summary["start"] > 1_700_000_000_000
