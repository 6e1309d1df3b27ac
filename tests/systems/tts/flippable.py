"""A sandbox that was started in the foreground, judged as if it were somebody's deployment with a flip command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("flip_mode.py")
TOKEN = "planted-access-token-of-the-team-71c4"
WIDE = ("tier1_user", "tier2_user", "tier3_ip", "tier1_ip", "tier2_ip")
ADDRESSES = ("api_url", "auth_url", "data_url", "storage_url")


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    output: str
    folder: Path

    @property
    def verdict(self) -> str:
        return self.output.rstrip().splitlines()[-1].split()[0]

    @cached_property
    def evidence(self) -> dict[str, Any]:
        return json.loads((self.folder / "evidence.json").read_text())

    def cell(self, clause: str, cell: str) -> dict[str, Any]:
        row = next(row for row in self.evidence["clauses"] if row["id"] == clause)
        return next(found for found in row["cells"] if found["cell"] == cell)

    def red(self, cell: str) -> set[str]:
        rows = self.evidence["clauses"]
        return {row["id"] for row in rows for each in row["cells"] if (each["cell"], each["outcome"]) == (cell, "red")}

    def outcomes(self, cell: str) -> set[str]:
        return {each["outcome"] for row in self.evidence["clauses"] for each in row["cells"] if each["cell"] == cell}


@dataclass
class Deployment:
    """A running sandbox in one mode."""

    ready: dict[str, Any]
    folder: Path
    runs: list[Path] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        return self.ready["systems"]["tts"]

    @property
    def control(self) -> str:
        name = next(iter(self.ready["instances"])).partition("/")[2]
        return f"{self.ready['control_url']}/tts/{name}"

    @property
    def diary(self) -> list[str]:
        path = self.folder / "diary.txt"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def mode(self) -> str:
        """The mode that it runs, whatever its languages say."""
        with urllib.request.urlopen(f"{self.control}/state") as answer:
            return json.load(answer)["mode"]

    def set(self, path: str, method: str, body: Any) -> None:
        url = f"{self.control}/{path}" if path != "faults" else f"{self.ready['control_url']}/faults"
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), method=method)).close()

    def start_anew(self, mode: str) -> None:
        """Bring it into *mode*, without faults, and forget what was."""
        self.set("faults", "PUT", {"on": []})
        self.set("variables", "POST", {"TTS_PROVIDER_MODE": mode})
        (self.folder / "diary.txt").unlink(missing_ok=True)

    def environment_file(
        self, *, flip: str | None = None, mode: str = "qwen", more: str = "", without: str = ""
    ) -> Path:
        table: dict[str, Any] = {key: self.settings[key] for key in ADDRESSES}
        table |= {"provider_mode": mode, "lane": "task", "text_cap": 600, "sign_up": True, "latency_budget_s": 20}
        table |= {"vc_model": self.settings["vc_model"], "vd_model": self.settings["vd_model"]}
        lines = ['kind = "staging"', "[limits]", "billable_calls = 400", "timeout_s = 10", "[tts]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if key != without]
        lines += ["rate_limits = {tier1_user = 100000, tier2_user = 100000, tier3_ip = 100000, window_s = 300}"]
        lines += ["[tts.secrets]", 'anon_key = "TTS_ANON_KEY"', 'service_role_key = "TTS_SERVICE_ROLE_KEY"']
        flip = json.dumps([sys.executable, str(SCRIPT), "{mode}"]) if flip is None else flip
        lines += ["[tts.control]", f"flip = {flip}", more] if flip else []
        path = self.folder / "theirs.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def command(self, file: Path, *arguments: str) -> tuple[list[str], Path]:
        evidence = self.folder / f"run-{len(self.runs)}"
        self.runs.append(evidence)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "mode-matrix"]
        return [*command, f"--env={file}", f"--evidence={evidence}", *arguments], evidence

    def variables(self, habit: str = "") -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "ROLLOUT_", "TTS_", "FLIP_"))}
        mine = {"FLIP_HABIT": habit, "FLIP_DIARY": str(self.folder / "diary.txt"), "FLIP_CONTROL": self.control}
        return {**kept, **self.ready["variables"], **mine, "FLIP_ACCESS_TOKEN": TOKEN}

    def judge(self, file: Path, *arguments: str, habit: str = "", timeout_s: float = 300) -> Ended:
        command, evidence = self.command(file, *arguments)
        done = subprocess.run(
            command, cwd=ROOT, env=self.variables(habit), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        return Ended(done.returncode, done.stdout + done.stderr, evidence)

    def interrupted(
        self,
        file: Path,
        *arguments: str,
        when: Any,
        habit: str = "",
        number: int = signal.SIGINT,
        timeout_s: float = 120,
    ) -> Ended:
        """Start a run, and send signal *number* to all of its terminal, Ctrl-C by itself, once *when* holds."""
        command, evidence = self.command(file, *arguments)
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.variables(habit), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + timeout_s
            while not when():
                assert time.monotonic() < deadline, "waited too long"
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.05)
            os.killpg(process.pid, number)
            output, _ = process.communicate(timeout=timeout_s)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        return Ended(process.returncode, output, evidence)


@contextlib.contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Start a sandbox in the foreground, as a person would, and yield it."""
    command = [sys.executable, "-m", "rollout_gates.cli", "sandbox", "--json", "--until-eof"]
    command += [f"--setting=tts.rate_limits.{tier}=100000" for tier in WIDE]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Deployment(json.loads(process.stdout.readline()), folder)
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
