"""``rollout-gates render DIR``: writes the reports of a run anew from its events, for example after a crash."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.files import EvidenceNotWritten
from rollout_gates.evidence.render import render
from rollout_gates.evidence.verify import verify

_ABOUT = """\
Write the reports of a run anew from its events, for example after a crash.

Everything but events.jsonl and transcripts/ is written again: index.html,
evidence.json, go-no-go.md, junit.xml, ctrf.json, digests.json. The events are
not touched. A run that was cut short stays INCONCLUSIVE; its reports say so.
"""
_MORE = """\
example:
  rollout-gates render reports/staging/20260301T120000Z-4f1c2a
Prints the path of the report, then what verify says of it.
Exit status: 0 GO, 1 NO-GO, 6 INCONCLUSIVE or nothing to render, 4 no such
directory.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "render",
        help="write the reports of a run anew from its events, for example after a crash",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="an evidence directory, reports/<env>/<run-id>")


def run(args: argparse.Namespace) -> int:
    """Render, then say what `verify` says; return its exit status, or 6 when nothing could be written."""
    if not args.directory.is_dir():
        raise UsageProblem(f"{args.directory} is no directory")
    try:
        render(args.directory)
    except EvidenceNotWritten as problem:
        sys.stderr.write(f"rollout-gates render: {problem}\n")
        return 6
    finding = verify(args.directory)
    sys.stdout.write("".join(f"WRONG  {problem}\n" for problem in finding.problems))
    sys.stdout.write(f"{args.directory / 'index.html'}\n{finding.last_line}\n")
    return finding.exit_status
