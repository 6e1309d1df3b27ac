"""Two moments of a database as a table: rows and hashes before, after, and the difference; rows by group as bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout_gates.comparison import Bar, Comparison, Line
from rollout_gates.migrations import effects
from rollout_gates.migrations.facts import differences
from rollout_gates.migrations.model import Finding, Weight

if TYPE_CHECKING:
    from rollout_gates.migrations.rehearsal import Rehearsal
    from rollout_gates.migrations.snapshot import Snapshot, TableState

_SHORT = 8


def snapshot_table(
    before: Snapshot, after: Snapshot, *, title: str, note: str, passing: Container[str] = ()
) -> Comparison:
    """Return what is the same and what is not of the rows of every table, and of the catalogue.

    Rows of tables that are *passing* are told, and not judged.
    """
    lines = [
        line if table not in passing else replace(line, good=None)
        for table in before.tables
        for line in _lines(table, before.tables[table], after.tables.get(table))
    ]
    found = differences(before.facts, after.facts)
    lost = effects.lost(found)
    rules = effects.unlike(found, before.tables)
    added = [each for each in found if each.what == "added"]
    lines += [Line(each, "there", "not as it was", "", good=False) for each in lost]
    lines += [Line(each, "as it was", "other", "", good=False) for each in rules]
    lines.append(Line("additions to the catalogue", "", str(len(added)), _kinds(each.kind for each in added)))
    return Comparison(title, note, tuple(lines), bars(before, after))


def _lines(table: str, was: TableState, now: TableState | None) -> Iterable[Line]:
    if now is None:
        yield Line(table, f"{was.rows} rows", "the table is gone", f"-{was.rows}", good=False)
        return
    moved = now.rows - was.rows
    yield Line(f"{table}: rows", str(was.rows), str(now.rows), f"{moved:+d}" if moved else "none", good=not moved)
    changed = changed_columns(was, now)
    yield Line(
        f"{table}: content",
        f"{len(was.hashes)} columns",
        f"{len(was.hashes) - len(changed)} as they were",
        ", ".join(f"{name} {was.hashes[name][:_SHORT]} -> {now.hashes.get(name, 'gone')[:_SHORT]}" for name in changed)
        or "none",
        good=not changed,
    )


def changed_columns(was: TableState, now: TableState) -> list[str]:
    """Return the columns whose content is not what it was, or that are gone."""
    return [name for name, told in was.hashes.items() if now.hashes.get(name) != told]


def bars(before: Snapshot, after: Snapshot) -> tuple[Bar, ...]:
    """Return rows by group. A column that only one side knows takes no part in the grouping."""
    found = []
    for table, was in before.tables.items():
        now = after.tables.get(table)
        if now is None or not was.by_group:
            continue
        names = _names(was.by_group)
        counts = regrouped(now.by_group, names)
        for group in sorted({*was.by_group, *counts}):
            label = f"{table.rpartition('.')[2]}: {group}"
            found.append(Bar(label, was.by_group.get(group, 0), counts.get(group, 0)))
    return tuple(found)


def _names(by_group: Mapping[str, int]) -> list[str]:
    return [part.partition("=")[0] for part in next(iter(by_group)).split(", ")]


def regrouped(by_group: Mapping[str, int], names: Iterable[str]) -> Counter[str]:
    """Return the same counts by the columns *names* alone."""
    wanted, counts = set(names), Counter[str]()
    for group, count in by_group.items():
        kept = [part for part in group.split(", ") if part.partition("=")[0] in wanted]
        counts[", ".join(kept)] += count
    return counts


def _kinds(kinds: Iterable[str]) -> str:
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(Counter(kinds).items()))


def findings_table(files: Iterable[str], findings: Iterable[Finding]) -> Comparison:
    """Return what was found in the statements of *files*; advice is told, and nothing is refused for it."""
    lines = tuple(
        Line(f"{each.file}:{each.line}", each.statement, str(each.weight), f"{each.why} ({each.rule})", _good(each))
        for each in findings
    )
    note = (
        f"{', '.join(files)}; each statement, and what is found in it. Locks are told here, and timed in the rehearsal."
    )
    return Comparison("Statements of the migration", note, lines)


def _good(finding: Finding) -> bool | None:
    return False if finding.weight is Weight.REFUSED else None


def rehearsal_table(told: Rehearsal) -> Comparison:
    """Return what the rehearsal counted, timed and found."""
    lines = [
        Line(f"{table}: rows that are as they were", str(state.rows), str(state.rows - told.altered.get(table, 0)),
             f"{told.altered.get(table, 0)} altered or lost", good=not told.altered.get(table))
        for table, state in told.before.tables.items()
    ]  # fmt: skip
    if told.failed:
        lines.append(Line("the migration", "", "failed", told.failed, good=False))
    broken = (*told.reads, *told.writes)
    lines += [Line("code from before", "worked", "fails", problem, good=False) for problem in broken]
    applied = told.applied
    lines += [
        Line(f"{table}: reads and writes waited", "", f"{seconds * 1000:.0f} ms", "locked by itself")
        for table, seconds in sorted(applied.longest().items())
    ]
    lines += [
        Line(f"{table}: writes waited", "", f"{seconds * 1000:.0f} ms", "while an index was built")
        for table, seconds in sorted(applied.longest("ShareLock").items())
    ]
    lines += [Line(table, "", "rewritten", "every row was copied", good=False) for table in sorted(applied.rewritten)]
    lines.append(Line("a second run", "", "refused" if told.second else "went through", told.second))
    note = (
        f"{', '.join(told.files)} on rows made for it, {sum(told.rows.values())} in {len(told.rows)} tables; "
        f"all of it took {applied.seconds:.2f} s"
    )
    return Comparison("Rehearsal of the migration", note, tuple(lines))
