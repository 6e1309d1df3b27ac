"""What was changed of a target: what is still to be put back can be told from the events alone."""

from __future__ import annotations

from rollout_gates.changes import Changes, unrestored
from rollout_gates.verdict import judge


class Log(list):
    def __call__(self, kind, /, **fields):
        self.append({"event": kind, **fields})


def changed(*steps):
    """Events of changes: each step is where to, and the problem, or None for one that never ended."""
    log = Log()
    changes = Changes(log, system="toy", cell="two", worker="main")
    for to, problem in steps:
        changes.planned("mode", to, "plain", "./flip plain", command=f"./flip {to}", why="because")
        changes.running("mode", 17)
        if problem is not None:
            changes.made("mode", to=to, problem=problem)
    return log


def test_what_was_put_back_is_done_with():
    assert unrestored(changed(("fancy", ""), ("plain", ""))) == []
    assert unrestored(changed(("fancy", "failed"), ("plain", ""))) == []
    assert unrestored([]) == []


def test_what_was_not_put_back_is_told_with_its_remedy():
    (left,) = unrestored(changed(("fancy", "")))

    assert (left.home, left.pid, left.ended, left.was_tried) == ("plain", 17, True, False)
    assert str(left) == ("toy: the mode may no longer be 'plain'; put it back with: ./flip plain (nobody put it back)")


def test_putting_back_that_failed_or_never_ended_counts_for_nothing():
    (failed,) = unrestored(changed(("fancy", ""), ("plain", "status 1")))
    (cut,) = unrestored(changed(("fancy", ""), ("plain", None)))

    assert (failed.was_tried, cut.was_tried) == (True, False)
    assert str(failed).endswith("(status 1)")


def test_a_run_that_did_not_put_it_back_has_a_problem():
    def problems(*steps):
        return [text for text in judge(changed(*steps)).problems if "put it back" in text]

    assert problems(("fancy", ""), ("plain", "")) == []
    assert len(problems(("fancy", ""))) == 1
