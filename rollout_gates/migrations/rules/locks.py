"""Locks that keep others from a table that is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast

from rollout_gates.migrations.model import Finding, Hazard, Weight
from rollout_gates.migrations.rules.judging import Judge, rule
from rollout_gates.migrations.tree import columns, find, relation, truth

_READS_WAIT = 8  # AccessExclusiveLock
_WRITES_WAIT = 5  # ShareLock and what is stronger


@rule("IndexStmt")
def index(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield an index that is built while writes wait, and one that refuses what was fine."""
    table = relation(node.relation)
    if judge.scene.is_new(table) or node.concurrent:
        return
    if node.idxname and judge.scene.was_part("index", "", node.idxname) and node.if_not_exists:
        return
    named = {each.name for each in find(node.indexParams, ast.IndexElem)} | columns(
        (node.indexParams, node.whereClause)
    )
    if node.unique and not any(judge.scene.is_new_column(table, each) for each in named if each):
        why = f"a unique index over columns from before may refuse writes to {table} that were fine"
        yield judge.finding(Hazard.REFUSES, "new unique index", why)
        return
    yield judge.finding(Hazard.BLOCKS, "index", f"writes to {table} wait until it is built", Weight.ADVICE)


@rule("LockStmt")
def lock(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a lock that is taken by hand."""
    tables = [relation(each) for each in node.relations if not judge.scene.is_new(relation(each))]
    if tables and node.mode >= _WRITES_WAIT:
        who = "reads and writes" if node.mode >= _READS_WAIT else "writes"
        yield judge.finding(Hazard.BLOCKS, "lock", f"{who} of {', '.join(tables)} wait until it ends")


@rule("VacuumStmt")
def vacuum(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield VACUUM FULL."""
    if any(each.defname == "full" and (each.arg is None or truth(each.arg)) for each in node.options or ()):
        yield judge.finding(Hazard.BLOCKS, "rewrite", "tables are rewritten while nobody can read them")


@rule("ClusterStmt")
def cluster(judge: Judge, _node: Any) -> Iterator[Finding]:
    """Yield CLUSTER."""
    yield judge.finding(Hazard.BLOCKS, "rewrite", "a table is rewritten while nobody can read it")


@rule("ReindexStmt")
def reindex(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield REINDEX, unless it is concurrent."""
    if not any(each.defname == "concurrently" for each in node.params or ()):
        yield judge.finding(Hazard.BLOCKS, "reindex", "writes wait until the indexes are built again")


@rule("RefreshMatViewStmt")
def refresh(judge: Judge, node: Any) -> Iterator[Finding]:
    """Yield a materialised view that cannot be read while it is filled."""
    if not node.concurrent and not judge.scene.is_new(relation(node.relation)):
        yield judge.finding(Hazard.BLOCKS, "refresh", "reads wait until it is filled", Weight.ADVICE)
