"""What the gate's machinery costs, beside a bare client and beside plain pytest.

    python benchmarks/overhead.py                  all sizes, five rounds, about ten minutes
    python benchmarks/overhead.py --sizes 50 --rounds 1

Golden payloads against a trivial local server that answers after 0 or 20 ms, with all reports on (ours), beside a
bare asyncio client at concurrency 16 (bare: httpx; aio: aiohttp) and beside plain pytest with httpx and JUnit
(plain). Whole processes, one after the other within each round, so that a drift of the machine hits all alike.
Prints medians: wall seconds, the ratios, CPU milliseconds a check, peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = Path(__file__).parent / "overhead_parts"


@dataclass(frozen=True)
class Sample:
    """One process: wall and CPU seconds, peak memory in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


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


def run(command: list[str], cwd: Path | None = None, **variables: str) -> Sample:
    """Run *command* to its end. Raises ``SystemExit`` with its output when it fails."""
    path = os.pathsep.join(filter(None, [str(cwd) if cwd else "", str(ROOT)]))
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, **variables},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.read().decode()[-3000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, _mib(usage))


def _mib(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


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


def report(size: int, delay_ms: int, samples: dict[str, list[Sample]]) -> None:
    """Print one line of medians."""
    wall = {name: statistics.median(sample.wall_s for sample in found) for name, found in samples.items()}
    ours = samples["ours"]
    cpu = statistics.median(sample.cpu_s for sample in ours) / size * 1000
    peak = max(sample.peak_mib for sample in ours)
    walls = "  ".join(f"{name} {seconds:6.2f}" for name, seconds in wall.items())
    ratios = "  ".join(
        f"/{name} {statistics.median(a.wall_s / b.wall_s for a, b in zip(ours, samples[name], strict=True)):5.2f}"
        for name in ("bare", "aio", "plain")
    )
    print(f"{size:5} {delay_ms:3} ms  {walls}   ours{ratios}   {cpu:6.2f} ms CPU a check  {peak:4.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 500, 2000])
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 20], help="milliseconds")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print("cases delay  median wall in seconds, median of the ratios a round")
    for delay_ms in given.delays:
        for size in given.sizes:
            report(size, delay_ms, measure(size, delay_ms, given.rounds))


if __name__ == "__main__":
    main()
