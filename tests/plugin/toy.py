"""A whole project in a temporary folder: one toy system, its catalogue, environments and suites, run as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

SYSTEM = """
import asyncio, contextlib
from rollout_gates.conductor import flow
from rollout_gates.environment import Secrets, SystemSettings
from rollout_gates.reasons import Reason
from rollout_gates.wire.errors import CouldNotJudge

KEY = "toy"

class ToySecrets(Secrets):
    token: str | None = None

class Settings(SystemSettings):
    key = "toy"
    url: str
    mode: str = "plain"
    secrets: ToySecrets = ToySecrets()
    def facts(self): return {"mode": self.mode}
    def capabilities(self): return frozenset()
    def target(self): return self.url

@flow("good")
async def good(context): return 42

@flow("thin")
async def thin(context): raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, "one sample of ten")

@flow("broken")
async def broken(context): return {}["nothing"]

@flow("slow")
async def slow(context):
    context.note("a slow one")
    await asyncio.sleep(30)

FLOWS = {found.name: found for found in (good, thin, broken, slow)}

@contextlib.asynccontextmanager
async def open_session(context): yield object()
async def send_golden(context, case): ...
async def golden_values(context, names): return {}
async def remove(session, resource): ...
"""

CONFTEST = """
import pytest, rollout_gates.systems
rollout_gates.systems.__path__.append(str(__import__("pathlib").Path(__file__).parent / "packages"))
pytest_plugins = ["rollout_gates.plugin", "observations"]
"""

OBSERVATIONS = """
from fixtures.observing import observation
good = observation("toy", "good")
thin = observation("toy", "thin")
broken = observation("toy", "broken")
slow = observation("toy", "slow")
"""

CATALOGUE = """
system = "toy"
title = "Toy"
prefixes = ["TOY"]
contract = "docs/contracts/toy.md"
[facts]
mode = ["plain", "fancy"]
[capabilities]
database = "secrets.database_dsn is configured"
[[clause]]
id = "TOY-A-01"
title = "The first thing holds"
gates = ["smoke"]
severity = "high"
source = "R"
[[clause]]
id = "TOY-A-02"
title = "The second thing holds"
gates = ["smoke", "mode-matrix"]
severity = "low"
source = "D"
[[clause]]
id = "TOY-A-03"
title = "Only in fancy mode"
gates = ["smoke"]
severity = "low"
source = "R"
applies = { mode = ["fancy"] }
[[clause]]
id = "TOY-S-01"
title = "Nothing leaks"
gates = ["security"]
severity = "critical"
source = "R"
"""

GREEN = '''
import pytest

@pytest.mark.clause("TOY-A-01")
def test_the_first_thing_holds(good):
    """It holds."""
    assert good == 42

@pytest.mark.clause("TOY-A-02")
def test_the_second_thing_holds(good):
    """It holds."""
    assert good > 41
'''


@dataclass
class Ended:
    """How a run of the toy project ended."""

    status: int
    output: str
    folder: Path

    @property
    def last_line(self) -> str:
        return self.output.rstrip().splitlines()[-1]

    @property
    def verdict(self) -> str:
        return self.last_line.split()[0]

    @property
    def evidence(self) -> dict:
        return json.loads((self.folder / "evidence.json").read_text())

    def clause(self, name: str) -> dict:
        return next(row for row in self.evidence["clauses"] if row["id"] == name)


class ToyProject:
    """Write suites with `suite`, run with `run`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("packages/toy/__init__.py", SYSTEM)
        self.write("conftest.py", CONFTEST)
        self.write("observations.py", OBSERVATIONS)
        self.write("clauses/toy.toml", CATALOGUE)
        self.write("environments/here.toml", 'kind = "staging"\n[toy]\nurl = "http://127.0.0.1:9"\n')
        self.write("pyproject.toml", _pytest_table())
        self.suite(GREEN)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def suite(self, text: str, name: str = "smoke/test_toy.py") -> Path:
        return self.write(f"suites/{name}", text)

    def run(self, *arguments: str, env: str | None = "here", timeout: float = 60, **variables: str) -> Ended:
        evidence = self.folder / "reports" / f"run-{len(list(self.folder.glob('reports/*')))}"
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"]
        command += [f"--env={env}"] if env else []
        command += ["-m", "smoke"] if "-m" not in arguments else []
        command += [f"--evidence={evidence}", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.variables(**variables), capture_output=True, text=True, timeout=timeout
        )
        return Ended(done.returncode, done.stdout + done.stderr, evidence)

    def variables(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ROLLOUT_"))}
        return {**kept, "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}", **more}


def _pytest_table() -> str:
    text = (ROOT / "pyproject.toml").read_text()
    start = text.index("[tool.pytest.ini_options]")
    end = text.index("\n[", start)
    return text[start:end].replace('pythonpath = ["."]', "") + "\n"
