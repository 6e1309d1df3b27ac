"""``rollout-gates ledger``: the verdicts of an environment over days, and whether the chain of them is whole."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rollout_gates import registry
from rollout_gates.environment import read_environment
from rollout_gates.errors import UsageProblem
from rollout_gates.evidence.text import count
from rollout_gates.ledger import Entry, Ledger, LedgerFailed, open_store, read_ledger, usual_place
from rollout_gates.ledger.evidence import Compared, compare

_SHOWN_BLOCKERS = 4
_ABOUT = """\
Show the ledger of an environment, and check that it is whole.

The ledger holds the verdict of each run, chained by hashes. An entry that is
missing, changed, inserted or moved is named. Where the evidence of a run is
still there, it is compared with the digest in its entry.
"""
_MORE = """\
examples:
  rollout-gates ledger --env staging
  rollout-gates ledger --env reports/staging/ledger --json
  rollout-gates ledger --env s3://bucket/rollout/ledger --holds 3f9ac1...
A chain cannot show that its last entries were cut off. A run prints the hash of
its entry; kept elsewhere, it proves with --holds that the entry still stands.
Exit status: 0 whole, 1 something is wrong with it, 6 no entry or it cannot be
read, 4 a bad option or file.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "ledger",
        help="show the verdicts of an environment over days, and check that none was changed or removed",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--env", metavar="NAME|DIR|URL", help="an environment, or where its ledger lies; ROLLOUT_ENV may supply it"
    )
    parser.add_argument("--holds", metavar="HASH", help="the hash of an entry that has to be in it, from 12 digits on")
    parser.add_argument("--json", action="store_true", help="as JSON: the entries, and what is wrong")


def run(args: argparse.Namespace) -> int:
    """Print the entries and what is wrong; return 0, 1 or 6."""
    place = _place(args.env or os.environ.get("ROLLOUT_ENV"))
    try:
        ledger = read_ledger(open_store(place))
    except LedgerFailed as problem:
        sys.stderr.write(f"rollout-gates ledger: {problem}\n")
        return 6
    compared = compare(ledger)
    problems = [*ledger.problems, *compared.problems, *_missing(ledger, args.holds)]
    sys.stdout.write(_as_json(ledger, problems) if args.json else _as_text(ledger, compared, problems))
    if problems:
        return 1
    return 0 if ledger.entries else 6


def _place(wanted: str | None) -> str:
    """Return the directory or URL that *wanted* means."""
    if not wanted:
        known = ", ".join(sorted(file.stem for file in Path("environments").glob("*.toml")))
        raise UsageProblem(f"--env is required: name the environment ({known}), or where its ledger lies")
    if "://" in wanted or (Path(wanted).is_dir() and not wanted.endswith(".toml")):
        return wanted
    draft = read_environment(wanted, classes=registry.settings_classes())
    return draft.head.ledger or usual_place(Path("reports"), draft.name)


def _missing(ledger: Ledger, wanted: str | None) -> Iterator[str]:
    if wanted is None:
        return
    wanted = wanted.lower()
    if len(wanted) < 12 or set(wanted) - set("0123456789abcdef"):
        raise UsageProblem("--holds: at least the first 12 hexadecimal digits of a hash are needed")
    if not any(entry.hash.startswith(wanted) for entry in ledger.entries):
        yield f"no entry has the hash {wanted}: it was removed, or stands in another ledger"


def _as_json(ledger: Ledger, problems: Iterable[str]) -> str:
    entries = [entry.model_dump(mode="json", by_alias=True) for entry in ledger.entries]
    told = {"place": ledger.place, "whole": not problems, "problems": list(problems), "entries": entries}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _as_text(ledger: Ledger, compared: Compared, problems: Iterable[str]) -> str:
    rows = [("", "finished (UTC)", "run", "verdict", "gates", "blockers"), *map(_row, ledger.entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join([*map(str.ljust, row, widths), row[5]]).rstrip() for row in rows if ledger.entries]
    lines += [f"WRONG  {problem}" for problem in problems]
    return "\n".join([*lines, _last(ledger, compared, whole=not problems)]) + "\n"


def _row(entry: Entry) -> tuple[str, ...]:
    gates = ", ".join(f"{gate} {verdict}" if len(entry.gates) > 1 else gate for gate, verdict in entry.gates.items())
    return (
        str(entry.sequence),
        f"{entry.finished:%Y-%m-%d %H:%M:%S}",
        entry.run,
        entry.verdict,
        gates or "all gates",
        _blockers(entry),
    )


def _blockers(entry: Entry) -> str:
    shown = ", ".join(entry.blockers[:_SHOWN_BLOCKERS])
    more = len(entry.blockers) - _SHOWN_BLOCKERS
    trouble = [count(entry.problems, "problem") + " of the run itself"] if entry.problems else []
    return "; ".join([*([shown + (f" and {more} more" if more > 0 else "")] if shown else []), *trouble])


def _last(ledger: Ledger, compared: Compared, *, whole: bool) -> str:
    if ledger.head is None:
        return f"{ledger.place}: no entry"
    evidence = f"evidence of {compared.there} of them is here"
    state = "whole" if whole else "NOT WHOLE"
    return f"{ledger.place}: {state}, {_entries(ledger)}; {evidence}; the last hash is {ledger.head.hash}"


def _entries(ledger: Ledger) -> str:
    return count(len(ledger.entries), "entry", "entries")
