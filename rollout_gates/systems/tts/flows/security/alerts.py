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
from rollout_gates.systems.tts.samples import spoken
from rollout_gates.wire import CouldNotJudge, NotConfigured, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.session import Session

Line = Mapping[str, Any]
SIGNALS: Mapping[str, str] = {
    "rate_limited": "429s in tier 1",
    "auth_denied": "401s or 403s",
    "server_error": "5xx of what makes voices and speech",
    "provider_error": "errors of a provider",
}
_SPIKE = 12
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
    await context.observe("burst")
    if context.environment.kind != "prod":
        await _denied(context)
    for signal in SIGNALS:
        await _drill(feed.drill, signal)
    return await _waited(lambda: alert_lines(feed), began, feed.within_s)


async def _here(context: Context) -> Alerts:
    async with bench(context, variables=_LOW) as place:
        ground, client, session = place.ground, place.client, place.ground.session
        await _denied(ground.context)
        await ground.break_("insert:generations")
        for number in range(_SPIKE):
            said = spoken(context.run_id, f"Spike {number}")
            await client.generate(voice_id=place.voice_id, text=said, language="Auto")
        await ground.mend("insert:generations")
        provider, call = ("dashscope", "design_create") if context.settings.is_qwen else ("modal", "design")
        await ground.providers.script(provider, call, times=0, status=500, body={"code": "InternalError"})
        await ground.database.update("profiles", {"credits_remaining": 10**6}, id=place.user.user_id)
        asked = {"text": "A spike.", "language": "English", "instruct": "A calm voice."}
        begun = [await client.design_preview(**asked) for _ in range(_SPIKE)]
        for reply in begun:
            await client.task(str(reply.json().get("task_id")))  # with modal the first look begins the work
        await ground.set_variables(RATE_LIMIT_TIER1_USER_LIMIT="1")
        limited = (await session.identities.get("limited")).client
        for number in range(_SPIKE + 1):
            await refused_call(limited, number)

        async def feed() -> tuple[Line, ...]:
            return tuple(await ground.alerts())

        return await _waited(feed, None, _HERE_S)


async def _denied(context: Context) -> None:
    session: Session = context.session
    for _ in range(_SPIKE):
        await session.anon.voices()


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
