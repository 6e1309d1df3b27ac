"""How a parallel run shares the checks out: all checks of a system's cell go to one worker, whose flows act once.

Cells that share a deployment go to one worker together: it judges them one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdist.scheduler import LoadScopeScheduling


class SystemScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Load scheduling whose scope is the system, and the cell of it, that a check judges.

    A worker runs the flows of a cell in its own process. Were its checks spread, each worker would act again:
    users would be signed up twice, and provider money spent twice.
    """

    def __init__(self, config: Any, log: Any, group_of: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self._group_of = group_of

    def _split_scope(self, nodeid: str) -> str:
        """Return the scope that *nodeid* belongs to."""
        return self._group_of(nodeid)
