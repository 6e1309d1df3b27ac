"""``rollout-gates clauses``: search the catalogue."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TextIO

from rollout_gates.catalogue import Catalogue, CatalogueError, Clause, find_folder, load
from rollout_gates.claims import claims_below
from rollout_gates.clause import SEVERITIES
from rollout_gates.errors import did_you_mean

Claims = Mapping[str, set[Path]]
_ABOUT = """\
Search the clauses: every single thing that must hold before a rollout goes on.

Each word of TEXT must occur in a clause's ID, title, gates, severity, facts,
needs or references; letter case does not matter. One whole ID shows all that is
known of it.
"""
_MORE = """\
examples:
  rollout-gates clauses                        all of them, by gate
  rollout-gates clauses refund cancel          what is said about both
  rollout-gates clauses ID                     one clause, with the checks that name it
  rollout-gates clauses --gate security --severity critical
  rollout-gates clauses --unclaimed            what no check or golden payload names
  rollout-gates clauses | cut -f 1             in a pipe: a line a clause, tabs between
                                               ID, severity, source, gates, title
source: R the runbooks demand it, D derived from them, KR known to be red on the
reference build. Exit status: 0 found, 1 nothing matches, 4 a bad option or file.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the console script's *subparsers*."""
    parser = subparsers.add_parser(
        "clauses",
        help="search the clauses that the gates judge",
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT", help="words to search for, or one clause ID")
    parser.add_argument("--system", metavar="KEY", help="only the clauses of this system")
    parser.add_argument("--gate", metavar="G", help="only those that this gate decides by, such as mode-matrix")
    parser.add_argument("--severity", metavar="S", help=f"only these: {', '.join(SEVERITIES)}")
    parser.add_argument("--unclaimed", action="store_true", help="only those that no check names")
    parser.add_argument("--json", action="store_true", help="print a JSON list, with the files that name each clause")
    parser.add_argument("--folder", metavar="DIR", type=Path, help="the catalogue; default: clauses/ here or above")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what matches. Returns 0, or 1 where nothing does. Raises `CatalogueError` for a bad option or file."""
    folder = args.folder or find_folder()
    catalogue = load(folder)
    text = " ".join(args.text)
    found = _chosen(catalogue, args, text)
    claims = claims_below(folder.parent / "suites", folder.parent / "golden_payloads")
    if args.unclaimed:
        unclaimed = set(catalogue.clauses_without_check(claims))
        found = tuple(clause for clause in found if clause in unclaimed)
    if not found:
        sys.stderr.write(f"{_nothing(catalogue, args, text)}\n")
        return 1
    _show(found, claims, catalogue, text, as_json=args.json)
    sys.stdout.flush()  # here, so that a closed pipe is met where the caller expects it
    return 0


def _chosen(catalogue: Catalogue, args: argparse.Namespace, text: str) -> tuple[Clause, ...]:
    _refuse_unknown("--system", args.system, catalogue.systems)
    _refuse_unknown("--severity", args.severity, SEVERITIES)
    found = catalogue.search(text)
    if args.gate:
        decides = set(catalogue.for_gates([args.gate]))
        found = tuple(clause for clause in found if clause in decides)
    return tuple(
        clause for clause in found if args.system in (None, clause.system) and args.severity in (None, clause.severity)
    )


def _refuse_unknown(option: str, word: str | None, known: Iterable[str]) -> None:
    if word is not None and word not in known:
        raise CatalogueError(f"{option}: unknown {option.strip('-')} {word!r}{did_you_mean(word, known)}")


def _nothing(catalogue: Catalogue, args: argparse.Namespace, text: str) -> str:
    """Return the line that helps on when nothing matches."""
    filters = [f"{name} {value}" for name in ("system", "gate", "severity") if (value := getattr(args, name))]
    filters += ["unclaimed"] if args.unclaimed else []
    among = f" among those with {', '.join(filters)}" if filters else ""
    if not text:
        return f"no clause{among}: all {len(catalogue.clauses)} clauses are otherwise"
    without = len(catalogue.search(text))
    if filters and without:
        return f"no clause matches {text!r}{among}; without that there are {without}"
    return f"no clause of {len(catalogue.clauses)} matches {text!r}{among}{_near(catalogue, text)}"


def _near(catalogue: Catalogue, text: str) -> str:
    """Name the nearest word of the catalogue for the first word of *text* that never occurs in it."""
    clauses = catalogue.clauses
    vocabulary = {word for c in clauses for word in re.findall(r"[a-z0-9_-]{3,}", f"{c.id} {c.title}".casefold())}
    for word in text.casefold().split():
        if catalogue.search(word):
            continue
        near = get_close_matches(word, sorted(vocabulary), n=1, cutoff=0.6)
        return f"; did you mean {near[0]!r}?" if near else f"; the word {word!r} occurs in none"
    return "; each word occurs, but not all in one clause"


def _show(found: Sequence[Clause], claims: Claims, catalogue: Catalogue, text: str, *, as_json: bool) -> None:
    if as_json:
        rows = [{**clause.model_dump(mode="json"), "checks": _files(clause, claims)} for clause in found]
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    elif text.strip().upper() == found[0].id:
        _card(sys.stdout, found[0], claims, catalogue)
    elif sys.stdout.isatty():
        _table(sys.stdout, found, min(shutil.get_terminal_size().columns, 100))
    else:
        for c in found:
            sys.stdout.write("\t".join((c.id, c.severity, c.source, ",".join(c.gates), c.title)) + "\n")


def _table(out: TextIO, found: Sequence[Clause], width: int) -> None:
    """Write the clauses under a heading a gate, no line longer than *width* characters."""
    wide = max(len(clause.id) for clause in found)
    indent = wide + 18
    for (system, gate), members in groupby(found, key=lambda clause: (clause.system, clause.home)):
        out.write(f"{system} · {gate}\n")
        for clause in members:
            lines = textwrap.wrap(clause.title, max(20, width - indent))
            out.write(f"  {clause.id:<{wide}}  {clause.severity:<8}  {clause.source:<2}  {lines[0]}\n")
            out.writelines(f"{'':{indent}}{line}\n" for line in lines[1:])
        out.write("\n")
    counts = Counter(clause.severity for clause in found)
    split = ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES if counts[severity])
    out.write(f"{len(found)} clause{'s' if len(found) > 1 else ''}: {split}\n")


_SOURCES = {
    "R": "R, the runbooks demand it",
    "D": "D, derived from the runbooks",
    "KR": "KR, known to be red on the reference build",
}


def _card(out: TextIO, clause: Clause, claims: Claims, catalogue: Catalogue) -> None:
    """Write all that is known of one clause."""
    head = catalogue.systems[clause.system]
    titles = {entry: title for standard in head.standards.values() for entry, title in standard.entries.items()}
    applies = [f"{fact} {' or '.join(values)}" for fact, values in clause.applies.items()]
    applies += [f"kind {' or '.join(clause.kinds)}"] if clause.kinds else []
    applies += ["the sandbox, whose providers are stand-ins"] if clause.only_sandbox else []
    rows = [
        ("gates", ", ".join(clause.gates)),
        ("severity", clause.severity),
        ("source", f"{_SOURCES[clause.source]}; {head.contract}"),
        ("applies", "; ".join(applies) or "everywhere"),
        *(("needs", f"{need}: {head.capabilities[need]}") for need in clause.needs),
        *(("see", f"{entry} {titles[entry]}") for entry in clause.references),
        *(("named by", name) for name in _files(clause, claims) or ["no check yet"]),
    ]
    out.writelines(f"{line}\n" for line in textwrap.wrap(f"{clause.id}  {clause.title}", 80, subsequent_indent="  "))
    last = ""
    for label, value in rows:
        lines = textwrap.wrap(value, 68, break_long_words=False, break_on_hyphens=False)
        out.write(f"  {'' if label == last else label:<10}{lines[0]}\n")
        out.writelines(f"{'':12}{line}\n" for line in lines[1:])
        last = label


def _files(clause: Clause, claims: Claims) -> list[str]:
    """Return the files that name *clause*, as seen from the current directory where they lie below it."""
    here = Path.cwd()
    return sorted(str(p.relative_to(here) if p.is_relative_to(here) else p) for p in claims.get(clause.id, ()))
