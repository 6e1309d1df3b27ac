"""What is left behind in a cycle is found by the garbage collector alone, and it must still speak before the verdict."""

from __future__ import annotations

from tests.plugin.toy import GREEN

LEAVES_A_FAILING_CYCLE = '''
import pytest

class Leftover:
    def __init__(self):
        self.itself = self

    def __del__(self):
        raise RuntimeError("failed in the background")

@pytest.mark.clause("TOY-A-01")
def test_the_first_thing_holds(good):
    """It holds."""
    Leftover()
    assert good == 42

@pytest.mark.clause("TOY-A-02")
def test_the_second_thing_holds(good):
    """It holds."""
    assert good > 41
'''


def test_an_error_in_a_leftover_of_the_run_is_not_go(project):
    project.suite(LEAVES_A_FAILING_CYCLE)

    ended = project.run()

    assert (ended.status, ended.verdict) == (6, "INCONCLUSIVE")
    assert "PytestUnraisableExceptionWarning" in ended.clause("TOY-A-02")["message"]


def test_a_run_that_leaves_nothing_is_go(project):
    project.suite(GREEN)

    assert project.run().verdict == "GO"
