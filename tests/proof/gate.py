"""Runs a gate against a sandbox as a user would, and reads what it left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[2]
WHOLE = os.environ.get("PROOF") == "all"
"""Whether everything is proven (`tox -e proof`), or as much as fits into the tests of every day."""
_TIMEOUT_S = 300


@dataclass(frozen=True)
class GateRun:
    """One finished run. *output* is what the terminal showed."""

    status: int
    output: str
    folder: Path

    @cached_property
    def evidence(self) -> dict[str, Any]:
        """Return evidence.json."""
        path = self.folder / "evidence.json"
        assert path.is_file(), f"the run left no evidence:\n{self.output[-4000:]}"
        return json.loads(path.read_text())

    def ids(self, outcome: str) -> set[str]:
        """Return the IDs of the clauses that ended so."""
        return {clause["id"] for clause in self.evidence["clauses"] if clause["outcome"] == outcome}

    def told(self) -> str:
        """Return, for a failing proof, what each clause that is not green said."""
        rows = [clause for clause in self.evidence["clauses"] if clause["outcome"] not in {"green", "not applicable"}]
        return "\n".join(f"{row['id']} {row['outcome']} {row['reason'] or ''} {row.get('message', '')}" for row in rows)


def environment_file(folder: Path, mode: str, lane: str = "task", more: str = "", **settings: Any) -> Path:
    """Write an environment file for a sandbox in *mode* and *lane*, with *more* TOML at its end; return its path."""
    head = [
        'kind = "local"',
        "sandbox = true",
        f'ledger = "{folder}/ledger"',
        "[limits]",
        "billable_calls = 500",
        "timeout_s = 60",
    ]
    lines = [*head, "[tts]", f'provider_mode = "{mode}"', f'lane = "{lane}"']
    path = folder / "proof.toml"
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    path.write_text("\n".join(lines) + "\n" + more)
    return path


def run_gate(folder: Path, mode: str, *arguments: str, gate: str = "smoke", **settings: Any) -> GateRun:
    """Run *gate* against a fresh sandbox in *mode*; *arguments* go to the command line, *settings* to its file."""
    environment = environment_file(folder, mode, **settings)
    return run_checks(environment, "-m", gate, *arguments)


def run_checks(environment: Path, *arguments: str, variables: Mapping[str, str] = MappingProxyType({})) -> GateRun:
    """Run pytest with *arguments* and *environment*; the evidence lands beside that file."""
    evidence = environment.parent / "evidence"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--env={environment}"]
    done = subprocess.run(
        [*command, f"--evidence={evidence}", *arguments],
        cwd=ROOT,
        env={**_variables(), **variables},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return GateRun(done.returncode, done.stdout + done.stderr, evidence)


def checks_in(gate: str, *names: str) -> list[str]:
    """Return the files of the suite of *gate* that are named so: a name, or the beginning of one with a ``*``."""
    files = [str(path) for name in names for path in sorted((ROOT / "suites" / gate).glob(f"test_{name}.py"))]
    assert len(files) >= len(names), f"no such checks: {names}"
    return files


def built_faults(system: str, prefixes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the built faults of *system* that name a clause whose ID starts with one of *prefixes*."""
    faults = tomllib.loads((ROOT / "sandbox" / system / "faults.toml").read_text())["fault"]
    return [row for row in faults if row.get("built") and any(name.startswith(prefixes) for name in row["red"])]


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ROLLOUT_", "TTS_"))}
