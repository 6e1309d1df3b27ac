"""Runs the flows of the TTS package against any target, without pytest's plugin in between."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rollout_gates.conductor import Context, Stage
from rollout_gates.environment import Secret
from rollout_gates.evidence.redaction import Redactor
from rollout_gates.evidence.transcript import Recorder
from rollout_gates.systems import tts
from rollout_gates.wire import Budget, Journal, Pace, Wire

RUN_ID = "20260301T120000Z-a1b2c3"


@dataclass
class Events:
    """All events of a run, in order."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, kind: str, /, **fields: Any) -> None:
        self.rows.append({**fields, "event": kind})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["event"] == kind]

    def what(self, kind: str) -> list[tuple[str, str]]:
        return [(str(row["kind"]), str(row["id"])) for row in self.of(kind)]


def settings_of(table: Mapping[str, Any], **secrets: str) -> tts.Settings:
    """Settings from *table*, with the values of secrets by key."""
    named = {**table.get("secrets", {}), **{name: name.upper() for name in secrets}}
    settings = tts.Settings.model_validate({**table, "secrets": named})
    settings._resolved.update({"anon_key": Secret("anon-key")})
    settings._resolved.update({name: Secret(value) for name, value in secrets.items()})
    return settings


@dataclass
class Acting:
    """A context with its stage; `observe` runs a flow once."""

    context: Context
    stage: Stage
    events: Events
    redactor: Redactor

    async def observe(self, name: str) -> Any:
        return await self.stage.observe(name)


@contextlib.asynccontextmanager
async def acting(
    folder: Path,
    settings: tts.Settings,
    *,
    kind: str = "staging",
    billable_calls: int = 6,
    burst_requests: int = 400,
    timeout_s: float = 5.0,
) -> AsyncIterator[Acting]:
    """Open everything that flows share, and remove what they made at the end."""
    events, redactor = Events(), Redactor()
    rates, window_s = settings.rates()
    pace = Pace(folder / "pace.json", rates, window_s, note=lambda text: events("note", text=text))
    recorder = Recorder(folder / "transcripts", redactor)
    async with Wire(recorder, run_id=RUN_ID, timeout_s=timeout_s, pace=pace) as wire:
        context = Context(
            system="tts",
            environment=SimpleNamespace(kind=kind),
            settings=settings,
            wire=wire,
            budget=Budget(
                folder / "spent.json", {"billable_calls": billable_calls, "burst_requests": burst_requests}, events
            ),
            pace=pace,
            journal=Journal(events),
            run_id=RUN_ID,
            record=events,
        )
        async with tts.open_session(context) as session:
            context.session = session
            stage = Stage(context, tts.FLOWS)
            try:
                yield Acting(context, stage, events, redactor)
            finally:
                await stage.cancel()
    recorder.close()
