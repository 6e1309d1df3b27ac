"""Whether the evidence of this run holds what the gate has to hand over: its probes, and files of other tools."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.systems.tts.names import KEY
from rollout_gates.wire import NotConfigured

if TYPE_CHECKING:
    from pathlib import Path

    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.deny import Deny
    from rollout_gates.systems.tts.flows.volley import Burst
    from rollout_gates.wire import Reply

_MOST_BYTES = 64 * 2**20
_DAY_S = 86_400.0


@dataclass(frozen=True)
class OnRecord:
    """One probe, and its line in the transcript; ``None`` where it has none."""

    reply: Reply
    row: Mapping[str, Any] | None


@dataclass(frozen=True)
class Probes:
    """The probes of authentication and those of the burst, as they are on record."""

    authentication: tuple[OnRecord, ...]
    burst: tuple[OnRecord, ...]


@flow("probes_on_record")
async def probes_on_record(context: Context) -> Probes:
    """Look for the probes of this run in its transcripts."""
    deny: Deny = await context.observe("deny")
    burst: Burst = await context.observe("burst")
    asked = [reply for denial in deny.denials for reply in (denial.without, denial.bad)]
    return Probes(_on_record(context, asked), _on_record(context, [*burst.answers, burst.last]))


def _on_record(context: Context, replies: list[Reply]) -> tuple[OnRecord, ...]:
    names = sorted({reply.transcript for reply in replies})
    rows = {row["id"]: row for name in names for row in context.wire.recorder.rows(name)}
    return tuple(OnRecord(reply, rows.get(reply.exchange_id)) for reply in replies)


@dataclass(frozen=True)
class Record:
    """A file of another tool. *problem* says why it is none, ``None`` where nothing is wrong with it."""

    name: str
    size_bytes: int
    age_days: float
    problem: str | None = None


@flow("records")
async def records(context: Context) -> tuple[Record, ...]:
    """Read the files that the environment file names, and keep their digests."""
    given: Mapping[str, Path] | None = context.settings.records
    if not given:
        raise NotConfigured("name the files of other tools under [tts.records]")
    return tuple([await asyncio.to_thread(_record, context, name, path) for name, path in sorted(given.items())])


def _record(context: Context, name: str, path: Path) -> Record:
    try:
        size, modified = path.stat().st_size, path.stat().st_mtime
        data = b"" if size > _MOST_BYTES else path.read_bytes()
    except OSError as problem:
        return Record(name, 0, 0.0, f"cannot be read: {problem.strerror}")
    context.record("record_given", system=KEY, name=name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=size)
    return Record(name, size, (time.time() - modified) / _DAY_S, _wrong(name, size, data))


def _wrong(name: str, size: int, data: bytes) -> str | None:
    if size > _MOST_BYTES:
        return f"has {size} bytes, and at most {_MOST_BYTES} are read"
    if not data.strip():
        return "is empty"
    if name.endswith(".json"):
        try:
            json.loads(data)
        except ValueError:
            return "is not JSON"
    return None
