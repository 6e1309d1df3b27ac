"""``rollout-gates verify DIR``: is this evidence whole, and what does it say?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.verify import verify

_ABOUT = """\
Check, offline, that the evidence of a run is whole, and compute its verdict anew.

The verdict is judged again from events.jsonl. It is compared with what the
reports say, and each file with its digest in digests.json. Nothing is written.
"""
_MORE = """\
example:
  rollout-gates verify reports/staging/20260301T120000Z-4f1c2a
lines: WRONG is wrong with the evidence; NOTE is a trouble of the run that the
evidence tells of truly. The last line is the run's own last line.
Exit status: 0 whole and GO, 1 whole and NO-GO, 6 INCONCLUSIVE, cut short or
damaged, 4 no such directory.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "verify",
        help="check, offline, that an evidence directory is whole, and compute its verdict anew",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="an evidence directory, reports/<env>/<run-id>")


def run(args: argparse.Namespace) -> int:
    """Print one line for each thing that is wrong, then the verdict; return the exit status."""
    if not args.directory.is_dir():
        raise UsageProblem(f"{args.directory} is no directory")
    finding = verify(args.directory)
    lines = [f"WRONG  {problem}" for problem in finding.problems]
    lines += [f"NOTE   {remark}" for remark in finding.remarks]
    if finding.whole:
        lines.append("The evidence is whole: events, reports and digests agree.")
    sys.stdout.write("\n".join([*lines, finding.last_line]) + "\n")
    return finding.exit_status
