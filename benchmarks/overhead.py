"""What the gate's machinery costs, beside a bare client and beside plain pytest.

    python benchmarks/overhead.py                  all sizes, five rounds, about ten minutes
    python benchmarks/overhead.py --sizes 50 --rounds 1

Golden payloads against a trivial local server that answers after 0 or 20 ms, with all reports on (ours), beside a
bare asyncio client at concurrency 16 (bare: httpx; aio: aiohttp) and beside plain pytest with httpx and JUnit
(plain). Whole processes, one after the other within each round, so that a drift of the machine hits all alike.
Prints medians: wall seconds, the ratios, CPU milliseconds a check, peak memory; then how all of it grows with the
number of checks, and which aims are met. A busy machine slows all contenders down: believe the ratios.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from figures import ROOT, Aim, Sample, byte_code, run, tell, write

PARTS = Path(__file__).parent / "overhead_parts"


@dataclass(frozen=True)
class Row:
    """One size and delay: medians by contender, *ratios* of our wall time to theirs, and our peak memory."""

    size: int
    delay_ms: int
    wall_s: dict[str, float]
    cpu_s: dict[str, float]
    ratios: dict[str, float]
    peak_mib: float

    def __str__(self) -> str:
        walls = "  ".join(f"{name} {seconds:6.2f}" for name, seconds in self.wall_s.items())
        ratios = "  ".join(f"/{name} {ratio:5.2f}" for name, ratio in self.ratios.items())
        cpu = self.cpu_s["ours"] / self.size * 1000
        return f"{self.size:5} {self.delay_ms:3} ms  {walls}   ours{ratios}   {cpu:6.2f} ms  {self.peak_mib:4.0f} MiB"


@contextmanager
def server(delay_ms: int) -> Iterator[str]:
    """Run the trivial target and yield its URL."""
    command = [sys.executable, str(PARTS / "server.py"), str(delay_ms / 1000)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(10)


def make_project(folder: Path, size: int, url: str) -> None:
    """Lay out a project with *size* golden payloads, as a user of the gates would have it."""
    package = folder / "packages" / "bench"
    for path in (package, folder / "clauses", folder / "environments", folder / "suites" / "smoke"):
        path.mkdir(parents=True)
    shutil.copy(PARTS / "system.py", package / "__init__.py")
    shutil.copy(ROOT / "suites" / "smoke" / "test_golden_payloads.py", folder / "suites" / "smoke")
    (folder / "environments" / "bench.toml").write_text(f'kind = "staging"\n[bench]\nurl = "{url}"\n')
    (folder / "clauses" / "bench.toml").write_text(_CATALOGUE)
    (folder / "conftest.py").write_text(_CONFTEST)
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    options.pop("pythonpath")
    (folder / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())
    )
    make_cases(folder / "golden_payloads", size)


def make_cases(root: Path, size: int) -> None:
    """Write *size* cases and their count."""
    folder = root / "bench" / "items"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "golden_payloads" / "payload.schema.json", root)
    for number in range(size):
        body = {"id": number, "name": f"item {number}", "tags": ["a", "b"]}
        (folder / f"item-{number:05}-is-served.json").write_text(
            json.dumps(
                {
                    "$schema": "../../payload.schema.json",
                    "title": f"Item {number} is served",
                    "made": "by the benchmark",
                    "clauses": ["BENCH-A-01"],
                    "archetype": "valid",
                    "as": "anon",
                    "request": {"method": "GET", "path": f"/items/{number}"},
                    "expect": {"any": {"status": 200, "json": body}},
                }
            )
        )
    (root / "counts.json").write_text(json.dumps({"bench": {"modes": ["plain"], "folders": {"items": size}}}))


_CONFTEST = """\
import pathlib
import rollout_gates.systems
rollout_gates.systems.__path__.append(str(pathlib.Path(__file__).parent / "packages"))
pytest_plugins = ["rollout_gates.plugin", "fixtures.golden"]
"""
_CATALOGUE = """\
system = "bench"
title = "Benchmark"
prefixes = ["BENCH"]
contract = "none"
[facts]
mode = ["plain"]
[capabilities]
[[clause]]
id = "BENCH-A-01"
title = "Every item is served"
gates = ["smoke"]
severity = "high"
source = "R"
"""


def contenders(project: Path, url: str) -> dict[str, Callable[[], Sample]]:
    """Return a function a contender that runs it once."""
    cases = str(project / "golden_payloads" / "bench")
    quiet = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    python = sys.executable
    plain = [
        python,
        "-m",
        "pytest",
        *quiet,
        "-p",
        "no:html",
        "-p",
        "no:xdist",
        "-c",
        os.devnull,
        "--rootdir",
        str(PARTS),
    ]
    plain += [str(PARTS / "plain_pytest.py"), f"--junitxml={project / 'plain.xml'}"]
    ours = [python, "-m", "pytest", *quiet, "-m", "smoke", "--env=bench"]
    return {
        "ours": lambda: run([*ours, f"--evidence={tempfile.mkdtemp(dir=project)}"], cwd=project),
        "bare": lambda: run([python, str(PARTS / "bare.py"), url, cases]),
        "aio": lambda: run([python, str(PARTS / "bare_aiohttp.py"), url, cases]),
        "plain": lambda: run(plain, BENCH_CASES=cases, BENCH_URL=url),
    }


def measure(size: int, delay_ms: int, rounds: int) -> dict[str, list[Sample]]:
    """Run all contenders *rounds* times in turn, after one round that does not count."""
    with server(delay_ms) as url, tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        make_project(project, size, url)
        runs = contenders(project, url)
        samples: dict[str, list[Sample]] = {name: [] for name in runs}
        for number in range(rounds + 1):
            for name, once in runs.items():
                sample = once()
                if number:
                    samples[name].append(sample)
    return samples


def row_of(size: int, delay_ms: int, samples: dict[str, list[Sample]]) -> Row:
    """Return the medians of one size and delay. A ratio is the median of the ratios of single rounds."""
    ours = samples["ours"]
    return Row(
        size=size,
        delay_ms=delay_ms,
        wall_s={name: statistics.median(sample.wall_s for sample in found) for name, found in samples.items()},
        cpu_s={name: statistics.median(sample.cpu_s for sample in found) for name, found in samples.items()},
        ratios={
            name: statistics.median(a.wall_s / b.wall_s for a, b in zip(ours, samples[name], strict=True))
            for name in ("bare", "aio", "plain")
        },
        peak_mib=max(sample.peak_mib for sample in ours),
    )


def growth(rows: list[Row]) -> list[str]:
    """Return a line a pair of neighbouring sizes: what a check more costs, and the wall time beside the size."""
    lines = []
    for delay_ms in dict.fromkeys(row.delay_ms for row in rows):
        mine = sorted((row for row in rows if row.delay_ms == delay_ms), key=lambda row: row.size)
        for few, many in itertools.pairwise(mine):
            more = (many.wall_s["ours"] - few.wall_s["ours"]) / (many.size - few.size) * 1000
            lines.append(
                f"{delay_ms:3} ms, {few.size} to {many.size} checks: {more:5.2f} ms a check more, "
                f"wall grows {grown(few, many):.2f} times as fast as the checks"
            )
    return lines


def grown(few: Row, many: Row) -> float:
    """Return the ratio of the wall times over the ratio of the sizes: 1 is linear, less has a fixed part."""
    return many.wall_s["ours"] / few.wall_s["ours"] / (many.size / few.size)


def aims(rows: list[Row]) -> list[Aim]:
    """Return what the rows are to be judged by."""
    found = [
        Aim(f"{row.size} checks, 20 ms: wall beside the bare client", row.ratios["bare"], 1.6)
        for row in rows
        if row.delay_ms == 20
    ]
    found += [
        Aim(f"{row.size} checks, 0 ms: wall beside plain pytest", row.ratios["plain"], 1.3)
        for row in rows
        if row.delay_ms == 0
    ]
    by_size = {(row.size, row.delay_ms): row for row in rows}
    found += [
        Aim(f"500 to 2000 checks, {delay} ms: growth of the wall over that of the checks", grown(few, many), 1.05)
        for delay in (0, 20)
        if (few := by_size.get((500, delay))) and (many := by_size.get((2000, delay)))
    ]
    return [*found, Aim("peak memory in MiB", max(row.peak_mib for row in rows), 250)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500, 2000])
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 20], help="milliseconds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    print("cases delay  median wall in seconds, median of the ratios a round, of ours: CPU a check and peak")
    rows = []
    with byte_code():
        for delay_ms in given.delays:
            for size in given.sizes:
                rows.append(row_of(size, delay_ms, measure(size, delay_ms, given.rounds)))
                print(rows[-1], flush=True)
    print(*growth(rows), sep="\n")
    judged = aims(rows)
    tell(judged)
    write(given.json, {"rounds": given.rounds, "rows": [asdict(row) for row in rows]}, judged)


if __name__ == "__main__":
    main()
