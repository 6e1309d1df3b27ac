"""The cells of a run: each provider mode in each lane, as far as they can be had at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollout_gates.systems.tts.settings import LANES, MODES

SANDBOX_ARGUMENTS = (f"--mode={','.join(MODES)}", f"--lane={','.join(LANES)}")
"""What makes the sandbox start every cell."""


def cells(*, sandbox: bool) -> Mapping[str, Mapping[str, Any]]:
    """Return each cell's name and what its settings have beside the environment file's.

    A deployment runs one mode in one lane at a time: the one that its file declares, which needs no name.
    """
    if not sandbox:
        return {}
    return {f"{mode}-{lane}": {"provider_mode": mode, "lane": lane} for lane in LANES for mode in MODES}
