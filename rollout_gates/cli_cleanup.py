"""``rollout-gates cleanup DIR``: remove what a run made and left behind."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from rollout_gates import registry
from rollout_gates.cleanup import Left, Removal, beside, clean_run, left_behind
from rollout_gates.environment import Draft, read_environment
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.events import FILE_NAME

_ABOUT = """\
Remove what a run made and left behind, for example after a crash.

A run writes down what it makes before it makes it. This reads DIR/events.jsonl
and removes what the run did not remove itself. What it changed of the target
as a whole, such as its mode, is put back first. The evidence in DIR stays as it
is; what is done is recorded in DIR.cleanup/. It may be run again.
"""
_MORE = """\
examples:
  rollout-gates cleanup reports/staging/20260301T120000Z-4f1c2a
  rollout-gates cleanup reports/mine/20260301T120000Z-4f1c2a --env=mine.toml
The secrets that the environment file names must be exported, as for the run.
Exit status: 0 nothing is left, 1 something is left, 4 a bad option or file.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "cleanup",
        help="remove what a run made and left behind, for example after a crash",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="an evidence directory, reports/<env>/<run-id>")
    parser.add_argument("--env", metavar="NAME|FILE", help="the environment of the run; default: the one it names")


def run(args: argparse.Namespace) -> int:
    """Remove, print one line for each thing, and return the exit status. Raises `UsageProblem`."""
    directory: Path = args.directory
    if not (directory / FILE_NAME).is_file():
        raise UsageProblem(f"{directory} is no evidence directory: it has no {FILE_NAME}")
    left = left_behind(directory)
    _say(*(f"NOTE     {damage}" for damage in left.damage))
    is_clean = not (left.resources or left.changes)
    if is_clean and left.damage and not left.run:
        _say("What this run made, if anything, can no longer be read from its events.")
        return 1
    if is_clean:
        _say("Nothing is left of this run.")
        return 0
    draft = _environment(args.env, left)
    if draft.head.sandbox:
        _say(f"Nothing is left of this run: its {len(left.resources)} things went with the sandbox that it started.")
        return 0
    if left.run.get("environment_digest") not in (None, draft.digest):
        _say(f"NOTE     {draft.path} has changed since the run; make sure that it points at the same target")
    removals = asyncio.run(clean_run(directory, left, draft.finish(os.environ), registry.system_packages()))
    return _report(directory, removals)


def _environment(wanted: str | None, left: Left) -> Draft:
    """Read the environment of the run, and refuse one of another kind."""
    name = wanted or left.run.get("env")
    if not name:
        raise UsageProblem("the run's events do not say what it was pointed at; name it with --env")
    draft = read_environment(str(name), classes=registry.settings_classes())
    kind = left.run.get("kind", draft.head.kind)
    is_same = left.run.get("env") in (None, draft.name) or not draft.head.sandbox
    if kind != draft.head.kind or not is_same:
        ran = f"{left.run.get('env')} ({kind})"
        raise UsageProblem(f"--env: the run was pointed at {ran}, {draft.path} is of kind {draft.head.kind}")
    return draft


def _report(directory: Path, removals: list[Removal]) -> int:
    """Print what became of each thing; a reason that several share, such as a dead target, is said once."""
    reasons: dict[str, list[Removal]] = {}
    for removal in removals:
        if removal.left is None:
            _say(f"{removal.word:<9}{removal.resource}")
        else:
            reasons.setdefault(removal.left, []).append(removal)
    for reason, left in reasons.items():
        if len(left) == 1:
            _say(f"left     {left[0].resource}: {reason}")
        else:
            _say(f"left     {len(left)} things: {reason}", *(f"         {removal.resource}" for removal in left))
    total = sum(map(len, reasons.values()))
    record = f"What was done: {os.path.relpath(beside(directory))}"
    if total:
        _say(f"{total} of {len(removals)} things are left; mend the cause and run this again. {record}")
        return 1
    _say(f"Nothing is left of this run. {record}")
    return 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
