"""The migration's files: read by their statements, and rehearsed on a database of their own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout_gates.conductor import flow
from rollout_gates.migrations.files import read_migrations
from rollout_gates.migrations.tables import findings_table, rehearsal_table
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.schema import COLUMNS, MANNERS
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.migrations.files import Migrations
    from rollout_gates.migrations.model import Finding
    from rollout_gates.migrations.rehearsal import Rehearsal

_EXTRA = "the extra 'migrations' is needed: pip install 'rollout-gates[migrations]'"


@dataclass(frozen=True)
class Reading:
    """What the statements of the pending *files* do that is no addition."""

    files: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Rehearsed:
    """A rehearsal. *is_ours*: whether it added what the contract says that the migration adds."""

    rehearsal: Rehearsal
    is_ours: bool


def pending(context: Context) -> Migrations:
    """Return the files that are judged. Raises `NotConfigured`."""
    given = context.settings.migrations
    found = context.migration.files(*((given.folder, given.base) if given is not None else (None, None)))
    if found is None:
        raise NotConfigured("no folder of migrations is given: name one with --migrations=DIR")
    return found


def project(context: Context) -> Migrations | None:
    """Return the files of the deployment itself, where its environment file names them."""
    given = context.settings.migrations
    return read_migrations(given.folder) if given is not None else None


@flow("migration_statements")
async def migration_statements(context: Context) -> Reading:
    """Read the pending files."""
    files = pending(context)
    try:
        from rollout_gates.migrations.judging import judge_files  # noqa: PLC0415 - an extra of its own
        from rollout_gates.migrations.linter import advice  # noqa: PLC0415
    except ModuleNotFoundError:
        raise NotConfigured(_EXTRA) from None
    findings = await asyncio.to_thread(judge_files, files)
    linted = await asyncio.to_thread(advice, files.pending)
    context.compare(findings_table([file.name for file in files.pending], (*findings, *linted)))
    return Reading(tuple(file.name for file in files.pending), findings)


@flow("migration_rehearsal")
async def migration_rehearsal(context: Context) -> Rehearsed:
    """Rehearse the pending files. Raises `CouldNotJudge` where there is no Postgres, or the state before cannot be."""
    files = pending(context)
    try:
        from rollout_gates.migrations.rehearsal import CannotRehearse, rehearse  # noqa: PLC0415
        from rollout_gates.migrations.scratch import NoScratch, scratch  # noqa: PLC0415
    except ModuleNotFoundError:
        raise NotConfigured(_EXTRA) from None

    def act() -> Rehearsal:
        with scratch() as started:
            told = rehearse(started, files, MANNERS)
            before = project(context) if told.lacks_the_base and not files.split else None
            return told if before is None else rehearse(started, files.after(before), MANNERS, "rehearsal_in_place")

    try:
        told = await asyncio.to_thread(act)
    except NoScratch as problem:
        raise NotConfigured(f"a rehearsal needs an embedded Postgres: {problem}; {_EXTRA}") from None
    except CannotRehearse as problem:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, str(problem)) from None
    context.compare(rehearsal_table(told))
    added = {each.name for each in told.changed if each.kind == "column" and each.what == "added"}
    return Rehearsed(told, is_ours=bool(added & COLUMNS.keys()))
