"""What checks leave behind in memory: looked through seldom, and once, thoroughly, before the verdict.

Thousands of checks make millions of objects that live to the end. Going through all of them as often as Python does by
itself, for the few that only hold each other, took a fifth of a run. What goes wrong while such a leftover is removed
belongs to a check, so the last check waits for it; pytest by itself would tell of it after the verdict.
"""

from __future__ import annotations

import gc
from typing import Any, Final

import pluggy

_hook: Final = pluggy.HookimplMarker("pytest")
_THRESHOLDS = (20_000, 20, 20)


class Leftovers:
    """The hooks; registered where a suite is selected."""

    def __init__(self) -> None:
        gc.set_threshold(*_THRESHOLDS)

    @_hook(trylast=True)
    def pytest_collection_finish(self) -> None:
        """What was collected stays to the end, so it need not be looked through again."""
        gc.freeze()

    @_hook(tryfirst=True)
    def pytest_runtest_teardown(self, nextitem: Any) -> None:
        """Find the leftovers of all checks while there is still one to tell of them."""
        if nextitem is None:
            gc.collect()
