"""What all rules share: how one is registered, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.scene import Scene
from rollout_gates.migrations.statements import Statement

Rule: TypeAlias = Callable[["Judge", Any], Iterator[Finding]]
RULES: dict[str, list[Rule]] = {}
"""The rules by the kind of node that they are about, wherever in a statement such a node stands."""


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Register a rule for nodes of these *kinds*."""

    def register(function: Rule) -> Rule:
        for kind in kinds:
            RULES.setdefault(kind, []).append(function)
        return function

    return register


class Judge:
    """One statement before its rules, and the scene that it belongs to."""

    def __init__(self, statement: Statement, scene: Scene) -> None:
        """Take a statement up to which *scene* has been played."""
        self.statement = statement
        self.scene = scene

    def finding(self, hazard: Hazard, name: str, why: str, weight: Weight = Weight.REFUSED) -> Finding:
        """Return what the rule *name* found, with *why* as half a sentence."""
        at = self.statement
        return Finding(hazard, name, at.file, at.line, at.text, why, weight)
