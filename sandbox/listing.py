"""The table of faults, as `--list-faults` shows it."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.faults import Fault

KINDS = (
    "D named in the rollout documents, A audit finding, O other real defect, H added mutation, "
    "P violation of a provider's protocol"
)
INDENT = 25


def as_table(faults: Iterable[Fault], *, width: int = 80) -> str:
    """A table of at most *width* columns (never under 60): one row a fault, its red clauses below the summary."""
    shown = list(faults)
    room = max(60, width) - INDENT
    lines = [f"{'FAULT':<10}{'KIND':<5}{'RB':<4}{'BUILT':<6}WHAT IT DOES"]
    for fault in shown:
        cells = textwrap.wrap(fault.summary, room, break_on_hyphens=False)
        if fault.red:
            red = f"red: {', '.join(fault.red)}"
            cells += textwrap.wrap(red, room, subsequent_indent="     ", break_on_hyphens=False)
        cells += [f"only: {only}" for only in [", ".join((*fault.modes, *fault.lanes))] if only]
        head = f"{fault.name:<10}{fault.kind:<5}{_yes(fault.reference):<4}{_yes(fault.built):<6}"
        lines += [f"{head}{cells[0]}", *(" " * INDENT + cell for cell in cells[1:])]
    lines += ["", _count(shown), *textwrap.wrap(f"Kind: {KINDS}. RB: the reference build has it.", max(60, width))]
    return "\n".join(lines)


def as_json(faults: Iterable[Fault]) -> str:
    """The same for a program: a JSON array of objects."""
    return json.dumps([{"name": fault.name, **asdict(fault)} for fault in faults], indent=1)


def matching(faults: Iterable[Fault], text: str) -> list[Fault]:
    """Faults whose name, summary or red clauses hold *text*, whatever the case."""
    sought = text.lower()
    return [one for one in faults if sought in " ".join((one.name, one.summary, *one.red)).lower()]


def _count(faults: list[Fault]) -> str:
    built = sum(fault.built for fault in faults)
    reference = sum(fault.reference for fault in faults)
    return f"{len(faults)} fault{'' if len(faults) == 1 else 's'}, {built} built, {reference} in the reference build."


def _yes(value: object) -> str:
    return "yes" if value else ""
