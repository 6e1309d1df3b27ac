"""evidence.json: the keys that others rely on, valid by its schema, written whole or not at all."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema_rs
import pytest

from rollout_gates.evidence.document import load_schema, schema_problems, write_document
from rollout_gates.evidence.files import EvidenceNotWritten, write_whole
from rollout_gates.evidence.render import render
from tests.evidence import story

STORIES = ("go", "no_go", "inconclusive", "crash", "import_error", "waived")


@pytest.mark.parametrize("name", STORIES)
def test_the_document_of_every_run_is_valid(document, name):
    assert list(schema_problems(document(name))) == []


def test_the_schema_is_a_valid_schema():
    assert jsonschema_rs.meta.is_valid(load_schema())


def test_the_keys_that_others_rely_on_are_there(document):
    found = document("no_go")

    assert found["schema"] == "rollout-gates/evidence/1"
    run = {"id", "started", "finished", "env", "kind", "profile", "markers", "systems", "revision", "argv"}
    assert run <= found["run"].keys()
    assert {"marker", "verdict"} <= found["gates"][0].keys()
    clause = {"id", "system", "gate", "title", "severity", "source", "required", "outcome", "reason", "checks"}
    assert clause <= found["clauses"][0].keys()
    assert {"nodeid", "outcome", "duration_s", "clauses", "transcript"} <= found["checks"][0].keys()


@pytest.mark.parametrize(
    ("name", "verdict", "exit_status"),
    [
        ("go", "GO", 0),
        ("no_go", "NO-GO", 1),
        ("inconclusive", "INCONCLUSIVE", 6),
        ("crash", "INCONCLUSIVE", 6),
        ("import_error", "INCONCLUSIVE", 6),
        ("waived", "GO", 0),
    ],
)
def test_the_verdict_is_that_of_the_events(document, name, verdict, exit_status):
    found = document(name)

    assert (found["verdict"], found["exit_status"]) == (verdict, exit_status)


def test_both_profiles_are_counted(document):
    profiles = document("no_go")["profiles"]

    assert profiles["strict"] == {
        "green": 7, "red": 2, "inconclusive": 1, "waived": 0, "not applicable": 1, "total": 10,
    }  # fmt: skip
    assert profiles["runbook"]["total"] == 7


def test_a_run_that_was_cut_short_has_no_end(document):
    found = document("crash")

    assert found["run"]["finished"] is None
    assert found["problems"] == ["the run was cut short: it never came to its end"]
    assert found["flows"] == [
        {"system": "shop", "flow": "order", "worker": None, "started": "2026-03-14T09:26:53.749Z"}
        | {"duration_s": None, "error": None}
    ]
    assert [thing["id"] for thing in found["resources"]["left"]] == ["run-c0ffee-1"]


def test_a_module_that_could_not_be_imported_is_listed(document):
    found = document("import_error")

    assert found["collect_errors"] == [
        {"nodeid": "suites/denial/test_denial.py", "message": "No module named 'nowhere'", "clauses": ["SHOP-SEC-01"]}
    ]
    assert {clause["id"]: clause["reason"] for clause in found["clauses"]}["SHOP-SEC-01"] == "check did not run"


def test_what_was_made_under_another_name_than_planned_is_one_thing(tmp_path):
    run = story.Story(tmp_path).begin()
    thing = {"system": "shop", "kind": "order", "planned_id": "run-1", "owner": "a"}
    run.log.append("resource_planned", id="run-1", **thing)
    run.log.append("resource_made", id="order-7", **thing)
    run.log.append("resource_planned", id="run-2", **thing | {"planned_id": "run-2"})
    run.log.append("resource_left", id="order-7", how="DELETE answered 500", **thing)

    found = render(run.check_rest().end())["resources"]
    assert (found["made"], found["removed"]) == (1, 0)
    assert [(row["id"], row["state"]) for row in found["left"]] == [("order-7", "left"), ("run-2", "planned")]


def test_spending_adds_up_by_what_it_was_for(tmp_path):
    run = story.Story(tmp_path).begin()
    for what in ("order", "refund", "order"):
        run.log.append("spend", system="shop", what=what, amount=1, total=1)

    assert render(run.check_rest().end())["spend"] == [
        {"system": "shop", "what": "order", "amount": 2, "times": 2},
        {"system": "shop", "what": "refund", "amount": 1, "times": 1},
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda found: found.pop("verdict"), '"verdict" is a required property'),
        (lambda found: found.update(verdict="MAYBE"), '"MAYBE" is not one of'),
        (lambda found: found["clauses"][0].update(outcome="green", checks=[]), "has less than 1 item"),
        (lambda found: found["clauses"][0].update(outcome="inconclusive", reason=None), 'null is not of type "string"'),
        (lambda found: found["clauses"][0].update(reason="bad luck"), '"bad luck" is not one of'),
        (lambda found: found["checks"][0].update(duration_s=-1), "-1 is less than the minimum of 0"),
    ],
)
def test_an_invalid_document_is_not_written(document, tmp_path, change, complaint):
    broken = copy.deepcopy(document("go"))
    change(broken)

    with pytest.raises(EvidenceNotWritten, match=complaint):
        write_document(broken, tmp_path)
    assert not (tmp_path / "evidence.json").exists()


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "evidence.json"
    write_whole(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(EvidenceNotWritten, match="No space left on device"):
        write_whole(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["evidence.json"]
    assert path.read_text() == "old"


def test_the_inputs_are_known_by_their_digests(evidence):
    directory = evidence("go")

    files = json.loads((directory / "evidence.json").read_text())["files"]
    assert files["events.jsonl"]["size_bytes"] == (directory / "events.jsonl").stat().st_size


def test_the_summary_is_the_last_line_of_the_terminal(document):
    assert document("no_go")["summary"] == (
        "NO-GO  smoke or security · env staging (staging) · 10 clauses: 7 green, 2 red, 1 inconclusive, 0 waived"
    )


def test_nothing_is_rendered_where_no_run_is(tmp_path):
    with pytest.raises(EvidenceNotWritten, match="no run to render"):
        render(tmp_path)
