"""What a careless command line gets: one line that says what to mend, and nothing is started or left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.plugin.toy import GREEN


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        ([], None, "--env is required: name the environment that is judged (here, or a file)"),
        ([], "", "--env is required"),
        ([], "her", "--env: unknown environment 'her' in environments; did you mean 'here'?"),
        ([], "environments/", "--env: environments is a directory, not a TOML file"),
        ([], "/nowhere/x.toml", "--env: there is no file /nowhere/x.toml"),
        (["--system=tyo"], "here", "--system: environments/here.toml configures no system 'tyo'; did you mean 'toy'?"),
        (["--system=,"], "here", "--system: ',' names no system; choose from: toy"),
        (["--system="], "here", "--system: '' names no system; choose from: toy"),
        (["--fault=toy:F-01"], "here", "--fault: environments/here.toml is no sandbox"),
        (["--as-of=yesterday"], "here", "--as-of: 'yesterday' is not an ISO 8601 time"),
        (["--window=soon"], "here", "--window: 'soon' is not a duration such as 30s, 30m, 2h or 1h30m"),
        (["--window=30d"], "here", "--window: '30d' is not between 1s and 7d"),
        (["-m", "smoke or"], "here", "-m: 'smoke or' is not an expression of markers"),
        (["-m", "smoke and smoke()"], "here", "-m: only marker names with and, or, not and brackets"),
        (["suites/smoke/test_gone.py"], "here", "file or directory not found: suites/smoke/test_gone.py"),
    ],
)
def test_a_mistake_is_told_in_one_line(project, arguments, env, says):
    ended = project.run(*arguments, env=env)

    assert ended.status == 4
    (line,) = [line for line in ended.output.splitlines() if line.strip()]
    assert line.startswith(f"ERROR: {says}")
    assert not ended.folder.exists() or not any(ended.folder.iterdir())


@pytest.mark.parametrize(
    ("name", "says"),
    [("reports/full", "is not empty"), ("reports/full/a.txt", "File exists"), ("reports/full/a.txt/b", "Not a dir")],
)
def test_a_place_for_evidence_that_cannot_be_used_is_refused(project, name, says):
    project.write("reports/full/a.txt", "somebody's")

    ended = project.run(f"--evidence={name}")

    assert ended.status == 4
    assert f"--evidence: {name}" in ended.output
    assert says in ended.output
    assert (project.folder / "reports/full/a.txt").read_text() == "somebody's"


def test_a_variable_may_be_wrong_too(project):
    ended = project.run(env=None, ROLLOUT_ENV="her")

    assert ended.status == 4
    assert ended.last_line.startswith("ERROR: ROLLOUT_ENV: unknown environment 'her'")


@pytest.mark.parametrize("arguments", [["--collect-only"], ["--co", "-q"], ["--fixtures"], ["-h"], ["--markers"]])
def test_looking_starts_nothing_and_leaves_nothing(project, arguments):
    ended = project.run(*arguments)

    assert ended.status == 0
    assert not ended.folder.exists()


def test_collecting_shows_the_clauses(project):
    lines = project.run("--co", "-q").output.splitlines()

    assert any(line.split() == ["TOY-A-01", "suites/smoke/test_toy.py::test_the_first_thing_holds"] for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ["-q", "-q"],
        ["-p", "no:terminal"],
        ["-s"],
        ["--tb=no"],
        ["-p", "no:xdist"],
    ],
)
def test_the_verdict_is_said_however_quiet_the_rest_is(project, arguments):
    ended = project.run(*arguments)

    assert (ended.status, ended.verdict) == (0, "GO")


@pytest.mark.parametrize("arguments", [[], ["-p", "no:terminal"]])
def test_a_red_check_is_no_crash_however_quiet_the_rest_is(project, arguments):
    project.suite(GREEN.replace("== 42", "== 41"))

    ended = project.run(*arguments)

    assert (ended.status, ended.verdict) == (1, "NO-GO")


def test_reports_of_a_run_from_a_folder_below_land_where_the_others_are(project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "smoke", "--env=here"],
        cwd=project.folder / "suites" / "smoke", env=project.variables(), capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    assert len(list((project.folder / "reports" / "here").glob("2*"))) == 1
    assert "../../reports/here/" in done.stdout


def test_a_parallel_run_that_x_stops_is_no_go_and_not_interrupted(project):
    project.suite(GREEN.replace("== 42", "== 41"))

    ended = project.run("-n", "2", "-x")

    assert (ended.status, ended.verdict) == (1, "NO-GO")
    assert "interrupted" not in (ended.folder / "go-no-go.md").read_text()


def test_two_runs_at_once_do_not_meet(project):
    command = [sys.executable, "-m", "pytest", "-m", "smoke", "--env=here", "-p", "no:cacheprovider"]
    options = {"cwd": project.folder, "env": project.variables(), "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **options) as one, subprocess.Popen(command, **options) as other:
        said = [process.communicate(timeout=60)[0] for process in (one, other)]

    assert (one.returncode, other.returncode) == (0, 0), said
    assert len(list((project.folder / "reports" / "here").glob("2*"))) == 2


SLOW = '''
import pytest

@pytest.mark.clause("TOY-A-01")
def test_the_first_thing_holds(slow):
    """It holds."""
    assert slow
'''


@pytest.mark.parametrize(
    ("number", "workers"),
    [(signal.SIGINT, ()), (signal.SIGTERM, ()), (signal.SIGHUP, ()), (signal.SIGINT, ("-n", "2"))],
    ids=["SIGINT", "SIGTERM", "SIGHUP", "SIGINT-parallel"],
)
def test_a_run_that_is_interrupted_ends_in_order(project, number, workers):
    project.suite(SLOW)

    returncode, rest = interrupted(project, [number], *workers)

    assert returncode == 2
    assert rest.rstrip().splitlines()[-1].startswith("INCONCLUSIVE  smoke · env here")
    assert "Traceback" not in rest
    by = "by Ctrl-C" if number is signal.SIGINT else number.name
    assert f"the run was interrupted: {by}" in (project.folder / "reports/cut/go-no-go.md").read_text()


def test_impatience_does_not_cost_the_evidence(project):
    project.suite(SLOW)

    returncode, rest = interrupted(project, [signal.SIGINT] * 20)

    assert returncode == 2
    assert "Traceback" not in rest
    assert (project.folder / "reports/cut/index.html").is_file()


def interrupted(project, signals, *arguments):
    """Run, send *signals* to the whole group as a terminal does, and return status and output."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:randomly",
        "-m",
        "smoke",
        "--env=here",
        "--evidence=reports/cut",
    ]
    with subprocess.Popen(
        [*command, *arguments], cwd=project.folder, env=project.variables(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        next(line for line in process.stdout if "a slow one" in line)
        for number in signals:
            os.killpg(process.pid, number)
        rest = process.stdout.read()
    return process.returncode, rest
