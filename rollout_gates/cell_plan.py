"""What a system's package says of each configuration that a gate is to cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CellPlan:
    """One cell, as a package offers it.

    *more* is what its settings have beside the environment file's. Cells that are *in_turn* share one deployment: they
    are judged one after the other, in the order in which they are offered, and the package is asked to enter each.
    *absent* says why the cell cannot be judged here, which configuration alone decides; it is shown as missing.
    """

    more: Mapping[str, Any] = field(default_factory=dict)
    in_turn: bool = False
    absent: str = ""
