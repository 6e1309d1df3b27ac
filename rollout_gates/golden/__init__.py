"""Golden payloads: a request and what its answer must be, one JSON file a case.

`load` reads a folder, `observe` acts one case out through functions that a system's package supplies, `judge` compares
the answer, `explain` says what differs, `update` takes over what was seen. Nothing here knows a system, and nothing
here asserts. Every error is a `GoldenError` whose message is one line.
"""

from rollout_gates.golden.compare import Comparison, compare
from rollout_gates.golden.exchange import Exchange, explain, judge, observe, pick, precondition_problem, twin_problem
from rollout_gates.golden.load import load, load_cases
from rollout_gates.golden.matchers import Difference
from rollout_gates.golden.model import UNSET, Case, Expectation, GoldenError, NotReached, Reply, Request
from rollout_gates.golden.render import fill, needs
from rollout_gates.golden.update import refuse_in_ci, update

__all__ = [
    "UNSET",
    "Case",
    "Comparison",
    "Difference",
    "Exchange",
    "Expectation",
    "GoldenError",
    "NotReached",
    "Reply",
    "Request",
    "compare",
    "explain",
    "fill",
    "judge",
    "load",
    "load_cases",
    "needs",
    "observe",
    "pick",
    "precondition_problem",
    "refuse_in_ci",
    "twin_problem",
    "update",
]
