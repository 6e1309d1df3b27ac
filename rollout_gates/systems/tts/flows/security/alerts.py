"""Alerts: each kind of trouble is brought about often enough, and the feed must tell of it soon.

In the sandbox all of it in a playground. On a deployment the run itself brings about too many calls and calls without a
login; a command of the environment file (`drill`) has to bring about what a run cannot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.burst import refused_call
from rollout_gates.systems.tts.flows.matrix.bench import bench
from rollout_gates.systems.tts.log_source import alert_lines
from rollout_gates.systems.tts.replies import json_object, text
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.flows.matrix.bench import Bench
    from rollout_gates.systems.tts.session import Session

Line = Mapping[str, Any]
SIGNALS: Mapping[str, str] = {
    "rate_limited": "429s in tier 1",
    "auth_denied": "401s or 403s",
    "server_error": "5xx of what makes voices and speech",
    "provider_error": "errors of a provider",
}
_SPIKE = 12
_DESIGNS = {True: ("dashscope", "design_create"), False: ("modal", "design")}
_LOW = {"RATE_LIMIT_TIER1_USER_LIMIT": "100"}
_HERE_S, _DRILL_S = 10.0, 60.0
_SLACK = timedelta(minutes=2)
_POLLER = Poller(first_s=0.1, factor=1.5, longest_s=5.0)


@dataclass(frozen=True)
class Alerts:
    """What the feed told since the spikes, by signal, and how long it was waited for."""

    fired: Mapping[str, tuple[Line, ...]]
    waited_s: float


@flow("alerts", last=True)
async def alerts(context: Context) -> Alerts:
    """Bring each kind of trouble about, and wait for the feed.

    Raises `NotConfigured` where nobody said how to read it, or how to bring about what a run cannot.
    """
    if context.sandbox_url is not None:
        return await _here(context)
    feed, began = context.settings.alerts, datetime.now(UTC)
    if feed is None:
        raise NotConfigured("this clause reads alerts: configure [tts.alerts] with a file or a command")
    if feed.drill is None:
        raise NotConfigured("a run cannot make servers and providers fail: set tts.alerts.drill to a command that does")
    await alert_lines(feed)
    burst = await context.observe("burst")
    _refuse_absent({"rate_limited": int(burst.was_refused)})
    if context.environment.kind != "prod":
        await _denied(context)
    for signal in SIGNALS:
        await _drill(feed.drill, signal)
    return await _waited(lambda: alert_lines(feed), began, feed.within_s)


async def _here(context: Context) -> Alerts:
    async with bench(context, variables=_LOW) as place:
        ground, session = place.ground, place.ground.session
        spikes = {
            "auth_denied": await _denied(ground.context),
            "server_error": await _server_errors(place),
            "provider_error": await _provider_errors(place),
        }
        await ground.set_variables(RATE_LIMIT_TIER1_USER_LIMIT="1")
        limited = (await session.identities.get("limited")).client
        refused = [await refused_call(limited, number) for number in range(_SPIKE + 1)]
        _refuse_absent({**spikes, "rate_limited": sum(reply.status == 429 for reply in refused)})

        async def feed() -> tuple[Line, ...]:
            return tuple(await ground.alerts())

        return await _waited(feed, None, _HERE_S)


async def _server_errors(place: Bench) -> int:
    """Order speech while no row can be written; return how often that was a 5xx."""
    await place.ground.break_("insert:generations")
    asked = {"voice_id": place.voice_id, "text": spoken(place.ground.context.run_id, "Spike"), "language": "Auto"}
    replies = [await place.client.generate(**asked) for _ in range(_SPIKE)]
    await place.ground.mend("insert:generations")
    return sum(reply.status >= 500 for reply in replies)


async def _provider_errors(place: Bench) -> int:
    """Order previews while the provider answers 500; return how many were taken on."""
    ground, qwen = place.ground, place.ground.settings.is_qwen
    provider, call = _DESIGNS[qwen]
    await ground.providers.script(provider, call, times=0, status=500, body={"code": "InternalError"})
    await ground.database.update("profiles", {"credits_remaining": 10**6}, id=place.user.user_id)
    asked = {"text": "A spike.", "language": "English", "instruct": "A calm voice."}
    tasks = [text(json_object(await place.client.design_preview(**asked)), "task_id") for _ in range(_SPIKE)]
    for task_id in filter(None, tasks):
        await place.client.task(task_id)  # with modal the first look begins the work
    return sum(task_id is not None for task_id in tasks)


def _refuse_absent(spikes: Mapping[str, int]) -> None:
    """Raise `CouldNotJudge` for trouble that did not come: then an alert that does not come shows nothing."""
    absent = [f"{name} ({SIGNALS[name]})" for name, times in spikes.items() if not times]
    if absent:
        raise CouldNotJudge(Reason.TOO_FEW_SAMPLES, f"could not be brought about: {', '.join(absent)}")


async def _denied(context: Context) -> int:
    """Call without a login; return how often that was denied."""
    session: Session = context.session
    replies = [await session.anon.voices() for _ in range(_SPIKE)]
    return sum(reply.status in (401, 403) for reply in replies)


async def _drill(command: tuple[str, ...], signal: str) -> None:
    words = [word.replace("{signal}", signal) for word in command]
    try:
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL)
        try:
            status = await asyncio.wait_for(process.wait(), _DRILL_S)
        finally:
            if process.returncode is None:
                process.kill()
    except (OSError, TimeoutError) as problem:
        told = f"tts.alerts.drill cannot be run: {type(problem).__name__}"
        raise CouldNotJudge(Reason.SOURCE_ABSENT, told) from None
    if status != 0:
        raise CouldNotJudge(Reason.SOURCE_ABSENT, f"tts.alerts.drill ended with status {status} for {signal}")


async def _waited(read: Any, began: datetime | None, patience_s: float) -> Alerts:
    """Read the feed until each signal has fired since *began*, or for *patience_s* seconds."""
    started = time.monotonic()

    async def fired() -> Mapping[str, tuple[Line, ...]]:
        lines = [line for line in await read() if began is None or _since(line, began)]
        return {name: tuple(line for line in lines if line.get("signal") == name) for name in SIGNALS}

    polled = await _POLLER.until(fired, lambda found: all(found.values()), deadline_s=patience_s)
    return Alerts(polled.last, time.monotonic() - started)


def _since(line: Line, began: datetime) -> bool:
    """Whether *line* says that it fired after *began*, give or take what clocks differ by."""
    try:
        moment = datetime.fromisoformat(str(line.get("timestamp")))
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) >= began - _SLACK
