"""The log lines of a deployment, where the environment file says how to read them: a file, or a command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rollout_gates.json_text import parse
from rollout_gates.reasons import Reason
from rollout_gates.wire import CouldNotJudge, NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    from rollout_gates.systems.tts.settings import Feed

Line = Mapping[str, Any]

MOST_BYTES = 32 * 2**20
"""No more than this is read, from the end: what a run looks for is among the newest."""
_COMMAND_S = 60.0


async def log_lines(logs: Feed | None) -> tuple[Line, ...]:
    """Return the lines that are there, oldest first. A line that is no JSON object stands under ``text``.

    Raises `NotConfigured` where nobody said how to read them, `CouldNotJudge` where that does not work.
    """
    if logs is None:
        raise NotConfigured("this clause reads the log: configure [tts.logs] with a file or a command")
    return await _lines(logs, "tts.logs")


async def alert_lines(alerts: Feed) -> tuple[Line, ...]:
    """Return the alerts that are there, oldest first. Raises `CouldNotJudge` where they cannot be read."""
    return await _lines(alerts, "tts.alerts")


async def feed_text(feed: Feed, key: str) -> str:
    """Return the text behind *feed*, which is the environment file's *key*. Raises `CouldNotJudge`."""
    if feed.file is not None:
        data = await asyncio.to_thread(_tail, feed.file, key)
    else:
        data = await _said(feed.command or (), key)
    return data.decode("utf-8", "replace")


async def _lines(feed: Feed, key: str) -> tuple[Line, ...]:
    return tuple(_line(text) for text in (await feed_text(feed, key)).splitlines() if text.strip())


def _tail(file: Path, key: str) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - MOST_BYTES))
            return opened.read(MOST_BYTES)
    except OSError as problem:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{key}.file cannot be read: {problem.strerror}") from problem


async def _said(command: tuple[str, ...], key: str) -> bytes:
    """Return the last of what *command* prints; a command that follows the log is ended after a minute."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as problem:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"{key}.command cannot be run: {problem.strerror}") from problem
    assert process.stdout is not None
    data = bytearray()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_COMMAND_S):
                while part := await process.stdout.read(65536):
                    data += part
                    del data[:-MOST_BYTES]
                if await process.wait() != 0:
                    told = f"{key}.command ended with status {process.returncode}"
                    raise CouldNotJudge(Reason.SOURCE_ABSENT, told)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return bytes(data)


def _line(text: str) -> Line:
    try:
        found = parse(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": text}
