"""The cells of a run: each provider mode in each lane, as far as they can be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollout_gates.cell_plan import CellPlan
from rollout_gates.systems.tts.settings import LANES, MODES, other_mode

SANDBOX_ARGUMENTS = (f"--mode={','.join(MODES)}", f"--lane={','.join(LANES)}")
"""What makes the sandbox start every cell."""

_NO_FLIP = "the deployment runs {mode}; with tts.control.flip in the environment file the run judges both modes"
_PROD = "production is judged in the mode that it runs, {mode}, and never flipped"
_OTHER_GATE = "the deployment runs {mode}; only the mode matrix flips it"


def cells(*, table: Mapping[str, Any], kind: str, sandbox: bool, in_turn: bool) -> Mapping[str, CellPlan]:
    """Return each cell by name. *table* is the environment file's, *kind* the kind of environment.

    In the sandbox all cells stand side by side. A deployment has one lane, and runs one mode at a time: the declared
    one goes first, the other one in its turn, for gates that go *in_turn* and where the file says how to get there.
    """
    if sandbox:
        return {f"{mode}-{lane}": CellPlan({"provider_mode": mode, "lane": lane}) for lane in LANES for mode in MODES}
    mode, lane = str(table["provider_mode"]), table["lane"]
    other = other_mode(mode)
    can_flip = table.get("control") is not None
    turn = can_flip and in_turn
    why = _OTHER_GATE if can_flip else _PROD if kind == "prod" else _NO_FLIP
    absent = "" if turn else why.format(mode=mode)
    return {
        f"{mode}-{lane}": CellPlan({"provider_mode": mode}, turn),
        f"{other}-{lane}": CellPlan({"provider_mode": other}, turn, absent),
    }
