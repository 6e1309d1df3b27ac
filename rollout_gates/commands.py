"""Runs a command of the team's: bounded in time and output, in a process group of its own, ended with whoever waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

_STEP_S = 0.5
_GRACE_S = 2.0
_MOST_BYTES = 16 << 20
_KEPT_BYTES = 64 << 10


@dataclass(frozen=True)
class Ran:
    """How a command ended.

    *status* is ``None`` for one that could not be started or had to be ended; then *problem* says why. *output* is the
    end of what it wrote, 64 kB at most, in clear: redact it before it goes anywhere.
    """

    status: int | None
    output: str
    took_s: float
    problem: str | None = None


async def run_command(
    words: Sequence[str],
    *,
    within_s: float,
    variables: Mapping[str, str] | None = None,
    started: Callable[[int], None] = lambda _pid: None,
) -> Ran:
    """Run *words* without a shell, and end it, with all that it started, after *within_s*.

    *started* is told its id, which is also that of its process group. Never raises for what the command does. Whoever
    is cancelled here ends the command before anything else.
    """
    began = time.monotonic()
    # A file, not a pipe: a server that the command leaves behind may go on writing, and nobody has to read.
    with tempfile.TemporaryFile() as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=asyncio.subprocess.STDOUT,
                env=variables, start_new_session=True,
            )  # fmt: skip
        except OSError as problem:
            return Ran(None, "", 0.0, f"could not be started: {problem.strerror}")
        ended_for = None
        try:
            started(process.pid)
            ended_for = await _ended(process, output, began + within_s, within_s)
        finally:
            if process.returncode is None:
                await end_group(process.pid, process)
        took_s = round(time.monotonic() - began, 3)
        return Ran(None if ended_for else process.returncode, _tail(output), took_s, ended_for)


async def _ended(process: asyncio.subprocess.Process, output: BinaryIO, deadline: float, within_s: float) -> str | None:
    """Wait for the end of *process*; return why it has to be ended instead."""
    while True:
        left_s = deadline - time.monotonic()
        try:
            await asyncio.wait_for(process.wait(), max(0.0, min(_STEP_S, left_s)))
        except TimeoutError:
            pass
        else:
            return None
        if left_s <= 0:
            return f"was still running after {within_s:g} s, and was ended"
        if os.fstat(output.fileno()).st_size > _MOST_BYTES:
            return f"wrote more than {_MOST_BYTES >> 20} MB, and was ended"


async def end_group(pid: int, process: asyncio.subprocess.Process | None = None) -> None:
    """End the process group *pid*: ask first, then kill. *process* is its leader, if it is a child of this process."""
    if not _signalled(pid, signal.SIGTERM):
        return
    deadline = time.monotonic() + _GRACE_S
    while time.monotonic() < deadline and _signalled(pid, 0):
        if process is not None and process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.05)
        else:
            await asyncio.sleep(0.05)
    _signalled(pid, signal.SIGKILL)
    if process is not None:
        await process.wait()


def _signalled(pid: int, number: int) -> bool:
    """Send the group a signal; tell whether there was anybody to hear it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says "not permitted" of a group of zombies
        return False
    return True


def _tail(output: BinaryIO) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _KEPT_BYTES))
    return output.read(_KEPT_BYTES).decode("utf-8", "replace")
