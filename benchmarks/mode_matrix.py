"""How long the mode matrix takes against the sandbox, and which flows and checks take how long.

    python benchmarks/mode_matrix.py                three rounds with two workers, about four minutes
    python benchmarks/mode_matrix.py --rounds 1 --workers 4

All four cells, both modes in both lanes, web pages included where the machine has Chromium. Wall time counts from the
start of the process to its end: the start of the sandbox, the evidence and the report are in it. What takes how long
is read from the events of the last round. A round that does not say GO ends the benchmark.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import ROOT, Aim, Sample, byte_code, run, tell, write

MOST_S = 90.0


@dataclass(frozen=True)
class Spent:
    """Seconds that one flow, in one cell, or one check took."""

    cell: str
    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s  {self.cell:14} {self.name}"


def flows(lines: Iterable[str]) -> list[Spent]:
    """Return the flows that ended, from the lines of an event log, the longest first."""
    ended = [event for event in map(json.loads, lines) if event["event"] == "flow_finished"]
    found = [Spent(event["cell"] or "", event["flow"], event["duration_s"]) for event in ended]
    return sorted(found, key=lambda spent: -spent.seconds)


def checks(evidence: dict[str, Any]) -> list[Spent]:
    """Return the checks of an evidence file, the longest first."""
    found = [Spent("", check["nodeid"].rpartition("/")[2], check["duration_s"]) for check in evidence["checks"]]
    return sorted(found, key=lambda spent: -spent.seconds)


def by_cell(found: Iterable[Spent]) -> dict[str, float]:
    """Return the seconds that the flows of each cell took together; they run beside each other."""
    totals: dict[str, float] = defaultdict(float)
    for spent in found:
        totals[spent.cell] += spent.seconds
    return dict(sorted(totals.items()))


def matrix(workers: int, evidence: Path) -> Sample:
    """Run the gate once. Raises ``SystemExit`` when it does not say GO."""
    quiet = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n", str(workers))
    command = [sys.executable, "-m", "pytest", *quiet, "-m", "mode-matrix", "--env=local", f"--evidence={evidence}"]
    return run(command, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--top", type=int, default=12, help="how many flows and checks to list")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    with byte_code(), tempfile.TemporaryDirectory() as folder:
        samples = [matrix(given.workers, Path(folder) / str(number)) for number in range(given.rounds)]
        last = Path(folder) / str(given.rounds - 1)
        longest = flows((last / "events.jsonl").read_text().splitlines())
        evidence = json.loads((last / "evidence.json").read_text())
    walls = [sample.wall_s for sample in samples]
    cpu = statistics.median(sample.cpu_s for sample in samples)
    median = statistics.median(walls)
    print(f"{len(evidence['checks'])} checks, {len(evidence['clauses'])} clauses, {given.workers} workers")
    print(f"wall {median:.1f} s ({min(walls):.1f} to {max(walls):.1f}), CPU {cpu:.1f} s")
    for cell, seconds in by_cell(longest).items():
        print(f"{seconds:7.1f} s  flows of {cell or 'no cell'}, together")
    print("flows", *longest[: given.top], sep="\n")
    print("checks", *checks(evidence)[: given.top], sep="\n")
    judged = [Aim("seconds of the mode matrix", median, MOST_S)]
    tell(judged)
    write(given.json, {"wall_s": walls, "workers": given.workers, "cells": by_cell(longest)}, judged)


if __name__ == "__main__":
    main()
