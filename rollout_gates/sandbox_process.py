"""Starts the local stand-in as a process of its own and reads where it listens.

The stand-in is only ever talked to over sockets. It lives as long as the pipe to its standard input is open, so it
ends with this process however that ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from rollout_gates.environment import Overlay
from rollout_gates.errors import SandboxFailed

_ROOT = Path(__file__).parents[1]
_READY_WITHIN_S = 60.0
_END_WITHIN_S = 10.0


@dataclass
class SandboxProcess:
    """A running stand-in. *ready* is what it said of itself; its secrets are in ``overlay().variables``."""

    process: subprocess.Popen[str]
    ready: Mapping[str, Any]

    def overlay(self) -> Overlay:
        """Return what the stand-in adds to an environment file."""
        return Overlay(self.ready["systems"], self.ready["variables"], self.ready["control_url"])

    def overlays(self) -> list[Overlay]:
        """Return one overlay an instance that was started, each for the system that it belongs to."""
        control_url = self.ready["control_url"]
        return [
            Overlay({name.partition("/")[0]: told["settings"]}, told["variables"], control_url)
            for name, told in self.ready["instances"].items()
        ]

    def stop(self) -> None:
        """Close the pipe and wait for the end; kill the process when it does not come."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_sandbox(
    systems: Mapping[str, Mapping[str, Any]],
    *,
    faults: Iterable[str] = (),
    arguments: Iterable[str] = (),
) -> SandboxProcess:
    """Start ``python -m sandbox`` for *systems* (their tables of the environment file). Raises `SandboxFailed`.

    *arguments* go to its command line as they are, for example to start several instances.
    """
    command = [sys.executable, "-m", "sandbox", "--json", "--until-eof"]
    command += [f"--system={','.join(systems)}"]
    for key, table in systems.items():
        command += [f"--setting={key}.{name}={value}" for name, value in _flat(table)]
    if listed := ",".join(faults):
        command.append(f"--fault={listed}")
    command += arguments
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=variables(),
            # Ctrl-C is for the run, which still has things to remove in the stand-in. The pipe ends it anyway.
            start_new_session=True,
        )
        ready = _ready(first_line(process))
        if ready is None:
            raise SandboxFailed(f"the sandbox did not start: {_reason(_ended(process), complaints)}")
    return SandboxProcess(process, ready)


def variables() -> dict[str, str]:
    """Return the variables of the stand-in: it is found from any folder."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def _ready(line: str | None) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("ready") else None


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in table.items():
        if name == "secrets":
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _said(value)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def first_line(process: subprocess.Popen[str]) -> str | None:
    """Return the first line of the output, or ``None`` if the process ends or stays silent instead."""
    lines: list[str] = []
    arrived = threading.Event()

    def read(output: TextIO) -> None:
        with output:
            for line in output:
                if not lines:
                    lines.append(line)
                    arrived.set()
                # Whatever follows is read and dropped: a full pipe would stop the stand-in.
        arrived.set()

    threading.Thread(target=read, args=(cast("TextIO", process.stdout),), daemon=True).start()
    arrived.wait(_READY_WITHIN_S)
    return lines[0] if lines and lines[0].strip() else None


def _ended(process: subprocess.Popen[str]) -> int | None:
    """End *process*; return the status that it had ended with by itself, ``None`` when it had to be killed."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _reason(status: int | None, complaints: TextIO) -> str:
    complaints.seek(0)
    if lines := [line.strip() for line in complaints if line.strip()]:
        return lines[-1]
    if status is not None:
        return f"it ended with status {status} without a word"
    return f"it said nothing within {_READY_WITHIN_S:.0f} s"
