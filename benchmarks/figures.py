"""What the benchmarks share: whole processes measured from outside, aims, and the machine that figures come from."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Sample:
    """One process: wall and CPU seconds, peak memory in MiB, and what it printed."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    output: str = ""


@dataclass(frozen=True)
class Aim:
    """A figure beside the most that it is meant to be."""

    name: str
    figure: float
    most: float

    @property
    def met(self) -> bool:
        return self.figure <= self.most

    def __str__(self) -> str:
        return f"{'met   ' if self.met else 'missed'} {self.name}: {self.figure:.2f}, aim {self.most:g}"


@contextmanager
def byte_code() -> Iterator[None]:
    """Let all processes share compiled code, as they do once installed, whatever this shell forbids or has compiled."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        yield


def run(command: Sequence[str], *, cwd: Path | None = None, expect: Iterable[int] = (0,), **variables: str) -> Sample:
    """Run *command* to its end. Raises ``SystemExit`` with its output for a status that is not in *expect*."""
    path = os.pathsep.join(filter(None, [str(cwd) if cwd else "", str(ROOT)]))
    started = time.perf_counter()
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path, **variables},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        output = printed.read().decode(errors="replace")
    if process.returncode not in expect:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output[-3000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, _mib(usage), output)


def _mib(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def machine() -> dict[str, Any]:
    """Return what has to be known of the machine to compare figures; the load is that of the last minute."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def tell(aims: Iterable[Aim]) -> None:
    """Print a line an aim."""
    for aim in aims:
        print(aim)


def write(path: Path | None, figures: Mapping[str, Any], aims: Iterable[Aim]) -> None:
    """Write the figures with the machine and the aims as JSON, where a file was asked for."""
    if path is not None:
        told = [{"name": aim.name, "figure": round(aim.figure, 3), "most": aim.most, "met": aim.met} for aim in aims]
        path.write_text(json.dumps({"machine": machine(), "aims": told, **figures}, indent=1) + "\n")
