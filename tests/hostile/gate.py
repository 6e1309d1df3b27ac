"""Runs the smoke gate against a target that misbehaves, as a user would, and reads what it left behind."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
OUTCOMES = {"green", "red", "inconclusive", "waived", "not applicable"}
# Words that no artefact and no line may hold. The tokens are JWTs of two users with a life before them.
ANON_KEY = "planted-anon-key-4f1d9c7b2e"
SIGNATURES = {"TTS_USER_A_TOKEN": "plantedSignatureOfUserA91c2", "TTS_USER_B_TOKEN": "plantedSignatureOfUserB73e8"}


def token(variable: str, expires_in_s: float = 3600) -> str:
    """Return a planted token for *variable*."""
    said = {"sub": f"00000000-0000-4000-8000-00000000000{variable[9:10].lower()}", "exp": time.time() + expires_in_s}
    parts = [_part({"alg": "HS256"}), _part(said), SIGNATURES[variable]]
    return ".".join(parts)


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def planted(expires_in_s: float = 3600) -> dict[str, str]:
    """Return the variables that the environment file names."""
    return {"TTS_ANON_KEY": ANON_KEY, **{name: token(name, expires_in_s) for name in SIGNATURES}}


@dataclass(frozen=True)
class Ended:
    """One finished run. *output* is all that the terminal showed."""

    status: int
    output: str
    folder: Path
    took_s: float
    secrets: tuple[str, ...]

    @property
    def last_line(self) -> str:
        """The line that says the verdict."""
        return self.output.rstrip().splitlines()[-1]

    @cached_property
    def evidence(self) -> dict[str, Any]:
        """Return evidence.json."""
        path = self.folder / "evidence.json"
        assert path.is_file(), f"the run left no evidence:\n{self.output[-4000:]}"
        return json.loads(path.read_text())

    @cached_property
    def clauses(self) -> dict[str, dict[str, Any]]:
        """The clauses that apply, by their IDs."""
        rows = self.evidence["clauses"]
        return {row["id"]: row for row in rows if row["outcome"] != "not applicable"}

    def counts(self) -> dict[str, int]:
        """How many clauses ended how."""
        found: dict[str, int] = {}
        for row in self.clauses.values():
            found[row["outcome"]] = found.get(row["outcome"], 0) + 1
        return found

    def told(self) -> list[str]:
        """The lines about clauses that are not green, without the lists of IDs below them."""
        lines = self.output.splitlines()
        start = next((at for at, line in enumerate(lines) if "clauses that are not green" in line), len(lines))
        return [line for line in lines[start:-1] if line.startswith(("RED ", "INCONCLUSIVE ", "RUN "))]


def environment_file(folder: Path, base: str, *, timeout_s: float = 2, kind: str = "staging", **settings: Any) -> Path:
    """Write an environment file for the target at *base* and return its path."""
    addresses = {
        "api_url": "/functions/v1/api",
        "auth_url": "/auth/v1",
        "data_url": "/rest/v1",
        "storage_url": "/storage/v1",
    }
    table: dict[str, Any] = {
        **{key: base + path for key, path in addresses.items()},
        "provider_mode": "qwen", "lane": "task", "text_cap": 600, "latency_budget_s": 4,
        "vc_model": "qwen3-tts-vc-2026-01-22", "vd_model": "qwen3-tts-vd-2026-01-26",
        **settings,
    }  # fmt: skip
    # So wide that nothing has to wait: with 20 calls a window the golden cases alone would take half an hour.
    limits = "{tier1_user = 250, tier2_user = 1000, tier3_ip = 4000, window_s = 300}"
    lines = [f'kind = "{kind}"', f'ledger = "{folder}/ledger"', "[limits]", f"timeout_s = {timeout_s}", "[tts]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    lines += [f"rate_limits = {limits}", "[tts.secrets]", 'anon_key = "TTS_ANON_KEY"']
    lines += [f'{name.removeprefix("TTS_").lower()} = "{name}"' for name in SIGNATURES]
    path = folder / "hostile.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def run_gate(environment: Path, *arguments: str, timeout_s: float = 60, **variables: str) -> Ended:
    """Run the smoke gate with *environment*; *arguments* go to the command line, *variables* to the process."""
    evidence = environment.parent / "evidence"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "smoke", f"--env={environment}"]
    started = time.monotonic()
    held = variables or planted()
    done = subprocess.run(
        [*command, f"--evidence={evidence}", *arguments],
        cwd=ROOT, env={**clean_variables(), **held}, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    secrets = (*held.values(), *SIGNATURES.values(), ANON_KEY)
    return Ended(done.returncode, done.stdout + done.stderr, evidence, time.monotonic() - started, secrets)


def clean_variables() -> dict[str, str]:
    """Return the variables of this process without those that steer a gate."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ROLLOUT_", "TTS_"))}


def check_decent(ended: Ended, *, within_s: float) -> None:
    """The run is decent, however the target behaved: whole, quiet, discreet, and over in time."""
    assert "Traceback" not in ended.output
    assert "Error\n" not in ended.output
    assert len(ended.clauses) == 25
    assert len({row["id"] for row in ended.evidence["clauses"]}) == len(ended.evidence["clauses"])
    assert {row["outcome"] for row in ended.clauses.values()} <= OUTCOMES
    verdict = ended.evidence["verdict"]
    assert ended.last_line.startswith(f"{verdict}  smoke · env hostile (staging) · 25 clauses: ")
    assert ended.status == {"GO": 0, "NO-GO": 1, "INCONCLUSIVE": 6}[verdict]
    errored = {row["id"]: row["message"] for row in ended.clauses.values() if row["reason"] == "check errored"}
    assert errored == {}, "a check crashed"
    check_discreet(ended)
    assert ended.took_s < within_s, f"took {ended.took_s:.1f} s"


def check_discreet(ended: Ended) -> None:
    """No secret stands in the terminal, or in any file of the evidence."""
    files = [path for path in ended.folder.rglob("*") if path.is_file()]
    assert files
    for secret in ended.secrets:
        assert secret not in ended.output
        holding = [path.name for path in files if secret.encode() in path.read_bytes()]
        assert holding == [], f"{secret[:12]}… stands in {holding}"
