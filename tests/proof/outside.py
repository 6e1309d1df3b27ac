"""A sandbox as somebody else's deployment: started by its command line, known by addresses, keys and nothing more."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.proof.gate import ROOT, GateRun, _variables, run_checks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "what-is-seen-from-outside.md"
GENEROUS = 500
"""Billable calls that no run of the matrix comes near."""
# Without these a run of minutes would meet the limits of section 4 with its users' polls.
# Providers take their time: less than real ones, and enough for a client to come in between. A design that takes longer
# is answered with a redirect to where it will be.
_TIMES = {
    "dashscope": {"clone_s": 0.3, "design_s": 1.2, "synthesis_s": 0.9},
    "modal": {"submit_s": 0.3, "job_s": 1.5, "design_s": 0.8, "design_redirect": 303},
}
_ROOMY = {"tier1_user": 1000, "tier2_user": 10_000, "tier3_ip": 100_000, "tier1_ip": 10_000, "tier2_ip": 100_000}


@dataclass(frozen=True)
class Deployment:
    """One deployment as its owner knows it: a table for an environment file, and the *variables* with its secrets."""

    table: dict[str, Any]
    variables: dict[str, str]

    def environment(
        self, folder: Path, *, billable_calls: int = GENEROUS, kind: str = "staging", **changes: Any
    ) -> Path:
        """Write an environment file of *kind* and return its path. *changes* are keys of `[tts]`; None drops."""
        table = {key: value for key, value in {**self.table, **changes}.items() if value is not None}
        lines = [f'kind = "{kind}"', "[limits]", f"billable_calls = {billable_calls}", "[tts]"]
        lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
        path = folder / "outside.toml"
        path.write_text("\n".join(lines) + "\n")
        return path


@contextlib.contextmanager
def deployed(folder: Path, mode: str, lane: str, *faults: str, roomy: bool = True) -> Iterator[Deployment]:
    """Run a deployment with *faults* within the block."""
    settings = {f"providers.{name}.{key}": value for name, times in _TIMES.items() for key, value in times.items()}
    # The limits of the contract are met within its window of 300 s or within one of a minute: that only shortens waits.
    limits = _ROOMY if roomy else {"window_s": 60}
    settings |= {f"rate_limits.{key}": value for key, value in limits.items()}
    command = [sys.executable, "-m", "rollout_gates.cli", "sandbox", "--json", "--until-eof", "--system", "tts"]
    command += ["--mode", mode, "--lane", lane]
    command += [f"--fault=tts:{fault}" for fault in faults]
    command += [f"--setting=tts.{key}={value}" for key, value in settings.items()]
    command += [f"--setting=tts.log_file={folder / 'deployment.log'}"]
    with subprocess.Popen(
        command, cwd=ROOT, env=_variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = json.loads(process.stdout.readline())
            assert sorted(line["faults"]) == sorted(f"tts:{fault}" for fault in faults), "the faults are not on"
            yield Deployment(line["systems"]["tts"], line["variables"])
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def judge(folder: Path, there: Deployment, *arguments: str, gate: str = "mode-matrix", **changes: Any) -> GateRun:
    """Run *gate* against *there* as a user would; *changes* go to its environment file."""
    environment = there.environment(folder, **changes)
    return run_checks(environment, "-m", gate, *arguments, variables=there.variables)


@dataclass(frozen=True)
class Seen:
    """A row of the page: what *fault* turns *red* on a deployment. *by_chance*: it may, since only luck decides."""

    fault: str
    mode: str
    lane: str
    red: frozenset[str]
    by_chance: bool

    def __str__(self) -> str:
        return f"{self.fault}-{self.mode}-{self.lane}"


_ROW = re.compile(
    r"^\| (?P<fault>F-\d+) \| (?P<mode>modal|qwen) \| (?P<lane>task|realtime) \| (?P<seen>[^|]*) \|", re.MULTILINE
)


def seen_from_outside(page: Path) -> list[Seen]:
    """Return the rows of *page*, in its order."""
    return [
        Seen(
            row["fault"],
            row["mode"],
            row["lane"],
            frozenset(f"TTS-{name}" for name in re.findall(r"[A-Z]+-\d\d", row["seen"])),
            "by chance" in row["seen"],
        )
        for row in _ROW.finditer(page.read_text())
    ]


def not_green(run: GateRun) -> dict[str, str]:
    """Return the reason of each clause that is neither green nor not applicable, by its ID; empty for a red one."""
    rows = run.evidence["clauses"]
    return {row["id"]: row["reason"] or "" for row in rows if row["outcome"] not in {"green", "not applicable"}}


def _toml(value: Any) -> str:
    """Return *value* as TOML writes it within one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
