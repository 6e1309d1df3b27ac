"""Every run appends its verdict to the ledger; one that cannot is never GO."""

from __future__ import annotations

import json
import os

import pytest

from rollout_gates.cli import main
from rollout_gates.evidence.verify import verify
from rollout_gates.ledger import open_store, read_ledger
from tests.plugin.toy import GREEN

ENVIRONMENT = 'kind = "staging"\nledger = "{place}"\n[toy]\nurl = "http://127.0.0.1:9"\n'


def entries(project, place="reports/here/ledger"):
    return read_ledger(open_store(str(project.folder / place))).entries


def test_a_run_appends_what_it_said(project):
    ended = project.run()

    [entry] = entries(project)
    assert ended.verdict == entry.verdict == "GO"
    assert (entry.env, entry.kind, entry.markers, entry.gates) == ("here", "staging", "smoke", {"smoke": "GO"})
    assert entry.run == ended.evidence["run"]["id"]
    assert entry.finished.tzinfo is not None
    assert f"ledger: entry 1 of reports/here/ledger, hash {entry.hash}" in ended.output


def test_each_verdict_is_appended_also_of_a_parallel_run(project):
    project.run()
    project.suite(GREEN.replace("== 42", "== 41"))
    project.run("-n", "2")
    project.suite(GREEN.replace("good", "thin"))
    project.run()

    assert [entry.verdict for entry in entries(project)] == ["GO", "NO-GO", "INCONCLUSIVE"]
    assert entries(project)[1].blockers == ("TOY-A-01",)
    assert main(["ledger", "--env", str(project.folder / "reports/here/ledger")]) == 0


def test_a_run_that_collects_only_appends_nothing(project):
    project.run("--collect-only")

    assert entries(project) == ()


def test_the_environment_says_where_the_ledger_lies(project):
    project.write("environments/here.toml", ENVIRONMENT.format(place="kept/ledger"))
    project.run()

    assert len(entries(project, "kept/ledger")) == 1
    assert not (project.folder / "reports/here/ledger").exists()


@pytest.mark.parametrize(("suite", "verdict"), [(GREEN, "INCONCLUSIVE"), (GREEN.replace("== 42", "== 41"), "NO-GO")])
def test_a_run_that_cannot_append_is_never_go_and_its_evidence_says_why(project, suite, verdict):
    project.write("reports/here", "a file")
    project.suite(suite)

    ended = project.run()

    assert ended.verdict == verdict
    assert ended.status == {"NO-GO": 1, "INCONCLUSIVE": 6}[verdict]
    told = "the ledger entry was not written: reports/here/ledger"
    assert ended.output.count(f"RUN           {told}") == 1
    assert "Traceback" not in ended.output
    assert ended.evidence["verdict"] == verdict
    assert ended.evidence["problems"][0].startswith(told)
    found = verify(ended.folder)
    assert (found.verdict.value, found.problems) == (verdict, ())


def test_a_damaged_ledger_is_not_built_upon(project):
    project.run()
    [path] = (project.folder / "reports/here/ledger").iterdir()
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"GO"', '"NO-GO"'))

    ended = project.run()

    assert ended.verdict == "INCONCLUSIVE"
    assert "the ledger entry was not written: reports/here/ledger: the last entry is damaged" in ended.output


def test_a_url_that_nothing_can_open_is_refused_before_anything_runs(project):
    project.write("environments/here.toml", ENVIRONMENT.format(place="nosuch://bucket/ledger"))

    ended = project.run()

    assert ended.status == 4
    assert "ledger: nosuch://bucket/ledger cannot be opened" in ended.output
    assert not ended.folder.exists()


def test_a_run_whose_evidence_was_lost_is_entered_with_what_stands(project):
    project.suite(
        GREEN
        + '''
@pytest.mark.clause("TOY-A-01")
def test_a_report_cannot_be_written(good, request):
    """It holds."""
    import pathlib
    folder = next(pathlib.Path("reports").glob("run-*"))
    (folder / "index.html").mkdir()
    (folder / "index.html" / "in_the_way").write_text("")
    assert good
'''
    )

    ended = project.run()

    [entry] = entries(project)
    assert ended.verdict == entry.verdict == "INCONCLUSIVE"
    assert main(["ledger", "--env", str(project.folder / "reports/here/ledger")]) == 0


def test_a_run_that_is_killed_leaves_no_half_entry(project):
    project.suite('''
import os, signal, pytest

@pytest.mark.clause("TOY-A-01")
def test_it_is_killed(good):
    """It holds."""
    os.kill(os.getpid(), signal.SIGKILL)
''')

    ended = project.run()

    assert ended.status == -9
    assert not (project.folder / "reports/here/ledger").exists()


def test_an_entry_holds_no_more_than_structured_facts(project):
    project.run()

    [path] = (project.folder / "reports/here/ledger").iterdir()
    body = json.loads(path.read_bytes())
    assert os.fspath(project.folder) not in json.dumps({**body, "evidence": None})
    assert "message" not in path.read_text()
