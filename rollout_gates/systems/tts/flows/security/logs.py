"""Log lines of calls that this run made: one line each, what it says, and what must never stand in it.

In the sandbox a playground is called in every tier. On a deployment it is the burst of the run, and outside of prod a
few calls more, whose lines are then waited for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollout_gates.conductor import flow
from rollout_gates.reasons import Reason
from rollout_gates.systems.tts.flows.burst import bucket_of
from rollout_gates.systems.tts.flows.matrix.scene import Scene
from rollout_gates.systems.tts.flows.security.bursts import arena
from rollout_gates.systems.tts.flows.volley import Burst, fill
from rollout_gates.systems.tts.log_source import log_lines
from rollout_gates.systems.tts.names import KEY, tier_of
from rollout_gates.systems.tts.samples import LANGUAGE, tag
from rollout_gates.wire import CouldNotJudge, Poller

if TYPE_CHECKING:
    from rollout_gates.conductor import Context
    from rollout_gates.systems.tts.identities import Identity
    from rollout_gates.systems.tts.session import Session
    from rollout_gates.wire import Reply

Line = Mapping[str, Any]
# Lines of a hosted log arrive late.
_PATIENCE_S = 45.0
_POLLER = Poller(first_s=0.2, factor=1.6, longest_s=8.0)
# The clocks of two machines, and the time that a line takes to be written.
_SLACK = timedelta(minutes=2)
_OF_A_BURST = 3
_SHOWN = 12


@dataclass(frozen=True)
class Logged:
    """One limited call: the answer, the path below the API, its tier (a digit), and the lines under its request id."""

    answer: Reply
    path: str
    tier: str
    lines: tuple[Line, ...]

    @property
    def request_id(self) -> str:
        """The id that the header of the answer says, or that was sent where it says none."""
        return request_id(self.answer)


@dataclass(frozen=True)
class Logs:
    """Calls with their lines, and all lines since the run began. *canaries* are what may stand in no line, by name."""

    calls: tuple[Logged, ...]
    lines: tuple[Line, ...]
    canaries: Mapping[str, str]


def request_id(answer: Reply) -> str:
    """Return the id of a call: the one that its answer says, or that was sent."""
    return answer.header("x-request-id").strip() or answer.request_id


@flow("logs", last=True)
async def logs(context: Context) -> Logs:
    """Make calls, wait for their lines, and keep an excerpt of them.

    Raises `NotConfigured` where nobody said how to read the log, `CouldNotJudge` when no line at all is there.
    """
    began, text = datetime.now(UTC), f"canary words {tag(context.run_id)}"
    async with arena(context, RATE_LIMIT_TIER1_USER_LIMIT="4") as (here, ground):
        if ground is None:
            await log_lines(here.settings.logs)  # before anything is sent that could not be looked for
        burst: Burst = await _burst(here) if ground else await context.observe("burst")
        replies = [*burst.answers[:_OF_A_BURST], burst.last]
        user: Identity = await here.session.identities.get("burst")
        if ground is not None or context.environment.kind != "prod":
            replies += await _more(here, text)
        stage = Scene(here, ground)
        lines = await _arrived(stage, {request_id(reply) for reply in replies})
    if not lines:
        raise CouldNotJudge(Reason.NO_TRAFFIC, "the log is empty although calls were made")
    recent = tuple(line for line in lines if _is_recent(line, began))
    calls = tuple(_logged(reply, here.settings.api_url, recent) for reply in replies)
    keep(context, "A call over the limit", [line for line in recent if line.get("status_code") == 429])
    token = user.client.caller.token
    canaries = {"the text of a request": text, "a token": token.reveal() if token else ""}
    return Logs(calls, recent, {name: word for name, word in canaries.items() if word})


async def _burst(context: Context) -> Burst:
    session: Session = context.session
    return await fill(context, bucket_of(session, await session.identities.get("burst")))


async def _more(context: Context, text: str) -> list[Reply]:
    """Call tiers 1 to 3 with words in the query and the body that no log may hold."""
    session: Session = context.session
    user = await session.identities.get("logs")
    said = {"name": text, "language": LANGUAGE, "transcript": text}
    asked = {"voice_id": str(uuid.uuid4()), "text": text, "language": "Auto"}
    return [
        await user.client.clone_upload_url(**said),
        await user.client.generate(**asked),
        await user.client.task(str(uuid.uuid4())),
        await user.client.voices(search=text),
        await session.anon.voices(),
    ]


async def _arrived(stage: Scene, wanted: set[str]) -> tuple[Line, ...]:
    """Return the lines once each of *wanted* has one, or when we lose patience. The sandbox writes them at once."""
    patience_s = 1.0 if stage.ground is not None else _PATIENCE_S

    def complete(lines: tuple[Line, ...]) -> bool:
        return wanted <= {str(line.get("request_id")) for line in lines}

    return (await _POLLER.until(stage.logged, complete, deadline_s=patience_s)).last


def _is_recent(line: Line, began: datetime) -> bool:
    """Whether *line* is of this run's time; one that does not say when it is from may be."""
    try:
        moment = datetime.fromisoformat(str(line.get("timestamp")))
    except ValueError:
        return True
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) >= began - _SLACK


def _logged(reply: Reply, api_url: str, lines: tuple[Line, ...]) -> Logged:
    path = reply.request.url.removeprefix(api_url).partition("?")[0]
    tier = "".join(filter(str.isdigit, tier_of(reply.request.method, path) or ""))
    return Logged(reply, path, tier, tuple(line for line in lines if line.get("request_id") == request_id(reply)))


def keep(context: Context, title: str, lines: list[Line]) -> None:
    """Keep *lines* in the evidence, as far as a reader wants them: redacted, like all text from outside."""
    if lines:
        said = [json.dumps(line, ensure_ascii=False, sort_keys=True) for line in lines[:_SHOWN]]
        context.record("log_excerpt", system=KEY, title=title, detail=said)
