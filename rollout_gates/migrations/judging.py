"""Judges the pending files of a migrations folder by their statements alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast

from rollout_gates.migrations.files import Migrations
from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rules import RULES, Judge
from rollout_gates.migrations.rules.demands import in_the_end
from rollout_gates.migrations.scene import Scene
from rollout_gates.migrations.statements import Statement, executed, read_statements
from rollout_gates.migrations.tree import walk


def judge_files(migrations: Migrations) -> tuple[Finding, ...]:
    """Return what the pending files of *migrations* do that is no addition, in their order."""
    deployed = [each for file in migrations.deployed for each in read_statements(file)] if migrations.split else None
    pending = [each for file in migrations.pending for each in read_statements(file)]
    scene = Scene.of(deployed, pending)
    found: dict[tuple[str, int, str, str], Finding] = {}
    for finding in (*_judged(pending, scene), *in_the_end(executed(pending, scene.functions), scene)):
        found.setdefault((finding.file, finding.line, finding.rule, finding.why), finding)
    return tuple(sorted(found.values(), key=lambda each: (each.file, each.line)))


def refused(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return those of *findings* for which a migration is refused."""
    return tuple(each for each in findings if each.weight is Weight.REFUSED)


def _judged(pending: list[Statement], scene: Scene) -> Iterator[Finding]:
    for statement in executed(pending, scene.functions):
        scene.so_far.learn([statement])
        judge = Judge(statement, scene)
        if statement.problem:
            yield judge.finding(Hazard.HIDES, "unreadable", statement.problem, Weight.DOUBT)
            continue
        for node in _nodes(statement.node):
            for rule in RULES.get(type(node).__name__, ()):
                yield from rule(judge, node)


def _nodes(node: Any) -> Iterator[Any]:
    """Yield what a statement does. The body of a function does nothing until the function is called."""
    return iter((node,)) if isinstance(node, ast.CreateFunctionStmt) else walk(node)
