"""How long the smoke gate takes against the sandbox, beside its longest chain of flows.

    python benchmarks/smoke_wall.py                five rounds in each mode, about a minute
    python benchmarks/smoke_wall.py --rounds 1 --modes qwen

Flows run at the same time, so no gate is faster than the longest of them together with those that it waited for. The
chain is read from the run's events: the flow that ended last, before it the one that ended last before that one began,
and so on. The start of the sandbox is measured by itself, in the same round, and shown apart. Prints medians and the
time that collection takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from figures import ROOT, Aim, byte_code, run, tell, write

sys.path.insert(0, str(ROOT))

from rollout_gates.sandbox_process import start_sandbox

ENVIRONMENT = ROOT / "environments" / "local.toml"
QUIET = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Span:
    """A flow: when it began and ended, in seconds of the epoch."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Round:
    """One run of the gate, in seconds. *gate_s* is all of it but for the start of the sandbox."""

    wall_s: float
    cpu_s: float
    sandbox_s: float
    chain_s: float
    chain: tuple[str, ...]

    @property
    def gate_s(self) -> float:
        return self.wall_s - self.sandbox_s


def spans(lines: Iterable[str]) -> list[Span]:
    """Return the flows that ended, from the lines of an event log."""
    events = [event for event in map(json.loads, lines) if event["event"] == "flow_finished"]
    ends = [(event, datetime.fromisoformat(event["t"]).timestamp()) for event in events]
    return [Span(event["flow"], end - event["duration_s"], end) for event, end in ends]


def longest_chain(flows: Iterable[Span], slack_s: float = 0.002) -> list[Span]:
    """Return the flow that ended last and those that it waited for, in order of time; times are known to *slack_s*."""
    left = sorted(flows, key=lambda span: span.end)
    chain: list[Span] = []
    while left:
        chain.insert(0, left.pop())
        left = [span for span in left if span.end <= chain[0].start + slack_s and span.start < chain[0].start]
    return chain


def smoke(mode: str, folder: Path, number: int) -> Round:
    """Run the gate once. Raises ``SystemExit`` when it does not say GO."""
    environment = folder / f"{mode}.toml"
    environment.write_text(ENVIRONMENT.read_text().replace('provider_mode = "qwen"', f'provider_mode = "{mode}"'))
    evidence = folder / f"{mode}-{number}"
    command = [sys.executable, "-m", "pytest", *QUIET, "-m", "smoke", f"--env={environment}", f"--evidence={evidence}"]
    sandbox_s = start_of_sandbox({"tts": tomllib.loads(environment.read_text())["tts"]})
    sample = run(command, cwd=ROOT)
    chain = longest_chain(spans((evidence / "events.jsonl").read_text().splitlines()))
    seconds = sum(span.end - span.start for span in chain)
    return Round(sample.wall_s, sample.cpu_s, sandbox_s, seconds, tuple(span.name for span in chain))


def start_of_sandbox(systems: Mapping[str, Mapping[str, Any]]) -> float:
    """Return the seconds from nothing to a sandbox that is ready."""
    started = time.perf_counter()
    sandbox = start_sandbox(systems)
    seconds = time.perf_counter() - started
    sandbox.stop()
    return seconds


def collection() -> float:
    """Return the seconds that listing the gate's checks takes, from the start of the process to its end."""
    command = [sys.executable, "-m", "pytest", *QUIET, "-m", "smoke", "--env=local", "--collect-only"]
    return run(command, cwd=ROOT).wall_s


def median(rounds: Iterable[Round], name: str) -> float:
    return statistics.median(getattr(each, name) for each in rounds)


def line(mode: str, rounds: list[Round]) -> str:
    """Return the medians of a mode."""
    names = ("wall_s", "sandbox_s", "gate_s", "chain_s", "cpu_s")
    wall, sandbox, gate, chain, cpu = (median(rounds, name) for name in names)
    limits = f"{min(each.wall_s for each in rounds):.2f} to {max(each.wall_s for each in rounds):.2f}"
    return (
        f"{mode:6} wall {wall:5.2f} s ({limits})  sandbox {sandbox:4.2f}  without it {gate:5.2f}  "
        f"chain {chain:5.2f} ({' > '.join(rounds[-1].chain)})  CPU of the gate {cpu:4.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modes", nargs="+", default=["qwen", "modal"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    found: dict[str, list[Round]] = {mode: [] for mode in given.modes}
    collected: list[float] = []
    with byte_code(), tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds + 1):  # the first does not count
            for mode, rounds in found.items():
                rounds.append(smoke(mode, Path(folder), number))
            collected.append(collection())
    found = {mode: rounds[1:] for mode, rounds in found.items()}
    for mode, rounds in found.items():
        print(line(mode, rounds))
    seconds = statistics.median(collected[1:])
    print(f"collection {seconds:.2f} s ({min(collected[1:]):.2f} to {max(collected[1:]):.2f})")
    judged = [
        Aim(
            f"{mode}: seconds of the gate without the sandbox's start",
            median(rounds, "gate_s"),
            round(1.3 * median(rounds, "chain_s") + 2, 2),
        )
        for mode, rounds in found.items()
    ]
    judged.append(Aim("seconds of collection", seconds, 1.0))
    tell(judged)
    rows = {mode: [asdict(each) for each in rounds] for mode, rounds in found.items()}
    write(given.json, {"rounds": given.rounds, "modes": rows, "collection_s": collected[1:]}, judged)


if __name__ == "__main__":
    main()
