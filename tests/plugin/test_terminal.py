"""What stands on the screen at the end: the cause, not its echo from every check."""

from __future__ import annotations

MANY = '''
import pytest

@pytest.mark.clause("TOY-A-01")
@pytest.mark.parametrize("number", range(30))
def test_the_first_thing_holds(good, number):
    """It holds."""
    assert good == number, f"GET /{number} as 'user' returned 500, expected 200 [TOY-A-01]"

@pytest.mark.clause("TOY-A-02")
def test_the_second_thing_holds(good):
    """It holds."""
    assert good == 41, "GET /second as 'user' returned 404, expected 200 [TOY-A-02]"
'''

NOT_JUDGED = '''
import pytest

@pytest.mark.clause("TOY-A-01", "TOY-A-02")
@pytest.mark.parametrize("number", range(30))
def test_the_first_thing_holds(thin, number):
    """It holds."""
    assert thin == number
'''


def test_a_failed_check_shows_its_message_and_no_source(project):
    project.suite(MANY)

    ended = project.run()

    assert "GET /second as 'user' returned 404, expected 200 [TOY-A-02]" in ended.output
    assert "def test_the_second_thing_holds" not in ended.output
    assert "assert 42 == 41" not in ended.output
    assert "AssertionError" not in ended.output


def test_who_asks_for_tracebacks_gets_them(project):
    project.suite(MANY)

    ended = project.run("--tb=short", "-k", "second")

    assert "suites/smoke/test_toy.py:" in ended.output
    assert "assert 42 == 41" in ended.output


def test_a_crash_of_a_check_keeps_its_traceback(project):
    project.suite(MANY.replace("assert good == 41,", "{}['missing'];"))

    ended = project.run("-k", "second")

    assert "KeyError: 'missing'" in ended.output
    assert "def test_the_second_thing_holds" in ended.output


def test_of_many_failures_a_few_are_shown(project):
    project.suite(MANY)

    ended = project.run()

    assert ended.output.count("FAILED suites/") == 12
    assert "FAILED suites/smoke/test_toy.py::test_the_second_thing_holds" in ended.output
    left_out = f"19 more checks did not pass; they are in {ended.folder}/index.html, and here with -v"
    assert left_out in ended.output
    assert "31 failed" in ended.output
    assert len(ended.output.splitlines()) < 70


def test_all_failures_are_shown_to_who_asks_for_them(project):
    project.suite(MANY)

    ended = project.run("-v")

    assert ended.output.count("FAILED suites/") == 31
    assert "more checks did not pass" not in ended.output


def test_a_parallel_run_shows_a_few_too(project):
    project.suite(MANY)

    ended = project.run("-n", "2")

    assert ended.output.count("FAILED suites/") == 12
    assert "def test_the" not in ended.output


def test_what_could_not_be_judged_is_told_once(project):
    project.suite(NOT_JUDGED)

    ended = project.run()

    assert ended.output.count("one sample of ten") == 2, "once for each of two clauses"
    assert "ERRORS" not in ended.output
    assert "30 inconclusive" in ended.output


def test_the_clauses_come_right_before_the_verdict(project):
    project.suite(MANY)

    lines = project.run().output.rstrip().splitlines()

    start = next(at for at, line in enumerate(lines) if "clauses that are not green" in line)
    assert [line.split()[0] for line in lines[start + 1 : start + 3]] == ["RED", "RED"]
    assert len(lines) - start == 5
