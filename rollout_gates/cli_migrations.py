"""``rollout-gates migrations DIR``: judges the statements of a migrations folder, without a deployment or a run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollout_gates.errors import UsageProblem
from rollout_gates.migrations.files import read_migrations

if TYPE_CHECKING:
    from rollout_gates.migrations.model import Finding

_ABOUT = """\
Say whether the SQL files of a folder only add to a Postgres schema.

Each statement is read by Postgres's own parser, in DO blocks and in functions
that are called as well. What drops, renames, retypes, deletes, overwrites,
demands, locks or opens is refused. The gate migration-invariants asks the same,
and rehearses the files too.
"""
_MORE = """\
example:
  rollout-gates migrations supabase/migrations --base 20260201000300_rights.sql
Without --base every file is judged, as on an empty database.
Exit status: 0 nothing is refused, 1 something is, 6 something cannot be read,
4 no such folder or file.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "migrations",
        help="judge the SQL files of a migrations folder by their statements",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="a folder of ordered *.sql files")
    parser.add_argument("--base", metavar="FILE", help="the last file that is deployed already")
    parser.add_argument("--advice", action="store_true", help="show advice as well, for which nothing is refused")


def run(args: argparse.Namespace) -> int:
    """Print what was found, worst first; return 1 where anything is refused, 6 where anything is in doubt."""
    files = read_migrations(args.directory, args.base)
    try:
        from rollout_gates.migrations.judging import judge_files  # noqa: PLC0415 - an extra of its own
        from rollout_gates.migrations.linter import advice  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise UsageProblem(f"{missing.name} is missing: pip install 'rollout-gates[migrations]'") from None
    found = [*judge_files(files), *(advice(files.pending) if args.advice else ())]
    by_weight = {weight: [each for each in found if each.weight == weight] for weight in ("refused", "doubt", "advice")}
    shown = by_weight["refused"] + by_weight["doubt"] + (by_weight["advice"] if args.advice else [])
    sys.stdout.write("".join(_line(each) for each in shown))
    counts = _counts(by_weight.items())
    sys.stdout.write(f"{len(files.pending)} files, {len(files.deployed)} deployed before them: {counts}\n")
    return 1 if by_weight["refused"] else 6 if by_weight["doubt"] else 0


def _line(finding: Finding) -> str:
    return f"{finding.weight.value.upper():<8} {finding}\n"


def _counts(rows: Iterable[tuple[str, list[Finding]]]) -> str:
    words = {"refused": "refused", "doubt": "in doubt", "advice": "advised"}
    return ", ".join(f"{len(found)} {words[weight]}" for weight, found in rows)
