"""The ways in which gates go green by accident: each of them must end in NO-GO or INCONCLUSIVE here."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.plugin.toy import GREEN, SYSTEM

SECOND = '''
@pytest.mark.clause("TOY-A-02")
def test_the_second_thing_holds(good):
    """It holds."""
    assert good > 41
'''


def first(body: str, fixtures: str = "good") -> str:
    return f'''
import pytest

@pytest.mark.clause("TOY-A-01")
def test_the_first_thing_holds({fixtures}):
    """It holds."""
{body}
{SECOND}'''


def test_all_green_is_go(project):
    ended = project.run()

    assert (ended.status, ended.verdict) == (0, "GO")
    assert ended.last_line.startswith("GO  smoke · env here (staging) · 2 clauses: 2 green, 0 red,")


def test_a_failed_assertion_is_no_go(project):
    project.suite(first("    assert good == 41, 'the answer is 42, expected 41 [TOY-A-01]'"))

    ended = project.run()

    assert (ended.status, ended.verdict) == (1, "NO-GO")
    assert ended.clause("TOY-A-01")["outcome"] == "red"
    assert "the answer is 42, expected 41" in ended.output


@pytest.mark.parametrize(
    ("body", "fixtures", "reason"),
    [
        ("    pytest.skip('no credentials')", "good", "check did not run"),
        ("    return", "good", "check errored"),
        ("    good == 42", "good", "check errored"),
        ("    assert thin", "thin", "too few samples"),
        ("    assert broken", "broken", "check errored"),
        ("    {}['missing']", "good", "check errored"),
        ("    pytest.xfail('known')", "good", "check did not run"),
        (
            "    import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join(); assert good",
            "good",
            "check errored",
        ),
    ],
    ids=["skip", "returns", "compares-without-assert", "thin", "broken-flow", "crash", "xfail", "thread"],
)
def test_a_check_that_judged_nothing_is_never_green(project, body, fixtures, reason):
    project.suite(first(body, fixtures))

    ended = project.run()

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert ended.clause("TOY-A-01")["outcome"] == "inconclusive"
    assert ended.clause("TOY-A-01")["reason"] == reason
    assert ended.clause("TOY-A-02")["outcome"] == "green"


def test_a_fixture_that_asserted_does_not_stand_in_for_the_check(project):
    project.suite(first("    pass", "asserting") + "\n@pytest.fixture\ndef asserting():\n    assert 1 == 1\n")

    assert project.run().clause("TOY-A-01")["reason"] == "check errored"


def test_a_non_strict_expected_failure_that_passes_is_not_green(project):
    project.suite(
        first("    assert good").replace(
            '@pytest.mark.clause("TOY-A-01")', '@pytest.mark.xfail(strict=False)\n@pytest.mark.clause("TOY-A-01")'
        )
    )

    ended = project.run()

    assert ended.status == 6
    assert ended.clause("TOY-A-01")["outcome"] == "inconclusive"


def test_a_clause_without_a_check_is_inconclusive(project):
    project.suite("import pytest" + SECOND)

    ended = project.run()

    assert ended.status == 6
    assert ended.clause("TOY-A-01")["reason"] == "check did not run"


def test_a_module_that_cannot_be_imported_is_seen_in_every_format(project):
    project.suite(GREEN)
    project.suite('import nothing_of_that_name\nCLAUSES = ["TOY-A-02"]\n', "smoke/test_lost.py")

    ended = project.run()

    assert ended.verdict == "INCONCLUSIVE"
    assert "nothing_of_that_name" in (ended.folder / "junit.xml").read_text()


def test_a_module_with_the_only_check_that_cannot_be_imported_leaves_its_clause_inconclusive(project):
    project.suite("import nothing_of_that_name\n" + GREEN)

    ended = project.run()

    assert ended.verdict == "INCONCLUSIVE"
    assert ended.clause("TOY-A-01")["outcome"] == "inconclusive"
    for report in ("junit.xml", "ctrf.json", "go-no-go.md"):
        assert "TOY-A-01" in (ended.folder / report).read_text(), report


@pytest.mark.parametrize("expression", ["smoek", "smoke or smoek", "not smoek", "smoke and (security or slos)"])
def test_a_typo_anywhere_in_the_markers_is_a_usage_error(project, expression):
    ended = project.run("-m", expression)

    assert ended.status == 4
    assert "unknown marker" in ended.last_line


def test_a_gate_without_any_check_is_not_go(project):
    ended = project.run("-m", "security")

    assert ended.status == 5
    assert ended.verdict == "INCONCLUSIVE"
    assert ended.clause("TOY-S-01")["reason"] == "check did not run"


def test_an_empty_parametrisation_is_an_error(project):
    project.suite(
        first("    assert good")
        .replace(
            '@pytest.mark.clause("TOY-A-01")', '@pytest.mark.parametrize("x", [])\n@pytest.mark.clause("TOY-A-01")'
        )
        .replace("(good)", "(good, x)", 1)
    )

    ended = project.run()

    assert ended.verdict == "INCONCLUSIVE"
    assert ended.status != 0


def test_a_check_that_claims_an_unknown_clause_stops_the_run(project):
    project.suite(GREEN.replace("TOY-A-02", "TOY-A-99"))

    ended = project.run()

    assert ended.status == 4
    assert "TOY-A-99" in ended.output


def test_a_check_that_claims_nothing_stops_the_run(project):
    project.suite(GREEN.replace('@pytest.mark.clause("TOY-A-02")', ""))

    ended = project.run()

    assert ended.status == 4
    assert "claims no clause" in ended.output


def test_pytest_exit_with_zero_is_not_green(project):
    project.suite(first("    pytest.exit('enough', returncode=0)"))

    ended = project.run()

    assert ended.status != 0
    assert ended.verdict == "INCONCLUSIVE"


def test_os_exit_leaves_a_run_that_verify_recognises_as_cut_short(project):
    project.suite(first("    __import__('os')._exit(0)"))
    ended = project.run()
    assert not (ended.folder / "evidence.json").exists()

    verify = subprocess.run(
        [sys.executable, "-m", "rollout_gates.cli", "verify", str(ended.folder)],
        capture_output=True,
        text=True,
        cwd=project.folder,
        env=project.variables(),
    )

    assert verify.returncode == 6
    assert "cut short" in verify.stdout


def test_a_worker_that_dies_is_not_forgotten(project):
    project.suite(first("    __import__('os')._exit(0)"))

    ended = project.run("-n", "2", "--max-worker-restart=0")

    assert ended.verdict == "INCONCLUSIVE"
    assert ended.status == 6
    assert ended.clause("TOY-A-01")["outcome"] == "inconclusive"


def test_a_parallel_run_judges_as_a_serial_one(project):
    ended = project.run("-n", "2")

    assert (ended.status, ended.verdict) == (0, "GO")
    assert {check["nodeid"] for check in ended.evidence["checks"]} == {
        "suites/smoke/test_toy.py::test_the_first_thing_holds",
        "suites/smoke/test_toy.py::test_the_second_thing_holds",
    }


def test_a_flow_acts_once_in_a_parallel_run(project):
    ended = project.run("-n", "2")

    events = [json.loads(line) for line in (ended.folder / "events.jsonl").read_text().splitlines()]
    assert [event["flow"] for event in events if event["event"] == "flow_started"] == ["good"]


def test_stopping_at_the_first_failure_leaves_the_rest_inconclusive(project):
    project.suite(first("    assert good == 41"))

    ended = project.run("-x")

    assert ended.verdict == "NO-GO"
    assert ended.status in (1, 2)
    assert ended.clause("TOY-A-02")["reason"] == "check did not run"


def test_a_narrowed_selection_is_not_go(project):
    ended = project.run("-k", "first")

    assert ended.status == 6
    assert ended.clause("TOY-A-02")["reason"] == "check did not run"


def test_interrupting_keeps_what_was_found(project):
    project.suite(
        GREEN + first("    assert slow", "slow").replace("import pytest", "").replace("test_the_", "test_late_")
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-m", "smoke", "--env=here", "-v"]
    with subprocess.Popen(
        [*command, "--evidence=reports/cut"],
        cwd=project.folder,
        env=project.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        next(line for line in process.stdout if "a slow one" in line)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()

    assert process.returncode == 2
    assert rest.rstrip().splitlines()[-1].startswith("INCONCLUSIVE  smoke")
    assert "interrupted" in (project.folder / "reports/cut/go-no-go.md").read_text()


def test_reruns_are_refused(project):
    project.write(
        "conftest.py",
        (project.folder / "conftest.py").read_text()
        + ("\ndef pytest_addoption(parser):\n    parser.addoption('--reruns', type=int)\n"),
    )

    ended = project.run("--reruns=2")

    assert ended.status == 4
    assert "never rerun" in ended.output


def test_evidence_that_cannot_be_written_is_not_go(project):
    project.suite(
        GREEN
        + """
@pytest.fixture(scope="session", autouse=True)
def spoiler(conductor):
    yield
    import pathlib
    folder = next(pathlib.Path("reports").glob("run-*"))
    (folder / "evidence.json").mkdir()
"""
    )

    ended = project.run()

    assert ended.status == 6
    assert ended.verdict == "INCONCLUSIVE"
    assert "evidence could not be written" in ended.output


def test_clean_up_that_fails_is_said(project):
    project.write(
        "packages/toy/__init__.py", SYSTEM.replace("yield object()", "yield object(); raise RuntimeError('left over')")
    )

    ended = project.run()

    assert ended.verdict == "INCONCLUSIVE"
    assert "left over" in ended.output
