"""What the reports of a run cost: time, memory and size, by the number of checks.

    python benchmarks/reports.py [--body BYTES] [N ...]

Each check has a transcript of its own with one exchange; one check in a thousand is red. Each size is rendered in a
process of its own, five times; the median counts. Nothing here is asserted: ``tests/evidence`` holds the size limit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from rollout_gates.evidence.render import render  # noqa: E402 - the path comes first
from rollout_gates.evidence.verify import verify  # noqa: E402
from tests.evidence import story  # noqa: E402

ROUNDS = 5


def main() -> None:
    """Print a line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", metavar="N", nargs="*", type=int, default=[50, 500, 2000])
    parser.add_argument("--body", type=int, default=1500, help="bytes of each response body (default: 1500)")
    arguments = parser.parse_args()
    print(
        f"{'checks':>7} {'render':>9} {'a check':>9} {'verify':>9} {'peak':>8} {'index.html':>11} {'all reports':>12}"
    )
    context = multiprocessing.get_context("spawn")
    for checks in arguments.sizes:
        with context.Pool(1) as pool:
            print(pool.apply(measured, (checks, arguments.body)), flush=True)


def measured(checks: int, body: int) -> str:
    """Return the line for a run of *checks* checks."""
    with tempfile.TemporaryDirectory() as name:
        directory = story.large(Path(name), checks, body)
        rendered = statistics.median(timed(lambda: render(directory)) for _ in range(ROUNDS))
        verified = statistics.median(timed(lambda: verify(directory)) for _ in range(ROUNDS))
        page = (directory / "index.html").stat().st_size / 1e6
        reports = sum(path.stat().st_size for path in directory.iterdir() if path.is_file()) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = rendered / checks * 1000
    return (
        f"{checks:>7} {rendered:>7.3f} s {each:>6.2f} ms {verified:>7.3f} s {peak:>4.0f} MiB"
        f" {page:>8.2f} MB {reports:>9.2f} MB"
    )


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that *act* takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
