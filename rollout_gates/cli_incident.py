"""``rollout-gates incident DIR``: an incident record, filled in from the evidence of a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.files import EvidenceNotWritten, write_whole
from rollout_gates.evidence.incident import render_incident
from rollout_gates.evidence.verify import verify

_ABOUT = """\
Fill in an incident record from the evidence of a run: times in UTC, trigger,
mode at start, actions, rollback type, evidence with digests, open follow-ups.

The record is Markdown. What evidence cannot tell is left blank (______).
"""
_MORE = """\
example:
  rollout-gates incident reports/staging/20260301T120000Z-4f1c2a > incident.md
Name the finished file in the records of the environment, and the restoration
gate asks whether it is complete.
Exit status: 0 written, 6 the evidence is damaged (the record says so), or there
is none, 4 no such directory.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "incident",
        help="fill in an incident record from the evidence of a run",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="an evidence directory, reports/<env>/<run-id>")
    parser.add_argument("--into", metavar="FILE", type=Path, help="write it there; a file that is there is refused")


def run(args: argparse.Namespace) -> int:
    """Write the record; return 0, or 6 where the evidence is not whole."""
    if not args.directory.is_dir():
        raise UsageProblem(f"{args.directory} is no directory")
    if args.into is not None and (args.into.exists() or args.directory in args.into.absolute().parents):
        raise UsageProblem(f"--into: {args.into} is there already, or lies in the evidence; name a new file elsewhere")
    finding = verify(args.directory)
    if finding.document is None:
        sys.stderr.write(f"rollout-gates incident: {args.directory}: {finding.problems[0]}\n")
        return 6
    record = render_incident(finding)
    if args.into is None:
        sys.stdout.write(record)
    else:
        try:
            write_whole(args.into, record)
        except EvidenceNotWritten as problem:
            raise UsageProblem(f"--into: {problem}") from None
    return 0 if finding.whole else 6
