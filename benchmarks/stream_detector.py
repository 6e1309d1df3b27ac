"""How well broken streams of sound are told from healthy ones, over real sockets, beside busy processors.

    python benchmarks/stream_detector.py                        12 kinds of 25 seeds, 1000 healthy: some minutes
    python benchmarks/stream_detector.py --seeds 3 --healthy 40 --load 2

The sender is a process of its own; as many streams as `--at-once` are heard at the same time, while `--load` processes
keep the processors busy. Prints, a kind, how many were found, how many under the name of their kind, and how many could
not be told; then false alarms among the healthy, and the time that judging one stream takes. A stream that could not be
told counts as not found. Where the bytes that are stored are not known, what was cut out, swapped or mixed in may be
seen only as parts that do not belong together: found, and not named.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import ROOT, Aim, tell, write

sys.path.insert(0, str(ROOT))

from rollout_gates.streams import judge
from tests.streams import scripts
from tests.streams.load import busy
from tests.streams.player import Heard, hear_at, playing

SHOWN = 20
CONTEXT = multiprocessing.get_context("spawn")

Job = tuple[str, int]


@dataclass(frozen=True)
class Result:
    """What was said of one stream."""

    kind: str
    seed: int
    found: bool
    named: bool
    doubtful: bool
    told: str
    took_s: float
    size_bytes: int


def made(job: Job) -> scripts.Script:
    kind, seed = job
    return scripts.healthy(seed) if kind == "healthy" else scripts.faulty(kind, seed)


def judged(heard: Heard) -> Result:
    started = time.process_time()
    said = judge(heard.arrivals, heard.body, heard.expected)
    took_s = time.process_time() - started
    script = heard.script
    return Result(
        script.name, script.seed, said.faulty, script.name in said.kinds, bool(said.undecided), str(said), took_s,
        len(heard.body),
    )  # fmt: skip


def send(named: dict[str, scripts.Script], address: Any, over: Any) -> None:
    """Serve in a process of its own until *over* is set."""

    async def serve() -> None:
        async with playing(named) as url:
            address.put(url)
            await asyncio.to_thread(over.wait, 120)

    asyncio.run(serve())


def heard_beside_load(played: Sequence[scripts.Script], load: int) -> list[Heard]:
    """Play *played* from another process and hear all of it at the same time."""
    named = {str(number): script for number, script in enumerate(played)}
    address, over = CONTEXT.Queue(), CONTEXT.Event()
    sender = CONTEXT.Process(target=send, args=(named, address, over))
    sender.start()
    try:
        url = address.get(timeout=60)
        with busy(load):
            return asyncio.run(hear_at(url, named))
    finally:
        over.set()
        sender.join(10)
        if sender.is_alive():
            sender.terminate()


def batches(jobs: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
    return (jobs[at : at + size] for at in range(0, len(jobs), size))


def measured(given: argparse.Namespace) -> list[Result]:
    jobs = [(kind, seed) for seed in range(given.seeds) for kind in scripts.KINDS]
    jobs += [("healthy", seed) for seed in range(given.healthy)]
    results: list[Result] = []
    with ProcessPoolExecutor(os.cpu_count(), CONTEXT) as pool:
        for batch in batches(jobs, given.at_once):
            played = list(pool.map(made, batch))
            results += map(judged, heard_beside_load(played, given.load))
            print(f"\r{len(results)} of {len(jobs)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def share(some: Sequence[Any], of: Sequence[Any]) -> float:
    return 100 * len(some) / max(1, len(of))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=25, help="streams of each kind (default: 25)")
    parser.add_argument("--healthy", type=int, default=1000, help="healthy streams (default: 1000)")
    parser.add_argument("--at-once", type=int, default=50, help="streams at the same time (default: 50)")
    parser.add_argument(
        "--load", type=int, default=os.cpu_count() or 2, help="busy processes beside (default: one a CPU)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    started = time.monotonic()
    results = measured(given)
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        by_kind[each.kind].append(each)
    print(f"{'kind':15} {'streams':>7} {'found':>6} {'named':>6} {'not told':>9}")
    for kind, mine in by_kind.items():
        counts = (len(mine), sum(r.found for r in mine), sum(r.named for r in mine), sum(r.doubtful for r in mine))
        print("{:15} {:>7} {:>6} {:>6} {:>9}".format(kind, *counts))
    healthy = by_kind.pop("healthy", [])
    faulty = [each for mine in by_kind.values() for each in mine]
    missed, alarms = [r for r in faulty if not r.found], [r for r in healthy if r.found]
    for each in [*missed, *alarms][:SHOWN]:
        print(f"  {'missed' if each in missed else 'false alarm'}: {each.kind} {each.seed}: {each.told[:160]}")
    each_ms = [1000 * r.took_s * 200_000 / max(1, r.size_bytes) for r in results]
    print(f"judging 200 kB: {statistics.median(each_ms):.0f} ms of CPU in the median, {max(each_ms):.0f} at most")
    print(f"all of it took {time.monotonic() - started:.0f} s")
    aims = [
        Aim("percent of broken streams that were missed", share(missed, faulty), 1.0),
        Aim("percent of healthy streams with a false alarm", share(alarms, healthy), 1.0),
    ]
    tell(aims)
    rows = {kind: {"streams": len(mine), "found": sum(r.found for r in mine)} for kind, mine in by_kind.items()}
    write(given.json, {"kinds": rows, "healthy": len(healthy), "false_alarms": len(alarms)}, aims)


if __name__ == "__main__":
    main()
